package border

import (
	"heddle.example/border/routing"
	"heddle.example/machine"
	"heddle.example/thread"
	"heddle.example/thread/info"
	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
)

// hooks is the Router as thread.Border.
type hooks Router

// FromMesh implements thread.Border.
func (h *hooks) FromMesh(now machine.Time, b []byte) { (*Router)(h).fromMesh(now, b) }

// NodeChanged implements thread.Border.
func (h *hooks) NodeChanged(now machine.Time, f thread.Flags) {
	r := (*Router)(h)
	c := routing.Change{
		Role: f&thread.RoleChanged != 0, NetworkData: f&thread.NetDataChanged != 0,
		ExtPANID: f&thread.ExtPANIDChanged != 0, ParentLink: f&thread.ParentLinkChanged != 0,
	}
	if c != (routing.Change{}) {
		r.routing.Changed(now, c)
	}
	if c.NetworkData {
		r.updateDNS(now)
	}
	if f&agentFlags != 0 {
		r.publishAgent(now)
	}
}

// AgentChanged implements thread.Border.
func (h *hooks) AgentChanged(now machine.Time) { (*Router)(h).publishAgent(now) }

// env is the Router as routing.Env.
type env Router

func (e *env) Attached() bool       { return e.node.Role() >= info.ChildRole }
func (e *env) RouterOrLeader() bool { return e.node.Role() >= info.RouterRole }
func (e *env) Child() bool          { return e.node.Role() == info.ChildRole }

func (e *env) ParentLinkQuality() uint8 { return e.node.MLE().Parent().Link.TwoWay() }
func (e *env) RLOC16() uint16           { return e.node.RLOC16() }
func (e *env) ExtPANID() [8]byte        { return e.node.ExtPANID() }
func (e *env) Data() netdata.Data       { return e.node.NetData().Data() }

func (e *env) NAT64() (netdata.ExternalRoute, bool) { return e.node.NetData().NAT64() }

func (e *env) AddOnMeshPrefix(now machine.Time, p netdata.OnMeshPrefix) error {
	err := e.node.NetData().AddOnMeshPrefix(now, p)
	if err == nil {
		e.node.NetData().Register(now)
	}
	return err
}

func (e *env) RemoveOnMeshPrefix(now machine.Time, p ip6.Prefix) error {
	err := e.node.NetData().RemoveOnMeshPrefix(p)
	e.node.NetData().Register(now)
	return err
}

func (e *env) PublishRoute(now machine.Time, old ip6.Prefix, x netdata.ExternalRoute) error {
	return e.node.NetData().PublishBorderRoute(now, old, x)
}

func (e *env) UnpublishRoute(now machine.Time, p ip6.Prefix) error {
	return e.node.NetData().UnpublishPrefix(now, p)
}

func (e *env) LoadSetting(key string) []byte         { return e.node.LoadSetting(key) }
func (e *env) StoreSetting(key string, value []byte) { e.node.StoreSetting(key, value) }

// SendInfra implements routing.Env.
func (e *env) SendInfra(now machine.Time, dst ip6.Address, message []byte) {
	r := (*Router)(e)
	r.sendInfra(dst, message)
}

// DiscoverNAT64 implements routing.Env: nobody is asked yet.
func (e *env) DiscoverNAT64(now machine.Time) bool { return false }

// Decided implements routing.Env.
func (e *env) Decided(now machine.Time) {
	r := (*Router)(e)
	r.changed = true
	r.updateTranslator(now)
	r.updateDNS(now)
	r.updateServer(now)
	r.updateServices(now)
}

// AILs implements routing.Env.
func (e *env) AILs(now machine.Time, several bool) {
	(*Router)(e).push(machine.Event, &SeveralAILs{several})
}
