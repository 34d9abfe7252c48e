package borderrouter

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"heddle.example/border/routing"
	"heddle.example/host/outside"
	"heddle.example/machine"
	"heddle.example/thread"
	"heddle.example/thread/info"
)

// radio: is the node in a network, and does anybody hear it?
func (x *examination) radio() Leg {
	var l Leg
	for end := time.Now().Add(x.q.Attach); ; {
		role := info.Disabled
		err := x.do(func(now machine.Time, n *thread.Node) error {
			role = n.Role()
			routers, children := 0, len(n.Children(now))
			for _, b := range n.Neighbors(now) {
				if b.RLOC16&0x1ff == 0 { // a router's has no child's part
					routers++
				}
			}
			c := n.MACCounters()
			l = Leg{State: OK, Found: fmt.Sprintf("%s of network %q on channel %d, partition %08x; it hears %s and has %s", role, n.NetworkName(), n.Channel(), n.Partition(),
				count(routers, "router", "routers"), count(children, "child", "children"))}
			switch {
			case !n.IsUp() || role == info.Disabled:
				l = Leg{State: Broken, Found: "Thread is off at this node", Do: "type `ifconfig up` and `thread start`, or leave --manual out"}
			case role < info.ChildRole:
				l = Leg{State: Broken, Found: fmt.Sprintf("detached: nobody on channel %d takes this node in (%s sent, %s received)", n.Channel(),
					count(int(c.TxTotal), "frame", "frames"), count(int(c.RxTotal), "frame", "frames")),
					Do: "compare network key, channel and PAN id with another node's (`dataset active`); a former leader alone needs up to a minute"}
			case routers+children == 0:
				l.Found += ": it is alone"
			}
			return nil
		})
		if err != nil {
			return trouble(err)
		}
		if l.State != Broken || role == info.Disabled || time.Now().After(end) || !x.sleep(100*time.Millisecond) {
			return l
		}
	}
}

