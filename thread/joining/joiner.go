package joining

import (
	"encoding/binary"
	"errors"
	"slices"

	"heddle.example/coap"
	"heddle.example/dtls"
	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/status"
	"heddle.example/thread/tlv"
)

// State is how far a joiner is.
type State uint8

// The states, in OpenThread's order.
const (
	Idle State = iota
	Discovering
	Connecting
	Connected
	Entrusting
	Joined
)

func (s State) String() string {
	return [...]string{"Idle", "Discover", "Connecting", "Connected", "Entrust", "Joined"}[min(s, Joined)]
}

// Found is a network that answered the joiner's discovery.
type Found struct {
	Ext      ieee802154.ExtAddr
	PAN      ieee802154.PANID
	Channel  uint8
	RSSI     int8
	Port     uint16
	Steering []byte
}

// JoinerEnv is what a Joiner needs of its node.
type JoinerEnv interface {
	InterfaceUp() bool
	Disabled() bool
	EUI64() ieee802154.ExtAddr
	SetExtAddress(now machine.Time, a ieee802154.ExtAddr)
	// SetNetwork moves the radio to a network that we do not belong to yet.
	SetNetwork(now machine.Time, pan ieee802154.PANID, channel uint8)
	// Discover looks for networks that want us. heard is told of every answer, with its steering data.
	Discover(now machine.Time, wanted func(steering []byte) bool, heard func(steering []byte), found func(Found), done func(now machine.Time)) error
	// OpenPort lets unsecured datagrams to a port in, or not any more.
	OpenPort(now machine.Time, port uint16, open bool)
	// SendPlain sends a UDP datagram without link security.
	SendPlain(now machine.Time, to ip6.Address, from, port uint16, payload []byte)
	// SetKEK sets the key that the network key comes under.
	SetKEK(now machine.Time, kek [16]byte, from ip6.Address)
	// SaveNetwork makes the key that we got, and the network that it is for, our active dataset.
	SaveNetwork(now machine.Time, key [16]byte)
	JoinerChanged(now machine.Time, s State)
}

// JoinerConfig is what a joiner says of itself.
type JoinerConfig struct {
	Password                                       string
	ProvisioningURL, Vendor, Model, Software, Data string
}

// maxRouters is how many networks a joiner tries.
const maxRouters = 2

// Joiner is a device that wants into a network.
type Joiner struct {
	env       JoinerEnv
	rand      machine.Rand
	state     State
	config    JoinerConfig
	discerner *Discerner
	discerned meshcop.JoinerID
	id        meshcop.JoinerID
	found     []Found // best first
	priority  []int
	peer      ip6.Address
	dtls      *secure
	finalize  *coap.Message
	repeat    machine.Time
	timer     machine.Time
	done      func(now machine.Time, err error)
	// Certify, where set, is told of what OpenThread's reference devices log.
	Certify Certify
	heard   int // networks that answered
	open    int // of them, those that let somebody in
	why     Reason
}

// Discerner is a part of a number that names a joiner instead of its EUI-64.
type Discerner struct {
	Value  uint64
	Length int // bits
}

// NewJoiner returns an idle one.
func NewJoiner(r machine.Rand, env JoinerEnv) *Joiner {
	return &Joiner{env: env, rand: r, timer: machine.Never, repeat: machine.Never}
}

// State returns how far it is.
func (j *Joiner) State() State { return j.state }

// ID returns what a commissioner knows us by.
func (j *Joiner) ID() meshcop.JoinerID {
	if j.discerner != nil {
		return j.discerned
	}
	return meshcop.NewJoinerID(j.env.EUI64())
}

// Discerner returns the discerner, or nil; SetDiscerner changes it.
func (j *Joiner) Discerner() *Discerner { return j.discerner }

// SetDiscerner names the joiner by a number; nil is by its EUI-64 again.
func (j *Joiner) SetDiscerner(d *Discerner) error {
	switch {
	case d != nil && (d.Length < 1 || d.Length > 64):
		return status.InvalidArgs
	case j.state != Idle:
		return status.InvalidState
	}
	if j.discerner = d; d != nil { // the rest of it is random
		a := j.randomAddress()
		v := binary.BigEndian.Uint64(a[:])
		mask := ^uint64(0) >> (64 - d.Length)
		binary.BigEndian.PutUint64(j.discerned[:], v&^mask|d.Value&mask)
		j.discerned[0] |= 2
	}
	return nil
}

