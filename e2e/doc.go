// Package e2e holds the tests of the built program against real peers: Leshan 1 and 2, libcoap, OpenSSL, GnuTLS and
// tshark. They need the build tag peers (`make test` sets it) and the programs that e2e/peer starts.
package e2e
