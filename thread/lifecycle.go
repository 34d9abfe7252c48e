package thread

import (
	"heddle.example/machine"
	"heddle.example/thread/info"
	"heddle.example/thread/ip6"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/status"
)

// IsUp reports whether the interface is up.
func (n *Node) IsUp() bool { return n.up }

// Up brings the interface up (ifconfig up; ThreadNetif::Up).
func (n *Node) Up(now machine.Time, cause machine.Cause) error {
	if n.up {
		return nil
	}
	n.begin(now, cause)
	defer n.finish(now)
	n.mac.SetEnabled(now, true)
	n.mac.SetRxOnWhenIdle(now, true) // until MLE says otherwise: discovery needs no Thread
	n.mesh.SetRxOnWhenIdle(true)
	n.mesh.Start()
	n.up = true
	n.startNameServer()
	for _, a := range []ip6.Address{ip6.LinkLocalAllNodes, ip6.RealmLocalAllNodes, ip6.RealmLocalAllMPL} {
		n.putMulticast(a)
	}
	n.updateAddresses(now)
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
	n.tmf.Abort(now)
	n.stopDNS(now)
	n.stopNameServer()
	n.stopClock(now)
	n.mle.Stop(now)
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
	n.updateAddresses(now)
	n.mesh.Stop(now)
	n.mac.StopPolling()
	n.mac.SetRxOnWhenIdle(now, false)
	n.mesh.SetRxOnWhenIdle(false)
	n.signal(InterfaceChanged)
	return nil
}

// Start starts Thread on the interface, which must be up (thread start).
func (n *Node) Start(now machine.Time, cause machine.Cause) error {
	n.begin(now, cause)
	defer n.finish(now)
	switch {
	case n.mac.Promiscuous():
		return status.InvalidState
	case n.table.Self.Role != neighbor.RoleDisabled:
		return nil
	}
	return n.mle.Start(now)
}

// Stop stops Thread (thread stop).
func (n *Node) Stop(now machine.Time, cause machine.Cause) error {
	n.begin(now, cause)
	defer n.finish(now)
	n.mle.Stop(now)
	return nil
}

// Detach leaves the network in an orderly way. The Result is an *info.Done.
func (n *Node) Detach(now machine.Time, cause machine.Cause) (machine.OpID, error) {
	n.begin(now, cause)
	defer n.finish(now)
	n.lastOp++
	op := n.lastOp
	if err := n.mle.Detach(now, func(now machine.Time) { n.result(op, cause, &info.Done{Detached: true}) }); err != nil {
		return 0, err
	}
	return op, nil
}