// ValidPassword says whether a PSKd is one: 6 to 32 digits and capitals without I, O, Q and Z (8.2.8).
func ValidPassword(s string) bool {
	for _, c := range s {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') || c == 'I' || c == 'O' || c == 'Q' || c == 'Z' {
			return false
		}
	}
	return len(s) >= 6 && len(s) <= 32
}

// Start begins to join. done is called once at the end.
func (j *Joiner) Start(now machine.Time, c JoinerConfig, done func(now machine.Time, err error)) error {
	switch {
	case j.state != Idle:
		return status.Busy
	case !j.env.InterfaceUp() || !j.env.Disabled():
		return status.InvalidState
	case !ValidPassword(c.Password):
		return status.InvalidArgs
	}
	j.config, j.done, j.id = c, done, j.ID()
	j.found, j.priority = nil, nil
	j.heard, j.open, j.why = 0, 0, Unknown
	j.env.SetExtAddress(now, j.randomAddress())
	s, err := newSecure(j.rand, nil)
	if err != nil {
		return err
	}
	j.dtls = s
	s.out = func(now machine.Time, b []byte) { j.env.SendPlain(now, j.peer, Port, s.path.Remote.Port(), b) }
	s.up, s.down, s.message = j.connected, j.lost, j.answered
	filter := j.id
	if d := j.discerner; d != nil {
		filter = meshcop.Discerner(d.Value, d.Length)
	}
	err = j.env.Discover(now, func(b []byte) bool { return meshcop.SteeringData(b).Contains(filter) }, j.hear, j.keep, j.discovered)
	if err == nil {
		j.set(now, Discovering)
	}
	return err
}

func (j *Joiner) randomAddress() (a ieee802154.ExtAddr) {
	j.rand.Fill(a[:])
	a[0] = a[0]&^1 | 2 // of one device, and not from a factory
	return a
}

func (j *Joiner) set(now machine.Time, s State) {
	if j.state != s {
		j.state = s
		j.env.JoinerChanged(now, s)
	}
}

// keep notes a network: one that wants us in particular before one that wants everybody, then by strength.
func (j *Joiner) keep(f Found) {
	if j.state != Discovering || f.Port == 0 {
		return
	}
	p := int(min(max(f.RSSI, -127), -1)) + 256
	if f.RSSI == 127 {
		p = 129
	}
	if meshcop.SteeringData(f.Steering).PermitsAll() {
		p -= 128
	}
	f.Steering = nil
	i := 0
	for i < len(j.priority) && j.priority[i] >= p {
		i++
	}
	j.found, j.priority = slices.Insert(j.found, i, f), slices.Insert(j.priority, i, p)
	if len(j.found) > maxRouters {
		j.found, j.priority = j.found[:maxRouters], j.priority[:maxRouters]
	}
}

// hear counts the networks, so that a failure can say what there was.
func (j *Joiner) hear(steering []byte) {
	j.heard++
	if slices.ContainsFunc(steering, func(b byte) bool { return b != 0 }) {
		j.open++
	}
}

func (j *Joiner) discovered(now machine.Time) {
	if j.state == Discovering {
		switch {
		case j.heard == 0:
			j.why = NobodyHeard
		case j.open == 0:
			j.why = NobodyJoins
		default:
			j.why = NotWanted
		}
		j.env.SetExtAddress(now, ieee802154.ExtAddr(j.id))
		j.next(now, ErrNotFound)
	}
}

// next tries the next network.
func (j *Joiner) next(now machine.Time, otherwise error) {
	if len(j.found) == 0 {
		j.finish(now, otherwise)
		return
	}
	f := j.found[0]
	j.found = j.found[1:]
	j.env.SetNetwork(now, f.PAN, f.Channel)
	j.env.OpenPort(now, Port, true)
	j.peer = ip6.LinkLocal(f.Ext)
	j.dtls.aim(j.peer, f.Port)
	j.set(now, Connecting)
	if err := j.dtls.dial(now, []byte(j.config.Password)); err != nil {
		j.finish(now, err)
	}
}

