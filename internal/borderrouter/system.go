package borderrouter

import (
	"net"
	"net/netip"
	"os"
	"strings"
	"time"
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

// Ask implements System.
func (ThisComputer) Ask(server netip.AddrPort, name string) error {
	q, err := query(name)
	if err != nil {
		return err
	}
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(server))
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(2 * time.Second))
	if _, err := c.Write(q); err != nil {
		return err
	}
	var b [1500]byte
	_, err = c.Read(b[:])
	return err
}
