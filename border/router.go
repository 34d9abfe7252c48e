package border

import (
	"heddle.example/border/dns64"
	"heddle.example/border/nat64"
	"heddle.example/border/routing"
	"heddle.example/machine"
	"heddle.example/thread"
	"heddle.example/thread/ip6"
	"heddle.example/thread/radio"
)

// Router is a border router. It is a machine.Machine and machine.Durable, with the radio's inputs beside, as its node is:
//
//   - All actions of the node, or of Config.Device, pass through.
//   - Actions Send with *Outside, *InfraMessage, *MDNSMessage and *Query are the border's own; OutsideReceived, InfraReceived,
//     MDNSReceived and UpstreamReceived are the inputs beside them. None of them waits for a commit.
//   - Actions Event with *Changed and *SeveralAILs tell of the border.
//
// When the node asks to be made anew (thread.ResetRequest), the Router is made anew with it.
type Router struct {
	c       Config
	node    *thread.Node
	device  Device
	out     machine.Outbox
	cause   machine.Cause
	routing *routing.Manager
	changed bool // an Event is to tell so

	translating bool // `nat64 enable`, with addresses
	translator  *nat64.Translator
	sockets     nat64.Counters // of IPv4 by the driver's sockets
	dropped     [2]Drops       // of packets to IPv4, and from it
	packets     []Outside      // that actions point to
	names       *dns64.Forwarder
	dns         resolver
	counters    Counters
	services    services
}

// New makes a border router of a node, which must not have had an input yet. It reads its own settings from the node's.
func New(c Config) (*Router, error) {
	r := &Router{c: c, node: c.Node, device: c.Device, out: machine.NewOutbox(nil)}
	if r.device == nil {
		r.device = c.Node
	}
	if c.Infra.Address.IsUnspecified() {
		r.c.Infra.Address = ip6.MustParse("fe80::1")
	}
	r.routing = routing.New(routing.Config{Rand: c.Rand, Address: r.c.Infra.Address, Link: c.Infra.Link, NoLink: c.Infra.None,
		Uplink: c.Uplink, NAT64: c.NAT64.Prefix}, (*env)(r))
	if c.NAT64.Prefix.Bits != 0 {
		if err := nat64.CheckPrefix(c.NAT64.Prefix); err != nil {
			return nil, err
		}
	}
	c.Node.SetBorder((*hooks)(r))
	c.Node.OnSRPAuto(func(now machine.Time, _ bool) { r.switchServer(now) })
	r.initDNS()
	r.initServices()
	return r, nil
}

// Start does what Config.Infra and Config.NAT64 say is to be done without a command. It is the Router's first input.
func (r *Router) Start(now machine.Time, cause machine.Cause) error {
	return r.Do(now, cause, func(m *routing.Manager) error {
		r.setNAT64(now, r.c.NAT64.Enable)
		if r.c.Services {
			r.node.SRPServer().SetAuto(now, true)
		}
		i := &r.c.Infra
		if i.Up || i.Enable || i.None {
			if err := m.Init(now, i.Index, i.Up || i.None); err != nil {
				return err
			}
		}
		if i.Enable || i.None {
			return m.SetEnabled(now, true)
		}
		return nil
	})
}

// Node returns the node that the Router stands around.
func (r *Router) Node() *thread.Node { return r.node }

// Routing returns what decides. Its getters may be called at any time; what changes something is called within Do.
func (r *Router) Routing() *routing.Manager { return r.routing }

// Do runs f as an input of the Router and of its node.
func (r *Router) Do(now machine.Time, cause machine.Cause, f func(m *routing.Manager) error) (err error) {
	r.cause = cause
	r.node.Do(now, cause, func() {
		err = f(r.routing)
		r.updateServices(now)
	})
	return err
}

// Receive implements machine.Machine: what the Device takes in beside the radio.
func (r *Router) Receive(now machine.Time, cause machine.Cause, path machine.Path, b []byte) {
	r.cause = cause
	r.device.Receive(now, cause, path, b)
}

// RadioReceived takes in a frame.
func (r *Router) RadioReceived(now machine.Time, cause machine.Cause, f *radio.Frame) {
	r.cause = cause
	r.device.RadioReceived(now, cause, f)
}

// RadioSent takes in how a transmission has ended.
func (r *Router) RadioSent(now machine.Time, cause machine.Cause, s radio.Sent) {
	r.cause = cause
	r.device.RadioSent(now, cause, s)
}

// RadioEnergy takes in what an energy scan has measured.
func (r *Router) RadioEnergy(now machine.Time, cause machine.Cause, rssi int8) {
	r.cause = cause
	r.device.RadioEnergy(now, cause, rssi)
}

// Persisted implements machine.Durable.
func (r *Router) Persisted(now machine.Time, seq machine.Seq) { r.device.Persisted(now, seq) }

// PersistFailed implements machine.Durable.
func (r *Router) PersistFailed(now machine.Time, seq machine.Seq, err error) {
	r.device.PersistFailed(now, seq, err)
}

// Deadline implements machine.Machine.
func (r *Router) Deadline() machine.Time { return min(r.device.Deadline(), r.own()) }

func (r *Router) own() machine.Time {
	d := min(r.routing.Deadline(), r.names.Deadline(), r.servicesDeadline())
	if r.translator != nil {
		d = min(d, r.translator.Deadline())
	}
	return d
}

// Expire implements machine.Machine.
func (r *Router) Expire(now machine.Time) {
	for {
		if r.device.Deadline() <= now {
			r.device.Expire(now)
		}
		if r.own() <= now {
			r.node.Do(now, 0, func() { r.expire(now) })
		}
		if r.Deadline() > now {
			return
		}
	}
}

func (r *Router) expire(now machine.Time) {
	if r.routing.Deadline() <= now {
		r.routing.Expire(now)
	}
	if r.names.Deadline() <= now {
		r.names.Expire(now)
	}
	if r.translator != nil && r.translator.Deadline() <= now {
		r.translator.Expire(now)
	}
	r.expireServices(now)
}

// Next implements machine.Machine. What was handed out stays valid until all is drained, the Device's actions, too.
func (r *Router) Next() (machine.Action, bool) {
	if r.changed {
		r.changed = false
		r.push(machine.Event, &Changed{})
	}
	if r.out.Empty() {
		if a, ok := r.device.Next(); ok {
			return a, true
		}
	}
	return r.out.Next()
}

// begin begins an input for what is pushed: what leads here may be an input of the node that the Router has not seen.
func (r *Router) begin() {
	if r.out.Begin() {
		r.packets = r.packets[:0]
	}
}

func (r *Router) push(k machine.Kind, value any) {
	r.begin()
	r.out.Push(machine.Action{Kind: k, Cause: r.cause, Value: value})
}

// copy keeps bytes until all is drained.
func (r *Router) copy(b []byte) []byte {
	r.begin()
	return r.out.Nest().Copy(b)
}
