package mle

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
	"heddle.example/thread/tlv"
)

// scanDuration is how long one channel is listened to (OpenThread config/mac.h).
const scanDuration = 300 * time.Millisecond

// TLVs of MeshCoP inside of the Discovery TLV.
const (
	discoveryExtendedPANID       = 2
	discoveryNetworkName         = 3
	discoverySteeringData        = 8
	discoveryJoinerUDPPort       = 18
	discoveryRequestTLV          = 128
	discoveryResponseTLV         = 129
	discoveryJoinerAdvertisement = 241
)

// Discovery is what to discover.
type Discovery struct {
	Channels uint32           // 0: all
	PAN      ieee802154.PANID // 0xffff: any network
	Joiner   bool             // we want to join
	Advert   []byte           // value of the Joiner Advertisement TLV: OUI and data; none if empty
	// Wanted looks at the steering data of a network: only those that want us are results. nil: all.
	Wanted func(steering []byte) bool
	// Heard, if set, is told of every network that answers, with its steering data, which is empty where nobody may join.
	Heard func(steering []byte)
	// Found is called for each network.
	Found func(now machine.Time, n *Network)
	// Done is called at the end.
	Done func(now machine.Time)
}

// Network is what answered a discovery. Its slices are borrowed.
type Network struct {
	Ext                ieee802154.ExtAddr
	ExtendedPANID      [8]byte
	Name               []byte
	Steering           []byte
	PAN                ieee802154.PANID
	JoinerUDPPort      uint16
	Channel            uint8
	RSSI               int8
	LQI                uint8
	Version            uint8
	NativeCommissioner bool
}

// discovery asks on one channel after the other which networks are there (OpenThread DiscoverScanner).
type discovery struct {
	*Discovery
	left       uint32 // channels
	channel    uint8
	waiting    bool // for responses
	restorePAN bool
}

// Discovering says whether a discovery is under way.
func (m *MLE) Discovering() bool { return m.discover.Discovery != nil }

// Discover begins a discovery.
func (m *MLE) Discover(now machine.Time, d Discovery) error {
	switch {
	case !m.env.InterfaceUp():
		return status.InvalidState
	case m.Discovering():
		return status.Busy
	}
	s := &m.discover
	*s = discovery{Discovery: &d, left: m.config.SupportedChannels}
	if d.Channels != 0 {
		s.left &= d.Channels
	}
	// A stranger to all networks needs a PAN of its own to be answered on.
	if d.PAN == ieee802154.BroadcastPAN && m.env.PANID() == ieee802154.BroadcastPAN {
		m.env.SetPANID(now, m.randomPAN())
		s.restorePAN = true
	}
	if m.role != Disabled && !m.mode.RxOn() {
		m.env.SetRxOnWhenIdle(now, true)
	}
	m.timers.startAt(timerDiscover, now)
	return nil
}

// discoverTimer goes on to the next channel.
func (m *MLE) discoverTimer(now machine.Time) {
	s := &m.discover
	if s.Discovery == nil {
		return
	}
	if s.waiting {
		s.waiting = false
		m.env.PauseSending(now, false)
	}
	var ok bool
	if s.channel, ok = nextChannel(s.left, s.channel); !ok {
		m.discovered(now)
		return
	}
	m.env.SetTemporaryChannel(now, s.channel)
	b, at := beginTLV(m.begin(DiscoveryRequest), TLVDiscovery)
	flags := byte(Version << 4)
	if s.Joiner {
		flags |= 1 << 3
	}
	b = append(b, discoveryRequestTLV, 2, flags, 0)
	if len(s.Advert) > 0 {
		b = tlv.Append(b, discoveryJoinerAdvertisement, s.Advert)
	}
	m.sendOut(now, endTLV(b, at), &Outgoing{
		Dst: ip6.LinkLocalAllRouters, Channel: s.channel, PAN: s.PAN, Tag: TagDiscovery,
	})
}

func (m *MLE) discoverySent(now machine.Time, r Sent) {
	s := &m.discover
	if s.Discovery == nil {
		return
	}
	if r.NoRoom {
		m.discovered(now)
		return
	}
	s.waiting = true
	m.env.PauseSending(now, true)
	m.timers.start(timerDiscover, now, scanDuration)
}

func (m *MLE) discovered(now machine.Time) {
	s := &m.discover
	if m.role != Disabled && !m.mode.RxOn() {
		m.env.SetRxOnWhenIdle(now, false)
	}
	m.env.SetTemporaryChannel(now, 0)
	if s.restorePAN {
		m.env.SetPANID(now, ieee802154.BroadcastPAN)
	}
	done := s.Done
	*s = discovery{}
	if done != nil {
		done(now)
	}
}

func (m *MLE) receiveDiscoveryResponse(now machine.Time, r *rx) {
	s := &m.discover
	if s.Discovery == nil || !s.waiting {
		return
	}
	v, err := r.Find(TLVDiscovery)
	if err != nil {
		return
	}
	n := Network{Ext: r.ext, PAN: r.PAN, Channel: r.Datagram.Channel, RSSI: r.RSSI, LQI: r.LQI}
	wanted := s.Wanted == nil
	for len(v) > 0 {
		t, value, rest, ok := tlv.Next(v)
		if !ok {
			return
		}
		v = rest
		switch t {
		case discoveryResponseTLV:
			if len(value) < 2 {
				return
			}
			n.Version, n.NativeCommissioner = value[0]>>4, value[0]>>3&1 != 0
		case discoveryExtendedPANID:
			if len(value) < 8 {
				return
			}
			copy(n.ExtendedPANID[:], value)
		case discoveryNetworkName:
			n.Name = value[:min(len(value), 16)]
		case discoverySteeringData:
			if len(value) == 0 {
				continue
			}
			n.Steering = value[:min(len(value), 16)]
			wanted = s.Wanted == nil || s.Wanted(n.Steering)
		case discoveryJoinerUDPPort:
			if len(value) < 2 {
				return
			}
			n.JoinerUDPPort = uint16(value[0])<<8 | uint16(value[1])
		}
	}
	if s.Heard != nil {
		s.Heard(n.Steering)
	}
	if wanted && s.Found != nil {
		s.Found(now, &n)
	}
}
