package thread

import (
	"heddle.example/coap"
	"heddle.example/machine"
	"heddle.example/thread/backbone"
	"heddle.example/thread/info"
	"heddle.example/thread/ip6"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/netdata"
	"heddle.example/thread/status"
	"heddle.example/thread/tmf"
)

// backboneParts are what a node has where there is a backbone router, or where it is one.
type backboneParts struct {
	local     *backbone.Local
	registrar *backbone.Registrar
	listeners backbone.Listeners
	primary   backbone.Primary
}

// onBackbone returns the parts, which are made when they are needed.
func (n *Node) onBackbone() *backboneParts {
	if n.bone == nil {
		n.bone = &backboneParts{local: backbone.NewLocal(n.config.Rand, (*localEnv)(n)), primary: backbone.Primary{Server: backbone.NoServer},
			registrar: backbone.NewRegistrar(n.config.Rand, (*registrarEnv)(n))}
	}
	return n.bone
}

// updateBackbone follows what the network data and the role say of backbone routers.
func (n *Node) updateBackbone(now machine.Time, f Flags) {
	p := backbone.Primary{Server: backbone.NoServer}
	if n.table.Self.Role.Attached() {
		p = backbone.FindPrimary(n.data.Data(), neighbor.RouterRLOC16(n.mle.LeaderData().LeaderRouterID))
	}
	if n.bone == nil && p.Server == backbone.NoServer {
		return
	}
	b := n.onBackbone()
	b.primary = p
	b.local.PrimaryChanged(now, p)
	if f&(NetDataChanged|RoleChanged) != 0 {
		b.registrar.PrimaryChanged(now, p)
		b.registrar.GroupsChanged(now)
	}
	if f&RoleChanged != 0 && n.table.Self.Role == neighbor.RoleChild {
		b.registrar.Reattached(now)
	}
	if f&MulticastSubscribed != 0 {
		b.registrar.GroupsChanged(now)
	}
}

// childListens is told that a child has registered groups.
func (n *Node) childListens(now machine.Time) {
	if n.bone != nil {
		n.bone.registrar.GroupsChanged(now)
	}
}

func (n *Node) boneDeadline() machine.Time {
	if n.bone == nil {
		return machine.Never
	}
	return min(n.bone.local.Deadline(), n.bone.registrar.Deadline())
}

func (n *Node) expireBone(now machine.Time) {
	n.bone.local.Expire(now)
	n.bone.registrar.Expire(now)
}

// localEnv is the Node as backbone.LocalEnv.
type localEnv Node

func (e *localEnv) Attached() bool { return e.table.Self.Role.Attached() }
func (e *localEnv) Leader() bool   { return e.table.Self.Role == neighbor.RoleLeader }
func (e *localEnv) RLOC16() uint16 { return e.mle.RLOC16() }

// Offer implements backbone.LocalEnv.
func (e *localEnv) Offer(now machine.Time, server []byte) (err error) {
	service := []byte{backbone.ServiceNumber}
	if server == nil {
		err = e.data.RemoveService(netdata.ThreadEnterprise, service)
	} else {
		err = e.data.AddService(now, netdata.ThreadEnterprise, service, true, server)
	}
	e.data.Register(now)
	return err
}

// OfferDomain implements backbone.LocalEnv.
func (e *localEnv) OfferDomain(now machine.Time, p netdata.OnMeshPrefix, on bool) {
	if on {
		_ = e.data.AddOnMeshPrefix(now, p) // where there is no room, the network data says so
	} else {
		_ = e.data.RemoveOnMeshPrefix(p.Prefix)
	}
}

// primaryALOC is the short address of the network's backbone router (Mle::kAloc16BackboneRouterPrimary).
const primaryALOC = 0xfc38

// SetPrimaryAddress implements backbone.LocalEnv.
func (e *localEnv) SetPrimaryAddress(now machine.Time, on bool) {
	n := (*Node)(e)
	n.setLocator(primaryALOC, on)
	n.signal(BackboneStateChanged)
}

// registrarEnv is the Node as backbone.RegistrarEnv.
type registrarEnv Node

// Registers implements backbone.RegistrarEnv: a device that is no full one leaves it to its parent, if that knows how.
func (e *registrarEnv) Registers() bool {
	return e.mle.Mode().FTD() || e.table.Parent.Version < neighbor.Version1p2
}

// EachGroup implements backbone.RegistrarEnv.
func (e *registrarEnv) EachGroup(yield func(g ip6.Address, child bool)) {
	for _, g := range e.joined {
		yield(g, false)
	}
	if e.config.MTD {
		return
	}
	for c := range e.table.Children(neighbor.InValid) {
		for _, g := range c.Addresses() {
			if g.IsMulticast() {
				yield(g, true)
			}
		}
	}
}

// Send implements backbone.RegistrarEnv.
func (e *registrarEnv) Send(now machine.Time, server uint16, payload []byte, done func(now machine.Time, answer []byte, err error)) {
	(*Node)(e).post(now, ip6.RLOC(e.cop.Params().MeshLocalPrefix, server), tmf.MulticastListeners, payload, true, done)
}

// serveListeners takes in a registration of groups. It reports false in a node that is no backbone router.
func (n *Node) serveListeners(now machine.Time, r *tmf.Request) bool {
	if n.bone == nil || n.bone.local.State() == backbone.Disabled {
		return false
	}
	if r.Code != coap.POST || !r.Confirmable {
		return true
	}
	b := n.bone
	answer := []byte{4, 1, byte(backbone.NotPrimary)}
	if b.local.State() == backbone.PrimaryRouter {
		c := b.local.Config()
		session, ok := n.data.CommissioningSession()
		answer = b.listeners.Serve(now, r.Payload, &c, session, ok)
	}
	n.tmf.Respond(now, r, coap.Changed, answer)
	return true
}

// Backbone returns what the node is as a backbone router. Its inputs go through Do.
func (n *Node) Backbone() *backbone.Local { return n.onBackbone().local }

// BackboneListeners returns the groups that the mesh listens to, as the primary knows them.
func (n *Node) BackboneListeners() *backbone.Listeners { return &n.onBackbone().listeners }

// BackbonePrimary returns the network's backbone router.
func (n *Node) BackbonePrimary() backbone.Primary {
	if n.bone == nil {
		return backbone.Primary{Server: backbone.NoServer}
	}
	return n.bone.primary
}

// RegisterListeners tells the primary that groups are listened to, for a time in seconds if that is not nil. The Result is an
// *info.Listeners.
func (n *Node) RegisterListeners(now machine.Time, cause machine.Cause, groups []ip6.Address, timeout *uint32) (op machine.OpID, err error) {
	err = n.try(now, cause, func() error {
		p := n.BackbonePrimary()
		if p.Server == backbone.NoServer {
			return status.InvalidState
		}
		var session *uint16
		if s, active := (*copEnv)(n).Commissioner(); active {
			session = &s
		}
		n.lastOp++
		id := n.lastOp
		op = id
		(*registrarEnv)(n).Send(now, p.Server, backbone.AppendRegistration(nil, groups, session, timeout), func(now machine.Time, answer []byte, err error) {
			v := &info.Listeners{Err: err}
			if err == nil {
				s, failed, ok := backbone.ParseAnswer(answer)
				if v.Status, v.Failed = uint8(s), failed; !ok {
					v.Err = status.Parse
				}
			}
			n.result(id, cause, v)
		})
		return nil
	})
	return op, err
}
