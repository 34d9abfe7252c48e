package thread

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/mle"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/tmf"
)

// dataEnv is the Node as offers.Env.
type dataEnv Node

func (e *dataEnv) Attached() bool               { return e.table.Self.Role.Attached() }
func (e *dataEnv) Router() bool                 { return e.table.Self.Role.RouterOrLeader() }
func (e *dataEnv) Leader() bool                 { return e.table.Self.Role == neighbor.RoleLeader }
func (e *dataEnv) FullNetworkData() bool        { return e.mle.Mode().FullNetworkData() }
func (e *dataEnv) RLOC16() uint16               { return e.table.Self.RLOC16 }
func (e *dataEnv) LeaderRLOC16() uint16         { return e.table.Self.LeaderRLOC16() }
func (e *dataEnv) MeshLocalPrefix() ip6.Network { return e.table.Self.MeshLocal }

func (e *dataEnv) PathCost(rloc16 uint16) uint8 {
	if e.config.MTD {
		if rloc16 == e.table.Self.RLOC16 {
			return 0
		}
		return 1
	}
	return e.table.PathCost(rloc16)
}

func (e *dataEnv) MeshLocalEID() ip6.Address { return e.mle.MeshLocalEID() }

func (e *dataEnv) RouterAllocated(id uint8) bool { return e.table.IsAllocated(id) }

func (e *dataEnv) ValidChild(rloc16 uint16) bool {
	return e.table.ChildByShort(rloc16, neighbor.InValid) != nil
}

// RouterSoon implements offers.Env. MLE's word for soon is ten seconds.
func (e *dataEnv) RouterSoon() (time.Duration, bool) {
	return 10 * time.Second, e.mle.ExpectedToBecomeRouter()
}

// RouterRoleScarce implements offers.Env.
func (e *dataEnv) RouterRoleScarce() bool {
	if e.config.MTD || !e.mle.RouterEligible() {
		return false
	}
	most, routers := int(e.mle.UpgradeThreshold()), e.table.RouterCount()
	return most != 0 && routers >= most && routers < neighbor.MaxRouters
}

func (e *dataEnv) BecomeRouter(now machine.Time) {
	_ = e.mle.BecomeRouter(now, mle.SolicitBorderRouter)
}

func (e *dataEnv) DeprecatedDomain(source ip6.Address) (uint8, bool) {
	return (*Node)(e).deprecatedDomain(source)
}

func (e *dataEnv) Post(now machine.Time, to ip6.Address, path string, payload []byte, done func(now machine.Time, answer []byte, err error)) {
	n := (*Node)(e)
	m := tmf.Message{URI: path, Src: n.rloc(), Dst: to, Payload: payload, Confirmable: true}
	m.Done = func(now machine.Time, r tmf.Response) { done(now, r.Payload, r.Failure()) }
	if err := n.tmf.Send(now, m); err != nil {
		done(now, nil, err)
	}
}

func (e *dataEnv) NetworkDataChanged(now machine.Time) { (*Node)(e).signal(NetDataChanged) }

func (e *dataEnv) NetworkDataFull(now machine.Time) { e.shell.dataFull = true }

func (e *dataEnv) CommissionerRestored(now machine.Time, session uint16, active bool) {
	(*Node)(e).commissionerRestored(now, session, active)
}

func (e *dataEnv) BecomeDetached(now machine.Time) { _ = e.mle.BecomeDetached(now) }
