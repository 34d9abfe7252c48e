package peer

import (
	"fmt"
	"net"
	"testing"
)

// UDPPort returns an address on 127.0.0.1 whose UDP port was free a moment ago.
func UDPPort(t testing.TB) string {
	t.Helper()
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().String()
}

// UDPPort6 returns an address on ::1 whose UDP port was free a moment ago.
func UDPPort6(t testing.TB) string {
	t.Helper()
	c, err := net.ListenPacket("udp6", "[::1]:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().String()
}

// TCPPort returns an address on 127.0.0.1 whose TCP port was free a moment ago.
func TCPPort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return fmt.Sprint(l.Addr())
}
