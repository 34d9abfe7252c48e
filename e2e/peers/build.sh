#!/bin/sh
# Builds the Java peers of the end-to-end tests (Maven, JDK 17). It does nothing where they are newer than their sources.
set -eu
cd "$(dirname "$0")"
stamp=target/built
if [ -f "$stamp" ] && [ -z "$(find . -name target -prune -o -type f -newer "$stamp" -print)" ]; then
	exit 0
fi
for tool in mvn java; do
	command -v "$tool" >/dev/null || { echo "e2e/peers: $tool is missing: apt-get install maven openjdk-17-jdk-headless" >&2; exit 1; }
done
# Offline first: that is quick, and works where the libraries are there already.
mvn -B -q -o package >/dev/null 2>&1 || mvn -B -q package
mkdir -p target
touch "$stamp"
