package thread

import (
	"heddle.example/coap"
	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/mesh"
	"heddle.example/thread/mle"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/tmf"
)

func (e *mleEnv) ForgetAddresses(now machine.Time)        { e.mesh.Resolver.Clear(now) }
func (e *mleEnv) ForgetRouter(now machine.Time, id uint8) { e.mesh.Resolver.RemoveRouter(id) }

func (e *mleEnv) ForgetRLOC16(now machine.Time, rloc16 uint16) {
	e.mesh.Resolver.RemoveRLOC16(rloc16)
}

func (e *mleEnv) ForgetAddress(now machine.Time, a ip6.Address) { e.mesh.Resolver.Remove(now, a) }

func (e *mleEnv) MoveRLOC16(now machine.Time, old, new uint16) {
	e.mesh.Resolver.Replace(old, new)
}

func (e *mleEnv) ChildModeChanged(now machine.Time, c *neighbor.Child, old mle.Mode) {
	e.mesh.ChildModeChanged(now, c, old)
}

func (e *mleEnv) ChildUsesShort(now machine.Time, c *neighbor.Child, short bool) {
	e.mesh.SetChildUseShort(now, c, short)
}

func (e *mleEnv) DropForChild(now machine.Time, c *neighbor.Child) { e.mesh.ClearChild(now, c) }

func (e *mleEnv) DropMLEForChild(now machine.Time, c *neighbor.Child, updates bool) {
	e.mesh.RemoveFor(now, c, func(k mesh.Kind) bool {
		return k == mesh.MLEChildUpdateRequest || !updates && k.IsMLE()
	})
}

func (e *mleEnv) CSLLost(now machine.Time, c *neighbor.Child) {}

func (e *mleEnv) ChildUpdateQueued(c *neighbor.Child) bool {
	return e.mesh.HasQueuedFor(c, mesh.MLEChildUpdateRequest)
}

func (e *mleEnv) StartLeader(now machine.Time, how mle.LeaderStart) {
	if how == mle.NewPartition {
		e.data.Reset(now)
		e.cop.EmptyCommissioning(now)
	}
	e.data.StartLeader(now, how == mle.RestoredByReset)
	e.cop.StartLeader(now)
}

func (e *mleEnv) StopLeader(now machine.Time) {
	e.data.StopLeader()
}

func (e *mleEnv) ReleasedRouter(now machine.Time, id uint8) {
	e.data.RemoveRouter(now, neighbor.RouterRLOC16(id))
}

func (e *mleEnv) BorderRouters() int { return e.data.Data().CountBorderRouters() }

// KeepsRouterRole implements mle.RoutingEnv.
func (e *mleEnv) KeepsRouterRole() bool { return e.data.DeservesRouterRole() }

// Discoverable implements mle.RoutingEnv.
func (e *mleEnv) Discoverable() mle.Discoverable {
	p := e.cop.Params()
	d := mle.Discoverable{ExtendedPANID: p.ExtPANID, Name: p.NetworkName, Commercial: p.Policy.CommercialCommissioning}
	_, d.JoiningAllowed = e.data.SteeringData()
	d.JoinerUDPPort = (*Node)(e).JoinerPort()
	return d
}

// SetRouterGroups implements mle.RoutingEnv.
func (e *mleEnv) SetRouterGroups(now machine.Time, on bool) {
	n := (*Node)(e)
	for _, a := range []ip6.Address{ip6.LinkLocalAllRouters, ip6.RealmLocalAllRouters} {
		if on {
			n.putMulticast(a)
		} else {
			n.dropMulticast(a)
		}
	}
}

func (e *mleEnv) SetBeacons(now machine.Time, on bool) { e.mac.SetBeacons(on) }

// RoutersEnabled implements mle.RoutingEnv (KeyManager's policy, Mle::IsRouterEligible).
func (e *mleEnv) RoutersEnabled() bool {
	p := e.keys.Policy()
	if p.CommercialCommissioning && !p.NonCCMRouters {
		return false
	}
	return p.Routers || int(p.RoutingVersionThreshold)+3 <= threadVersion
}

// threadVersion is Thread 1.4.
const threadVersion = neighbor.Version1p4

func (e *mleEnv) Solicit(now machine.Time, leader uint16, payload []byte) {
	n := (*Node)(e)
	n.solicit++
	number := n.solicit
	m := tmf.Message{URI: tmf.AddressSolicit, Src: n.rloc(), Dst: ip6.RLOC(n.meshLocal(), leader), Payload: payload, Confirmable: true}
	m.Done = func(now machine.Time, r tmf.Response) {
		if number == n.solicit {
			n.mle.HandleSolicitResponse(now, r.Err == nil && r.Code == coap.Changed, r.Payload)
		}
	}
	if err := n.tmf.Send(now, m); err != nil {
		n.mle.HandleSolicitResponse(now, false, nil)
	}
}

func (e *mleEnv) StopSolicit(now machine.Time) { e.solicit++ }

func (e *mleEnv) Release(now machine.Time, leader uint16, payload []byte) {
	n := (*Node)(e)
	_ = n.tmf.Send(now, tmf.Message{URI: tmf.AddressRelease, Src: n.rloc(), Dst: ip6.RLOC(n.meshLocal(), leader),
		Payload: payload, Confirmable: true}) // nobody waits for it
}

func (e *mleEnv) NeighborEvent(now machine.Time, ev neighbor.Event, nb *neighbor.Neighbor) {
	n := (*Node)(e)
	n.rememberNeighbor(now, ev, nb)
	n.event(0, &NeighborEvent{Event: ev, Ext: nb.Ext, RLOC16: nb.RLOC16})
}
