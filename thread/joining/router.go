package joining

import (
	"encoding/binary"
	"slices"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/tlv"
)

// RouterEnv is what a JoinerRouter needs of its node.
type RouterEnv interface {
	Poster
	FullThreadDevice() bool
	MeshLocal() ip6.Network
	RLOC16() uint16
	// JoiningAllowed and the others are what the network data says of the commissioner.
	JoiningAllowed() bool
	JoinerUDPPort() (uint16, bool)
	BorderAgent() (uint16, bool)
	KeySequence() uint32
	// AppendNetwork appends a TLV of the active dataset, and says whether it is there.
	AppendNetwork(now machine.Time, dst []byte, typ byte) ([]byte, bool)
	OpenPort(now machine.Time, port uint16, open bool)
	SendPlain(now machine.Time, to ip6.Address, from, port uint16, payload []byte)
	SetKEK(now machine.Time, kek [16]byte, to ip6.Address)
}

// maxEntrusts bounds how many joiners wait for their key at once.
const maxEntrusts = 8

type entrust struct {
	at  machine.Time
	to  ip6.Address
	kek [16]byte
}

// JoinerRouter relays between joiners, which are in no network yet, and the commissioner.
type JoinerRouter struct {
	env        RouterEnv
	configured uint16 // port that was set; 0: none
	port       uint16 // that is open; 0: none
	waiting    []entrust
	// Certify, where set, is told of what OpenThread's reference devices log.
	Certify Certify
	busy    bool // an entrust is under way: there is one key-encryption key
}

// NewJoinerRouter returns one that relays nothing yet.
func NewJoinerRouter(env RouterEnv) *JoinerRouter { return &JoinerRouter{env: env} }

// Port returns the port of joiners.
func (j *JoinerRouter) Port() uint16 {
	if j.configured != 0 {
		return j.configured
	}
	if p, ok := j.env.JoinerUDPPort(); ok {
		return p
	}
	return Port
}

// SetPort changes it.
func (j *JoinerRouter) SetPort(now machine.Time, p uint16) {
	j.configured = p
	j.NetworkDataChanged(now)
}

// NetworkDataChanged opens the port of joiners while some may join.
func (j *JoinerRouter) NetworkDataChanged(now machine.Time) {
	switch allowed := j.env.FullThreadDevice() && j.env.JoiningAllowed(); {
	case allowed && j.port == 0:
		j.port = j.Port()
		j.env.OpenPort(now, j.port, true)
	case !allowed && j.port != 0:
		j.env.OpenPort(now, j.port, false)
		j.port = 0
	}
}

// ReceiveUDP takes in a joiner's datagram.
func (j *JoinerRouter) ReceiveUDP(now machine.Time, from ip6.Address, port uint16, payload []byte) {
	agent, ok := j.env.BorderAgent()
	if j.port == 0 || !ok || !from.IsLinkLocalUnicast() {
		return
	}
	iid := from.IID()
	b := binary.BigEndian.AppendUint16([]byte{tlvJoinerPort, 2}, port)
	b = tlv.Append(b, tlvJoinerIID, iid[:])
	b = binary.BigEndian.AppendUint16(append(b, tlvJoinerRouter, 2), j.env.RLOC16())
	b = appendExtended(b, tlvDTLS, payload)
	j.env.Post(now, ip6.RLOC(j.env.MeshLocal(), agent), uriRelayRx, b, false, nil)
}

// RelayTx takes in what the commissioner has for a joiner.
func (j *JoinerRouter) RelayTx(now machine.Time, b []byte) {
	port, ok := tlv.Uint16(b, tlvJoinerPort)
	iid, ok2 := tlv.Find(b, tlvJoinerIID)
	datagram, ok3 := tlv.Find(b, tlvDTLS)
	if j.port == 0 || !ok || !ok2 || len(iid) != 8 || !ok3 {
		return
	}
	to := ip6.Join(ip6.LinkLocalNetwork, ip6.IID(iid))
	j.env.SendPlain(now, to, j.port, port, datagram)
	if kek, ok := tlv.Find(b, tlvJoinerRouterKEK); ok && len(kek) == 16 && len(j.waiting) < maxEntrusts {
		j.waiting = append(j.waiting, entrust{now.Add(entrustDelay), to, [16]byte(kek)})
	}
}

// Deadline says when Expire wants to be called.
func (j *JoinerRouter) Deadline() machine.Time {
	if len(j.waiting) == 0 || j.busy {
		return machine.Never
	}
	return j.waiting[0].at
}

// Expire hands the network key to a joiner.
func (j *JoinerRouter) Expire(now machine.Time) {
	if j.Deadline() > now {
		return
	}
	e := j.waiting[0]
	j.waiting = slices.Delete(j.waiting, 0, 1)
	var b []byte
	// Network key, mesh-local prefix, extended PAN id, name, active timestamp, channel mask, PSKc, security policy.
	for _, t := range [...]byte{tlvNetworkKey, 7, 2, 3, 14, 53, 4, 12} {
		var ok bool
		if b, ok = j.env.AppendNetwork(now, b, t); !ok {
			return
		}
	}
	b = binary.BigEndian.AppendUint32(append(b, tlvNetworkKeySequence, 4), j.env.KeySequence())
	j.env.SetKEK(now, e.kek, e.to)
	j.busy = true
	j.Certify.tell(now, "send", "JOIN_ENT.ntf", nil)
	j.env.Post(now, e.to, uriEntrust, b, true, func(now machine.Time, _ []byte, err error) {
		if j.busy = false; err == nil {
			j.Certify.tell(now, "recv", "JOIN_ENT.rsp", nil)
		}
	})
}
