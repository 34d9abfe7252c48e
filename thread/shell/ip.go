package shell

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"heddle.example/thread"
	"heddle.example/thread/info"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
	"heddle.example/thread/tmf"
)

func ifconfig(s *Shell, a args) error {
	switch a.at(0) {
	case "":
		if s.node.IsUp() {
			s.Line("up")
		} else {
			s.Line("down")
		}
		return nil
	case "up":
		return s.node.Up(s.now, s.cause)
	case "down":
		return s.node.Down(s.now, s.cause)
	}
	return status.InvalidArgs
}

func ipAddr(s *Shell, a args) error {
	verbose := a.is(0, "-v")
	if verbose {
		a = a[1:]
	}
	switch a.at(0) {
	case "":
		for _, x := range s.node.Addresses() {
			s.Printf("%s", x.Addr)
			if verbose {
				s.Printf(" origin:%s plen:%d preferred:%d valid:%d", x.Origin, x.PrefixLength, digit(x.Preferred), digit(x.Valid))
			}
			s.Line("")
		}
	case "add":
		ip, err := a.ip(1)
		if err != nil {
			return err
		}
		x := thread.Address{Addr: ip, PrefixLength: 64, Origin: thread.OriginManual, Preferred: true, Valid: true}
		return s.do(func() error { return s.node.AddAddress(x) })
	case "del":
		ip, err := a.ip(1)
		if err != nil {
			return err
		}
		return s.do(func() error { return s.node.RemoveAddress(ip) })
	case "linklocal":
		s.Line("%s", s.node.LinkLocal())
	case "rloc":
		s.Line("%s", s.node.RLOC())
	case "mleid":
		s.Line("%s", s.node.MeshLocalEID())
	default:
		return status.InvalidCommand
	}
	return nil
}

func ipMAddr(s *Shell, a args) error {
	switch a.at(0) {
	case "":
		for _, ip := range s.node.MulticastAddresses() {
			s.Line("%s", ip)
		}
	case "add":
		for i := 1; ; i++ { // several in one line, as in the reference device
			ip, err := a.ip(i)
			if err == nil {
				err = s.do(func() error { return s.node.Subscribe(ip) })
			}
			if err != nil || !a.has(i+1) {
				return err
			}
		}
	case "del":
		ip, err := a.ip(1)
		if err != nil {
			return err
		}
		return s.do(func() error { return s.node.Unsubscribe(ip) })
	case "llatn":
		s.Line("%s", ip6.LinkLocalAllThreadNodes(s.node.MeshLocal()))
	case "rlatn":
		s.Line("%s", ip6.RealmLocalAllThreadNodes(s.node.MeshLocal()))
	default:
		return status.InvalidCommand
	}
	return nil
}

// destination parses an address, or an IPv4 address that NAT64 has a prefix for; such a one is told to the user.
func (s *Shell) destination(a args, i int, what string) (ip6.Address, error) {
	ip, err := a.ip(i)
	if err == nil || !a.has(i) {
		return ip, err
	}
	ip4, bad := netip.ParseAddr(a[i])
	if bad != nil || !ip4.Is4() {
		return ip, err
	}
	if ip, err = s.node.Synthesize(ip4.As4()); err == nil {
		s.Line("%s synthesized IPv6 address: %s", what, ip)
	}
	return ip, err
}

// mlePort is the port of MLE.
const mlePort = 19788

func netstat(s *Shell, _ args) error {
	s.table(column{"Local Address", 49}, column{"Peer Address", 49})
	for _, id := range s.node.UDPSockets() {
		local, port, peer, peerPort, _ := s.node.UDPAddress(id)
		s.Line("| %-47s | %-47s |", sockAddr(local, port), sockAddr(peer, peerPort))
	}
	var own []uint16 // what the node itself listens on, as OpenThread opens it
	if s.node.IsUp() {
		own = append(own, tmf.Port)
	}
	if s.node.Role() != info.Disabled {
		own = append(own, mlePort)
	}
	for _, port := range own {
		s.Line("| %-47s | %-47s |", sockAddr(ip6.Unspecified, port), sockAddr(ip6.Unspecified, 0))
	}
	return nil
}

func sockAddr(ip ip6.Address, port uint16) string { return fmt.Sprintf("[%s]:%d", ip, port) }

func unsecurePort(s *Shell, a args) error {
	switch {
	case a.is(0, "add"):
		return set(a[1:], s.node.AddUnsecurePort)
	case a.is(0, "remove") && a.is(1, "all"):
		s.node.RemoveUnsecurePorts()
	case a.is(0, "remove"):
		return set(a[1:], s.node.RemoveUnsecurePort)
	case a.is(0, "get"):
		var b strings.Builder
		for _, p := range s.node.UnsecurePorts() {
			b.WriteString(strconv.Itoa(int(p)) + " ")
		}
		s.Line("%s", b.String())
	default:
		return status.InvalidCommand
	}
	return nil
}
