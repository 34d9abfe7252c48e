package thread

import (
	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/mesh"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/mle"
	"heddle.example/thread/status"
	"heddle.example/thread/tmf"
)

// mleEnv is the Node as mle.Env.
type mleEnv Node

// events pairs MLE's events with the node's flags.
var events = [...]struct {
	event mle.Event
	flag  Flags
}{
	{mle.RoleChanged, RoleChanged},
	{mle.LinkLocalAddressChanged, LinkLocalChanged},
	{mle.MeshLocalAddressChanged, MeshLocalChanged},
	{mle.RLOCAdded, RLOCAdded},
	{mle.RLOCRemoved, RLOCRemoved},
	{mle.PartitionIDChanged, PartitionChanged},
	{mle.ChildAdded, ChildAdded},
	{mle.ChildRemoved, ChildRemoved},
	{mle.ParentLinkQualityChanged, ParentLinkChanged},
	{mle.KeySequenceChanged, KeySequenceChanged},
	{mle.NetworkDataChanged, NetDataChanged},
	{mle.AddressAdded, AddressAdded},
	{mle.AddressRemoved, AddressRemoved},
	{mle.MulticastSubscribed, MulticastSubscribed},
	{mle.MulticastUnsubscribed, MulticastUnsubscribed},
	{mle.SecurityPolicyChanged, SecurityPolicyChanged},
	{mle.SupportedChannelsChanged, ChannelMaskChanged},
}

func toEvents(f Flags) (e mle.Event) {
	for _, p := range events {
		if f&p.flag != 0 {
			e |= p.event
		}
	}
	return e
}

// Send implements mle.Env.
func (e *mleEnv) Send(now machine.Time, o *mle.Outgoing) {
	n := (*Node)(e)
	h := ip6.Header{HopLimit: 255, Src: n.mle.LinkLocal(), Dst: o.Dst}
	b := ip6.AppendUDP(make([]byte, 0, ip6.HeaderSize+ip6.UDPSize+len(o.Payload)), h, mlePort, mlePort, o.Payload)
	// While we sample our channel all is secured: a parent takes a schedule from a secured frame only.
	d := mesh.Datagram{IP: b, Kind: mleKind(o.Command), Priority: mesh.Net, NoSecurity: !o.LinkSecurity && !n.mac.CSLEnabled(),
		Direct:  o.Command == mle.ParentResponse || o.Command == mle.DiscoveryResponse, // who asked is awake, whatever it was
		Channel: o.Channel, PAN: o.PAN, Tag: mesh.Tag(o.Tag)}
	if err := n.mesh.Send(now, &d); err != nil && o.Tag != mle.NoTag {
		n.mle.Sent(now, mle.Sent{Tag: o.Tag, NoRoom: true})
	}
}

// datagramSent tells MLE what became of a message of its.
func (n *Node) datagramSent(now machine.Time, tag mesh.Tag, result error) {
	s := mle.Sent{Tag: mle.Tag(tag), OK: result == nil}
	switch result {
	case status.Security:
		s.LinkSecurity = true
	case status.NoBufs:
		s.NoRoom = true
	}
	n.mle.Sent(now, s)
}

func mleKind(c mle.Command) mesh.Kind {
	switch c {
	case mle.Announce:
		return mesh.MLEAnnounce
	case mle.DiscoveryRequest:
		return mesh.MLEDiscoveryRequest
	case mle.DiscoveryResponse:
		return mesh.MLEDiscoveryResponse
	case mle.ChildIDRequest:
		return mesh.MLEChildIDRequest
	case mle.DataResponse:
		return mesh.MLEDataResponse
	case mle.ChildUpdateRequest:
		return mesh.MLEChildUpdateRequest
	}
	return mesh.MLE
}

// Signal implements mle.Env.
func (e *mleEnv) Signal(now machine.Time, ev mle.Event) {
	n := (*Node)(e)
	var f Flags
	for _, p := range events {
		if ev&p.event != 0 {
			f |= p.flag
		}
	}
	if ev&mle.RoleChanged != 0 {
		n.updatePolling(now)
	}
	// Those of addresses come when the addresses change.
	n.signal(f &^ (RLOCAdded | RLOCRemoved))
	n.updateAddresses(now)
}

func (e *mleEnv) ExtAddress() ieee802154.ExtAddr { return e.mac.Ext() }
func (e *mleEnv) Channel() uint8                 { return e.mac.Channel() }
func (e *mleEnv) PANID() ieee802154.PANID        { return e.mac.PAN() }

