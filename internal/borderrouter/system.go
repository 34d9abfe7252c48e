package borderrouter

import (
	"net"
	"net/netip"
	"os"
	"strings"
)

// ThisComputer is the System that the program runs on.
type ThisComputer struct{}

// Route implements System: connecting a socket for datagrams looks the route up and sends nothing.
func (ThisComputer) Route(to netip.Addr) error {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(netip.AddrPortFrom(to, 9)))
	if err != nil {
		return err
	}
	return c.Close()
}

// Setting implements System.
func (ThisComputer) Setting(name string) string {
	b, err := os.ReadFile("/proc/sys/" + strings.ReplaceAll(name, ".", "/"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
