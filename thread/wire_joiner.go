package thread

import (
	"bytes"
	"errors"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/info"
	"heddle.example/thread/ip6"
	"heddle.example/thread/joining"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/mle"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/status"
	"heddle.example/thread/tlv"
	"heddle.example/thread/tmf"
)

// joins holds what lets a node join, and what lets others join by it.
type joins struct {
	joiner  *joining.Joiner       // nil until it is asked for
	router  *joining.JoinerRouter // nil until somebody may join, and in a minimal device
	entrust ip6.Address           // whom we share the key-encryption key with
	sockets map[uint16]SocketID   // of joiners' ports
}

func (n *Node) joinsDeadline() machine.Time {
	d := machine.Never
	if j := n.joins.joiner; j != nil {
		d = j.Deadline()
	}
	if r := n.joins.router; r != nil {
		d = min(d, r.Deadline())
	}
	return d
}

func (n *Node) expireJoins(now machine.Time) {
	if j := n.joins.joiner; j != nil && j.Deadline() <= now {
		j.Expire(now)
	}
	if r := n.joins.router; r != nil && r.Deadline() <= now {
		r.Expire(now)
	}
}

// openJoinerPort lets unsecured datagrams to a port in, and hands them to a function.
func (n *Node) openJoinerPort(port uint16, open bool, receive func(now machine.Time, d *Datagram)) {
	id, was := n.joins.sockets[port]
	switch {
	case open && !was:
		id, err := n.HandleUDP(receive)
		if err != nil || n.BindUDP(id, ip6.Address{}, port) != nil || n.AddUnsecurePort(port) != nil {
			_ = n.CloseUDP(id)
			return
		}
		if n.joins.sockets == nil {
			n.joins.sockets = make(map[uint16]SocketID)
		}
		n.joins.sockets[port] = id
	case !open && was:
		_ = n.CloseUDP(id)
		_ = n.RemoveUnsecurePort(port)
		delete(n.joins.sockets, port)
	}
}

func (n *Node) sendPlain(now machine.Time, to ip6.Address, from, port uint16, payload []byte) {
	_ = n.sendUDP(now, outgoing{dst: to, noSecurity: true, priority: tmf.Net}, from, port, payload) // repeated by DTLS
}

// entrusts reports whether a datagram goes under the key-encryption key: a management message to whom we share that with.
func (n *Node) entrusts(dst ip6.Address) bool {
	return !n.joins.entrust.IsUnspecified() && dst == n.joins.entrust
}

// joinerEnv is the Node as joining.JoinerEnv.
type joinerEnv Node

func (e *joinerEnv) InterfaceUp() bool         { return e.up }
func (e *joinerEnv) Disabled() bool            { return e.table.Self.Role == neighbor.RoleDisabled }
func (e *joinerEnv) EUI64() ieee802154.ExtAddr { return e.config.EUI64 }

// SetExtAddress implements joining.JoinerEnv.
func (e *joinerEnv) SetExtAddress(now machine.Time, a ieee802154.ExtAddr) {
	n := (*Node)(e)
	n.mac.SetExt(now, a)
	n.mle.ExtAddressChanged(now)
	n.updateAddresses(now)
}

// SetNetwork implements joining.JoinerEnv.
func (e *joinerEnv) SetNetwork(now machine.Time, pan ieee802154.PANID, channel uint8) {
	e.cop.Follow(now, meshcop.Info{Has: meshcop.HasChannel | meshcop.HasPANID, Channel: uint16(channel), PANID: uint16(pan)})
}

// Discover implements joining.JoinerEnv.
func (e *joinerEnv) Discover(now machine.Time, wanted func([]byte) bool, heard func([]byte), found func(joining.Found), done func(machine.Time)) error {
	return e.mle.Discover(now, mle.Discovery{
		PAN: e.mac.PAN(), Joiner: true, Wanted: wanted, Heard: heard, Done: done,
		Found: func(_ machine.Time, f *mle.Network) {
			found(joining.Found{Ext: f.Ext, PAN: f.PAN, Channel: f.Channel, RSSI: f.RSSI, Port: f.JoinerUDPPort, Steering: f.Steering})
		},
	})
}

// OpenPort implements joining.JoinerEnv.
func (e *joinerEnv) OpenPort(_ machine.Time, port uint16, open bool) {
	n := (*Node)(e)
	n.openJoinerPort(port, open, func(now machine.Time, d *Datagram) { n.joins.joiner.ReceiveUDP(now, d.Peer, d.Payload) })
}

// SendPlain implements joining.JoinerEnv.
func (e *joinerEnv) SendPlain(now machine.Time, to ip6.Address, from, port uint16, payload []byte) {
	(*Node)(e).sendPlain(now, to, from, port, payload)
}

// SetKEK implements joining.JoinerEnv.
func (e *joinerEnv) SetKEK(_ machine.Time, kek [16]byte, from ip6.Address) {
	e.keys.SetKEK(kek)
	e.joins.entrust = from
}

// SaveNetwork implements joining.JoinerEnv.
func (e *joinerEnv) SaveNetwork(now machine.Time, key [16]byte) {
	p := e.cop.Params()
	i := meshcop.Info{Has: meshcop.HasNetworkKey | meshcop.HasChannel | meshcop.HasPANID,
		NetworkKey: meshcop.NetworkKey(key), Channel: uint16(p.Channel), PANID: p.PANID}
	if d, err := i.Dataset(); err == nil {
		_ = e.cop.SetActive(now, d) // a key, a channel and a PAN make a good one
	}
}

// JoinerChanged implements joining.JoinerEnv.
func (e *joinerEnv) JoinerChanged(_ machine.Time, s joining.State) {
	if s == joining.Idle {
		e.joins.entrust = ip6.Address{}
	}
	(*Node)(e).signal(JoinerChanged)
}