func count(n int, one, many string) string {
	switch n {
	case 0:
		return "no " + one
	case 1:
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// prefix: do nodes have addresses that the outside can answer?
func (x *examination) prefix() Leg {
	for end := time.Now().Add(x.q.Attach / 2); ; {
		is, err := x.look()
		if err != nil {
			return trouble(err)
		}
		if !is {
			return Leg{State: Broken, Found: "this node is no border router", Do: "run `heddle border-router`"}
		}
		s := &x.saw
		if s.State != routing.Running {
			return Leg{State: Broken, Found: "border routing is " + s.State.String(), Do: "type `br enable`"}
		}
		if s.OMR.Bits != 0 {
			own := 0
			_ = x.do(func(now machine.Time, n *thread.Node) error {
				for _, a := range n.Addresses() {
					if s.OMR.Contains(a.Addr) {
						own++
					}
				}
				return nil
			})
			if own > 0 {
				return Leg{State: OK, Found: fmt.Sprintf("%v%s", s.OMR, map[bool]string{true: ", this router's own", false: ", another border router's"}[s.OMR == s.OMRLocal])}
			}
		}
		if time.Now().After(end) || !x.sleep(100*time.Millisecond) {
			return Leg{State: Broken, Found: "the mesh has no prefix for addresses that the outside can answer, or this node none of them",
				Do: "see `br omrprefix` and `netdata show`; the network data may be full"}
		}
	}
}

// route: does the mesh send to us what is for the outside, and where does it go from here?
func (x *examination) route() Leg {
	s := &x.saw
	found := ""
	for _, r := range s.Routes {
		if r.Prefix.Bits == 0 || !r.NAT64 && r.Prefix.Bits <= 7 {
			found = r.Prefix.String()
		}
	}
	for _, p := range s.Prefixes {
		if p.DefaultRoute {
			found = "::/0"
		}
	}
	if found == "" {
		return Leg{State: Broken, Found: "the mesh has no route to the outside", Do: "see `netdata show`; type `br disable` and `br enable`"}
	}
	l := Leg{State: OK, Found: found + " leads here"}
	if x.Out != nil {
		s := x.Out.Status()
		switch l.Found += ", packets leave by "; s.Mode {
		case outside.TUN:
			l.Found += s.Device
		default:
			l.Found += "sockets of this program"
		}
	}
	if x.hurt != nil {
		return Leg{State: Broken, Found: fmt.Sprintf("%s; this computer does not route to the mesh: %v", l.Found, x.hurt), Do: "see `ip -6 route` and `ip route`: does a prefix of the mesh lead elsewhere?"}
	}
	if x.System == nil {
		return l
	}
	if x.Out != nil && x.Out.Status().Mode == outside.TUN && x.System.Setting("net.ipv6.conf.all.forwarding") == "0" {
		return Leg{State: Warn, Found: l.Found + "; this computer does not route IPv6, so that nodes reach nothing but it", Do: "sysctl -w net.ipv6.conf.all.forwarding=1"}
	}
	if err := x.System.Route(netip.MustParseAddr("2001:db8::1")); err != nil {
		return Leg{State: Warn, Found: l.Found + "; this computer has no default route for IPv6, so that nodes reach IPv6 hosts of its own networks only",
			Do: "nothing, if the servers are there or have IPv4 addresses"}
	}
	return l
}

// nat64: is IPv4 reached?
func (x *examination) nat64() Leg {
	s := &x.saw
	for end := time.Now().Add(x.q.Attach / 2); s.NAT64.Bits == 0; {
		if s.NAT64State == routing.NAT64Disabled {
			return Leg{State: Warn, Found: "off: nodes reach no IPv4 host", Do: "type `nat64 enable`, or leave `--nat64 off` out"}
		}
		if _, err := x.look(); err == nil && s.NAT64.Bits == 0 && time.Now().Before(end) && x.sleep(100*time.Millisecond) {
			continue
		} else if s.NAT64.Bits != 0 {
			break
		}
		return Leg{State: Broken, Found: "the mesh has no prefix for IPv4 addresses", Do: "see `br nat64prefix` and `nat64 state`"}
	}
	l := Leg{State: OK, Found: s.NAT64.String()}
	if s.NAT64 != s.NAT64Local {
		l.Found += ", another border router's"
		return l
	}
	l.Found += ", here"
	if x.System == nil {
		return l
	}
	if x.Out != nil && x.Out.Status().Mode == outside.TUN && x.System.Setting("net.ipv4.ip_forward") == "0" {
		return Leg{State: Broken, Found: l.Found + "; this computer does not route IPv4", Do: "sysctl -w net.ipv4.ip_forward=1, and have the nodes' addresses masqueraded or routed back"}
	}
	if err := x.System.Route(netip.MustParseAddr("192.0.2.1")); err != nil {
		l.State, l.Found = Warn, l.Found+"; this computer has no default route for IPv4, so that nodes reach IPv4 hosts of its own networks only"
		l.Do = "nothing, if the servers are there"
	}
	// One question from the node to a DNS server by its IPv4 address shows the whole way.
	for _, server := range s.Servers {
		if a := server.Addr(); !a.Is4() || a.IsLoopback() {
			continue
		}
		took, err := x.ask4(server)
		if err == nil {
			l.Found += fmt.Sprintf("; %v answered the node in %v", server, took.Round(time.Millisecond))
			return l
		}
		if x.System.Ask(server, x.q.Name) == nil {
			return Leg{State: Broken, Found: fmt.Sprintf("%v; %v answers this computer, and not the node: %v", s.NAT64, server, err),
				Do: "is there a firewall that drops what this program sends, or the way back? --dns names another server"}
		}
		l.Found += fmt.Sprintf("; not tried: %v answers nobody", server)
	}
	return l
}

// ping: do echo requests leave?
func (x *examination) ping() Leg {
	if x.Out == nil {
		return Leg{State: Skipped, Found: "the way out is simulated"}
	}
	s := x.Out.Status()
	if s.EchoOK {
		return Leg{State: OK, Found: "echo requests leave by " + s.Echo}
	}
	do := "nothing, if nobody pings"
	if strings.Contains(s.Echo, "ping_group_range") {
		do = `sysctl -w net.ipv4.ping_group_range="0 2147483647" (all else works without)`
	}
	return Leg{State: Warn, Found: "echo requests do not leave: " + strings.SplitN(s.Echo, ": open them", 2)[0], Do: do}
}