// connected sends what we are to the commissioner.
func (j *Joiner) connected(now machine.Time, keyHash [32]byte) {
	if j.state != Connecting {
		return
	}
	j.set(now, Connected)
	j.env.SetKEK(now, [16]byte(keyHash[:16]), j.peer)
	c := &j.config
	b := []byte{tlvState, 1, stateAccept}
	b = tlv.Append(b, tlvVendorName, []byte(c.Vendor))
	b = tlv.Append(b, tlvVendorModel, []byte(c.Model))
	b = tlv.Append(b, tlvVendorSoftware, []byte(c.Software))
	b = append(b, tlvVendorStack, 6, 0x18, 0xb4, 0x30, 0, 0, 0x10)
	if c.Data != "" {
		b = tlv.Append(b, tlvVendorData, []byte(c.Data))
	}
	if c.ProvisioningURL != "" {
		b = tlv.Append(b, tlvProvisioningURL, []byte(c.ProvisioningURL))
	}
	j.why = NoAnswer
	j.Certify.tell(now, "send", "JOIN_FIN.req", b)
	j.finalize = j.dtls.post(now, uriFinalize, b)
	j.repeat, j.timer = now.Add(responseTimeout/2), now.Add(responseTimeout)
}

// lost is called when the session is over, or did not come to be.
func (j *Joiner) lost(now machine.Time, reason error) {
	if j.state == Connecting {
		if j.why = WrongPassword; errors.Is(reason, dtls.ErrTimeout) {
			j.why = NoCommissioner
		}
		j.next(now, ErrSecurity) // as OpenThread has it: no session is no session
	}
}

// answered takes in the commissioner's answer.
func (j *Joiner) answered(now machine.Time, m *coap.Message) {
	if j.state != Connected || j.finalize == nil || m.Type != coap.ACK || m.ID != j.finalize.ID {
		return
	}
	j.repeat = machine.Never
	j.Certify.tell(now, "recv", "JOIN_FIN.rsp", m.Payload)
	j.why = Refused
	if state, ok := tlv.Uint8(m.Payload, tlvState); m.Code == coap.Changed && ok {
		if state == stateAccept {
			j.why = NotEntrusted
		}
		j.set(now, Entrusting)
		j.timer = now.Add(responseTimeout)
	}
	j.dtls.close(now)
	j.env.OpenPort(now, Port, false)
}

// Entrust takes in the network key from a joiner router, secured with the key that the session gave us. It says whether to
// answer.
func (j *Joiner) Entrust(now machine.Time, from ip6.Address, payload []byte) bool {
	key, ok := tlv.Find(payload, tlvNetworkKey)
	if j.state != Entrusting || from != j.peer || !ok || len(key) < 16 {
		return false
	}
	j.Certify.tell(now, "recv", "JOIN_ENT.ntf", nil)
	j.env.SaveNetwork(now, [16]byte(key))
	j.set(now, Joined)
	j.timer = now.Add(addressDelay)
	j.Certify.tell(now, "send", "JOIN_ENT.rsp", nil)
	return true
}

// Stop gives up.
func (j *Joiner) Stop(now machine.Time) { j.finish(now, ErrAbort) }

func (j *Joiner) finish(now machine.Time, err error) {
	if j.state == Idle {
		return
	}
	was := j.state
	j.timer, j.repeat, j.finalize = machine.Never, machine.Never, nil
	done := j.done
	j.done = nil
	j.set(now, Idle)
	if was != Discovering {
		j.dtls.close(now)
		j.env.OpenPort(now, Port, false)
	}
	if done != nil {
		done(now, err)
	}
}

// ReceiveUDP takes in a datagram to Port.
func (j *Joiner) ReceiveUDP(now machine.Time, from ip6.Address, payload []byte) {
	if j.dtls != nil && from == j.peer && (j.state == Connecting || j.state == Connected) {
		j.dtls.receive(now, payload)
	}
}

// Deadline says when Expire wants to be called.
func (j *Joiner) Deadline() machine.Time {
	if j.state == Idle {
		return machine.Never
	}
	return min(j.timer, j.repeat, j.dtls.deadline())
}

// Expire fires what is due.
func (j *Joiner) Expire(now machine.Time) {
	if j.state == Idle {
		return
	}
	j.dtls.expire(now)
	if j.repeat <= now {
		j.repeat = machine.Never
		if j.finalize != nil {
			j.dtls.send(now, j.finalize)
		}
	}
	if j.timer > now {
		return
	}
	j.timer = machine.Never
	if j.state == Joined {
		j.env.SetExtAddress(now, j.randomAddress())
		j.finish(now, nil)
		return
	}
	j.finish(now, ErrTimeout)
}
