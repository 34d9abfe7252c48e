# Sourced by the other scripts: where we are, what we need, how we say it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say()  { printf '\n== %s\n' "$*"; }
fail() { printf 'heddle: %s\n' "$*" >&2; exit 1; }

# need_go and need_node name the version that is missing and stop.
need_go() {
  command -v go >/dev/null || fail "Go 1.26 or newer is needed: install it and put it on the PATH"
  go version | grep -Eq 'go1\.(2[6-9]|[3-9][0-9])' || fail "Go 1.26 or newer is needed, this is $(go version)"
}
need_node() {
  command -v node >/dev/null && command -v npm >/dev/null || fail "Node.js 20.19 or newer with npm is needed to build the web app"
  node -e 'const [a,b]=process.versions.node.split(".").map(Number); process.exit(a>20||(a===20&&b>=19)?0:1)' ||
    fail "Node.js 20.19 or newer is needed, this is $(node --version)"
}
