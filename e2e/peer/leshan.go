package peer

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
)

// dir returns the folder e2e of the repository.
func dir() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Dir(filepath.Dir(file))
}

var buildPeers = sync.OnceValues(func() ([]byte, error) {
	return exec.Command(filepath.Join(dir(), "peers", "build.sh")).CombinedOutput()
})

// java starts a program of e2e/peers with flags for the virtual machine and its own.
func java(t testing.TB, jvm []string, module, class string, args []string) *Process {
	t.Helper()
	if out, err := buildPeers(); err != nil {
		t.Fatalf("e2e/peers/build.sh: %v\n%s", err, out)
	}
	target := filepath.Join(dir(), "peers", module, "target")
	classes := filepath.Join(target, module+"-1.jar") + ":" + filepath.Join(target, "lib", "*")
	args = append(append(slices.Clone(jvm), "-cp", classes, "peers."+module+"."+class), args...)
	p := Start(t, module+" "+class, "java", args...)
	p.Expect("started")
	return p
}

// small is a Java that starts quickly and stays small.
var small = []string{"-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Xmx96m"}

// Leshan2Client starts a Leshan 2 client: LwM2M 1.1, RFC 9146 connection IDs, extended master secret. Flags:
// --endpoint, --server URI, --identity, --key HEX, --cid off|LENGTH, --lifetime and --period (ms) of updates, --suites,
// --private HEX with --public HEX or --certificate HEX, --server-public HEX, --usage, --trust HEX (DER: raw public keys and
// certificates), --ems off|on|required, --queue on, --format, --bootstrap on (the server is a bootstrap server), --firmware VERSION (object 5: what an update installs). Commands: set PATH VALUE, update, send PATH..., stop, quit.
func Leshan2Client(t testing.TB, flags ...string) *Process {
	return java(t, small, "leshan2", "Client", flags)
}

// Leshan1Client starts a Leshan 1.5 client: LwM2M 1.0, the draft of connection IDs, no extended master secret. Flags and
// commands are those of Leshan2Client, without --ems, --format and send.
func Leshan1Client(t testing.TB, flags ...string) *Process {
	return java(t, small, "leshan1", "Client", flags)
}

// Leshan2Server starts a Leshan 2 server. Flags: --coap HOST:PORT, --coaps HOST:PORT, --psk ENDPOINT,IDENTITY,HEX, and
// --cid, --suites, --ems as the client; --private HEX, --public HEX, --certificate HEX, --trust HEX, --rpk ENDPOINT,HEX, --x509
// ENDPOINT (DER: raw public keys and certificates). Its commands are those of Server.java: "read EP PATH", "write EP PATH VALUE", ...
// each answered by an event "response".
func Leshan2Server(t testing.TB, flags ...string) *Process {
	return java(t, small, "leshan2", "Server", flags)
}

// Leshan2LoadServer starts a Leshan 2 server for measurements: Java as it comes, with 8 GB, no event for each message, and
// the part of the demo's REST interface that `heddle load` uses, at web.
func Leshan2LoadServer(t testing.TB, coap, coaps, web string) *Process {
	return java(t, []string{"-Xmx8g"}, "leshan2", "Server", []string{"--coap", coap, "--coaps", coaps, "--http", web})
}

// LeshanBootstrapServer starts a Leshan bootstrap server, 2.0.0-M14. Flags: --coap HOST:PORT, --coaps HOST:PORT, --psk
// ENDPOINT,IDENTITY,HEX, and what the device of --endpoint is given: --server SSID,LIFETIME,URI[,IDENTITY,HEX],
// --bootstrap URI[,IDENTITY,HEX], --acl OBJECT,INSTANCE,OWNER,SSID,RIGHTS, --delete PATH, --auto on (Discover first),
// --format NAME (default: what the device prefers).
func LeshanBootstrapServer(t testing.TB, flags ...string) *Process {
	return java(t, small, "leshanbs", "BootstrapServer", flags)
}
