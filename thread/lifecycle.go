package thread

import (
	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

// IsUp reports whether the interface is up.
func (n *Node) IsUp() bool { return n.up }

// Up brings the interface up (ifconfig up).
func (n *Node) Up(now machine.Time, cause machine.Cause) error {
	if n.up {
		return nil
	}
	n.begin(now, cause)
	defer n.finish(now)
	n.up = true
	for _, a := range []ip6.Address{ip6.LinkLocalAllNodes, ip6.RealmLocalAllNodes, ip6.RealmLocalAllMPL} {
		n.putMulticast(a)
	}
	n.signal(InterfaceChanged)
	return nil
}

// Down takes the interface down (ifconfig down), and Thread with it.
func (n *Node) Down(now machine.Time, cause machine.Cause) error {
	if !n.up {
		return nil
	}
	n.begin(now, cause)
	defer n.finish(now)
	n.stop(now)
	n.tmf.Abort(now)
	for i := len(n.unicast) - 1; i >= 0; i-- {
		if o := n.unicast[i].Origin; o == OriginManual || o == OriginDHCPv6 {
			n.dropAddress(n.unicast[i].Addr)
		}
	}
	for len(n.joined) > 0 {
		_ = n.Unsubscribe(n.joined[0]) // it is there
	}
	for _, a := range []ip6.Address{ip6.LinkLocalAllRouters, ip6.RealmLocalAllRouters, ip6.LinkLocalAllNodes, ip6.RealmLocalAllNodes, ip6.RealmLocalAllMPL} {
		n.dropMulticast(a)
	}
	n.up = false
	n.signal(InterfaceChanged)
	return nil
}

// Start starts Thread on the interface, which must be up (thread start).
func (n *Node) Start(now machine.Time, cause machine.Cause) error {
	n.begin(now, cause)
	defer n.finish(now)
	return n.start(now)
}

// Stop stops Thread (thread stop).
func (n *Node) Stop(now machine.Time, cause machine.Cause) error {
	n.begin(now, cause)
	defer n.finish(now)
	n.stop(now)
	return nil
}

func (n *Node) start(now machine.Time) error { return nil }

func (n *Node) stop(now machine.Time) {}