// SetChannel and SetPANID change what a dataset says otherwise, for a while: MLE follows an announcement.
func (e *mleEnv) SetChannel(now machine.Time, channel uint8) {
	e.cop.Follow(now, meshcop.Info{Has: meshcop.HasChannel, Channel: uint16(channel)})
}

// SetPANID implements mle.Env.
func (e *mleEnv) SetPANID(now machine.Time, id ieee802154.PANID) {
	e.cop.Follow(now, meshcop.Info{Has: meshcop.HasPANID, PANID: uint16(id)})
}

// SetShortAddress implements mle.Env.
func (e *mleEnv) SetShortAddress(now machine.Time, rloc16 uint16) {
	e.mac.SetShort(now, rloc16)
	(*Node)(e).updateAddresses(now)
}

// SetAlternateAddress implements mle.Env.
func (e *mleEnv) SetAlternateAddress(now machine.Time, rloc16 uint16) { e.mac.SetAltShort(now, rloc16) }

// SetTemporaryChannel implements mle.Env.
func (e *mleEnv) SetTemporaryChannel(now machine.Time, channel uint8) {
	if channel == 0 {
		e.mac.ClearTemporaryChannel(now)
		return
	}
	e.mac.SetTemporaryChannel(now, channel)
}

// PauseSending implements mle.Env.
func (e *mleEnv) PauseSending(now machine.Time, pause bool) { e.mesh.Pause(now, pause) }

// SetRxOnWhenIdle implements mle.Env.
func (e *mleEnv) SetRxOnWhenIdle(now machine.Time, on bool) {
	e.mac.SetRxOnWhenIdle(now, on)
	if on {
		e.mac.StopPolling()
	} else {
		e.mac.StartPolling(now)
	}
	e.mesh.SetRxOnWhenIdle(on)
	(*Node)(e).updatePolling(now)
	e.mle.RxOnChanged(now)
}

// RxOnWhenIdle implements mle.Env.
func (e *mleEnv) RxOnWhenIdle() bool { return e.mac.RxOnWhenIdle() }

// Of the data poll sender.
func (e *mleEnv) SetPollAttachMode(now machine.Time, on bool) { e.mac.SetAttachMode(now, on) }
func (e *mleEnv) SendFastPolls(now machine.Time, n int)       { e.mac.SendFastPolls(now, uint8(n)) }
func (e *mleEnv) StopFastPolls(now machine.Time)              { e.mac.StopFastPolls(now) }
func (e *mleEnv) RecalculatePollPeriod(now machine.Time)      { (*Node)(e).updatePolling(now) }

// InterfaceUp implements mle.Env.
func (e *mleEnv) InterfaceUp() bool { return e.up }

// UnicastAddresses implements mle.Env.
func (e *mleEnv) UnicastAddresses() []ip6.Address {
	list := e.scratch[:0]
	for i := range e.unicast {
		list = append(list, e.unicast[i].Addr)
	}
	e.scratch = list
	return list
}

// MulticastAddresses implements mle.Env.
func (e *mleEnv) MulticastAddresses() []ip6.Address { return e.joined }

// InformPreviousParent implements mle.Env.
func (e *mleEnv) InformPreviousParent(now machine.Time, rloc16 uint16) {
	n := (*Node)(e)
	o := outgoing{src: n.mle.MeshLocalEID(), dst: ip6.RLOC(n.meshLocal(), rloc16), priority: tmf.Net}
	if h, err := n.header(&o); err == nil {
		h.Next = ip6.None
		_ = n.sendDatagram(now, &o, h.Append(nil)) // best effort, as in OpenThread
	}
}

// Store implements mle.Env, as do those below: what lasts over a reset.
func (e *mleEnv) Store(now machine.Time, i *mle.NetworkInfo) {
	(*Node)(e).StoreSetting(settingNetwork, encodeNetwork(i))
}
func (e *mleEnv) StoreParent(now machine.Time, p mle.ParentInfo) {
	(*Node)(e).StoreSetting(settingParent, encodeParent(p))
}
func (e *mleEnv) StoreChild(now machine.Time, c mle.ChildInfo) {
	(*Node)(e).StoreSetting(childKey(c.RLOC16), encodeChild(&c))
}
func (e *mleEnv) RemoveStoredChild(now machine.Time, rloc16 uint16) {
	(*Node)(e).StoreSetting(childKey(rloc16), nil)
}
func (e *mleEnv) RestoredChildren() (list []mle.ChildInfo) {
	(*Node)(e).EachSetting(settingChild, func(_ string, value []byte) {
		if c, ok := decodeChild(value); ok {
			list = append(list, c)
		}
	})
	return list
}