// routerEnv is the Node as joining.RouterEnv.
type routerEnv Node

// Post implements joining.Poster.
func (e *routerEnv) Post(now machine.Time, to ip6.Address, path string, payload []byte, confirmable bool,
	done func(now machine.Time, answer []byte, err error)) {
	src := (*Node)(e).rloc()
	if to.IsLinkLocalUnicast() {
		src = ip6.Unspecified // a joiner knows our link-local address
	}
	(*Node)(e).postFrom(now, src, to, path, payload, confirmable, done)
}

func (e *routerEnv) FullThreadDevice() bool        { return e.mle.Mode().FTD() }
func (e *routerEnv) MeshLocal() ip6.Network        { return e.cop.Params().MeshLocalPrefix }
func (e *routerEnv) RLOC16() uint16                { return e.table.Self.RLOC16 }
func (e *routerEnv) JoiningAllowed() bool          { return e.data.JoiningAllowed() }
func (e *routerEnv) JoinerUDPPort() (uint16, bool) { return e.data.JoinerUDPPort() }
func (e *routerEnv) BorderAgent() (uint16, bool)   { return e.data.BorderAgent() }
func (e *routerEnv) KeySequence() uint32           { return e.keys.Sequence() }

// AppendNetwork implements joining.RouterEnv.
func (e *routerEnv) AppendNetwork(now machine.Time, dst []byte, typ byte) ([]byte, bool) {
	d, _ := e.cop.Active(now)
	v, ok := d.Find(typ)
	if ok {
		dst = tlv.Append(dst, typ, v)
	}
	return dst, ok
}

// OpenPort implements joining.RouterEnv.
func (e *routerEnv) OpenPort(_ machine.Time, port uint16, open bool) {
	n := (*Node)(e)
	n.openJoinerPort(port, open, func(now machine.Time, d *Datagram) { n.joins.router.ReceiveUDP(now, d.Peer, d.PeerPort, d.Payload) })
}

// SendPlain implements joining.RouterEnv.
func (e *routerEnv) SendPlain(now machine.Time, to ip6.Address, from, port uint16, payload []byte) {
	(*Node)(e).sendPlain(now, to, from, port, payload)
}

// SetKEK implements joining.RouterEnv.
func (e *routerEnv) SetKEK(_ machine.Time, kek [16]byte, to ip6.Address) {
	e.keys.SetKEK(kek)
	e.joins.entrust = to
}

// updateJoinerRouter follows what the network data says of joiners.
func (n *Node) updateJoinerRouter(now machine.Time) {
	if n.config.MTD || n.joins.router == nil && !n.data.JoiningAllowed() {
		return
	}
	n.relays().NetworkDataChanged(now)
}

func (n *Node) relays() *joining.JoinerRouter {
	if n.joins.router == nil {
		n.joins.router = joining.NewJoinerRouter((*routerEnv)(n))
		n.joins.router.Certify = n.certify
	}
	return n.joins.router
}

func (n *Node) wants() *joining.Joiner {
	if n.joins.joiner == nil {
		n.joins.joiner = joining.NewJoiner(n.config.Rand, (*joinerEnv)(n))
		n.joins.joiner.Certify = n.certify
	}
	return n.joins.joiner
}

// JoinerStart begins to join a network whose commissioner knows the password. The end is an Event with *info.JoinerDone,
// but not after JoinerStop.
func (n *Node) JoinerStart(now machine.Time, cause machine.Cause, c joining.JoinerConfig) error {
	return n.try(now, cause, func() error {
		if c.Vendor == "" {
			c.Vendor, c.Model, c.Software = n.vendor[0], n.vendor[1], n.vendor[2]
		}
		return n.wants().Start(now, c, func(_ machine.Time, err error) {
			if err != joining.ErrAbort {
				v := &info.JoinerDone{Err: joinerError(err)}
				if err != nil {
					v.Reason = n.joins.joiner.Reason().String()
				}
				n.event(0, v)
			}
		})
	})
}

func joinerError(err error) error {
	switch {
	case errors.Is(err, joining.ErrSecurity):
		return status.Security
	case errors.Is(err, joining.ErrTimeout):
		return status.ResponseTimeout
	case errors.Is(err, joining.ErrNotFound):
		return status.NotFound
	}
	return err
}

// JoinerStop gives up.
func (n *Node) JoinerStop(now machine.Time, cause machine.Cause) {
	n.Do(now, cause, func() { n.wants().Stop(now) })
}

// JoinerState returns how far the joiner is, JoinerID what a commissioner knows it by.
func (n *Node) JoinerState() joining.State { return n.wants().State() }

// JoinerID returns what a commissioner knows us by.
func (n *Node) JoinerID() [8]byte { return n.wants().ID() }

// JoinerDiscerner returns the number that names the joiner instead of its EUI-64, or nil.
func (n *Node) JoinerDiscerner() *joining.Discerner { return n.wants().Discerner() }

// SetJoinerDiscerner changes it; nil: none.
func (n *Node) SetJoinerDiscerner(d *joining.Discerner) error { return n.wants().SetDiscerner(d) }

// JoinerPort returns the port that joiners of this router come to.
func (n *Node) JoinerPort() uint16 { return n.relays().Port() }

// SetJoinerPort changes it.
func (n *Node) SetJoinerPort(now machine.Time, cause machine.Cause, p uint16) error {
	return n.try(now, cause, func() error {
		n.relays().SetPort(now, p)
		return nil
	})
}

// certify hands up what a reference device logs of a joining.
func (n *Node) certify(now machine.Time, text string, payload []byte) {
	n.event(0, &info.Certified{At: n.Uptime(now), Text: text, Payload: bytes.Clone(payload)})
}
