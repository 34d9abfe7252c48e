package meshdevice

import (
	"time"

	"heddle.example/lwm2m/client"
	"heddle.example/machine"
	"heddle.example/thread"
	"heddle.example/thread/radio"
)

// Device is one LwM2M device on a Thread node. It is used by one owner at a time.
type Device struct {
	cfg     Config
	out     machine.Outbox
	gate    machine.Gate
	now     machine.Time // of the latest input
	node    *thread.Node
	lw      *lwm2mState // nil: LwM2M was not started
	taken   []machine.Action
	radio   client.Traffic // what the radio has carried
	store   storeState
	command command // of the shell, under way
}

// lwm2mState is what there is while LwM2M runs.
type lwm2mState struct {
	client   *client.Client
	options  StartOptions
	servers  []client.Account
	hosts    []string // of the servers
	socket   thread.SocketID
	port     uint16
	begun    bool         // Client.Start was called
	beginAt  machine.Time // when it is to be called; Never: once there is a network
	attached machine.Time // since when; Never: not
	retryAt  machine.Time // when to try again because the network is back
	reached  bool         // there was a way to a server when the network changed last
	ways     []way        // how datagrams go to servers
	moveAt   machine.Time // when to tell the servers of another way
	asks     []ask
	aliases  []alias
	poll     time.Duration // the poll period that we have set; 0: none
	userPoll time.Duration // what it was before
	stopped  bool          // the client has stopped; commits are waited for
	dead     bool          // the device is about to boot: the client has no say any more
}

// New returns a device with what is on its disk, its interface down unless an LwM2M server had it reboot.
func New(c Config) (*Device, error) {
	d := &Device{cfg: c, out: machine.NewOutbox(c.Thread.Nest), now: c.Thread.Now}
	tc := c.Thread
	tc.Nest = d.out.Nest()
	var err error
	if d.node, err = thread.New(tc); err != nil {
		return nil, err
	}
	if err := d.boot(); err != nil {
		return nil, err
	}
	d.pump()
	return d, nil
}

// Node returns the Thread node. What is asked of it directly is an input of the device.
func (d *Device) Node() *thread.Node { return d.node }

// Client returns the LwM2M client, or nil where LwM2M is not started. What is asked of it directly is an input of the device.
func (d *Device) Client() *client.Client {
	if d.lw == nil {
		return nil
	}
	return d.lw.client
}

// begin starts an input.
func (d *Device) begin(now machine.Time) {
	d.out.Begin()
	d.now = now
}

// Receive implements machine.Machine: an IPv6 datagram from the host, as thread.Node has it.
func (d *Device) Receive(now machine.Time, cause machine.Cause, path machine.Path, b []byte) {
	d.begin(now)
	d.node.Receive(now, cause, path, b)
	d.pump()
}

// RadioReceived takes in a frame that the radio accepted.
func (d *Device) RadioReceived(now machine.Time, cause machine.Cause, f *radio.Frame) {
	d.begin(now)
	d.radio.RxMessages++
	d.radio.RxBytes += uint64(len(f.PSDU))
	d.node.RadioReceived(now, cause, f)
	d.pump()
}

// RadioSent answers a radio.Transmit.
func (d *Device) RadioSent(now machine.Time, cause machine.Cause, s radio.Sent) {
	d.begin(now)
	d.node.RadioSent(now, cause, s)
	d.pump()
}

// RadioEnergy answers a radio.EnergyScan.
func (d *Device) RadioEnergy(now machine.Time, cause machine.Cause, rssi int8) {
	d.begin(now)
	d.node.RadioEnergy(now, cause, rssi)
	d.pump()
}

// Deadline implements machine.Machine.
func (d *Device) Deadline() machine.Time {
	at := d.node.Deadline()
	if l := d.lw; l != nil && !l.dead {
		at = min(at, l.client.Deadline(), l.beginAt, l.retryAt, l.moveAt)
	}
	return at
}

// Expire implements machine.Machine.
func (d *Device) Expire(now machine.Time) {
	d.begin(now)
	for rounds := 0; d.Deadline() <= now && rounds < maxRounds; rounds++ {
		if d.node.Deadline() <= now {
			d.node.Expire(now)
		}
		if l := d.lw; l != nil && !l.dead {
			d.expireStart()
			if l.client.Deadline() <= now {
				l.client.Expire(now)
			}
		}
		d.pump()
	}
}

// maxRounds bounds what one instant can make due.
const maxRounds = 1000

// Next implements machine.Machine.
func (d *Device) Next() (machine.Action, bool) {
	d.pump() // commands go to the node and to the client directly
	return d.out.Next()
}

// Persisted implements machine.Durable.
func (d *Device) Persisted(now machine.Time, seq machine.Seq) {
	d.begin(now)
	d.node.Persisted(now, seq)
	if d.lw != nil {
		d.lw.client.Persisted(now, seq)
	}
	d.gate.Persisted(seq, d.transmit)
	d.settled(seq)
	d.pump()
}

// PersistFailed implements machine.Durable.
func (d *Device) PersistFailed(now machine.Time, seq machine.Seq, err error) {
	d.begin(now)
	d.node.PersistFailed(now, seq, err)
	if d.lw != nil {
		d.lw.client.PersistFailed(now, seq, err)
	}
	d.gate.PersistFailed(seq)
	d.settled(seq) // a reboot that cannot be noted is a reboot all the same
	d.pump()
}

// pump moves the actions of the node and of the client outwards, and carries what one of them has for the other. Each is
// drained whole before the other gets an input, so that commits leave in the order of their numbers.
func (d *Device) pump() {
	d.now = max(d.now, d.node.Now())
	for again := true; again; {
		again = false
		for {
			a, ok := d.node.Next()
			if !ok {
				break
			}
			again = true
			if d.mine(&a) {
				d.taken = append(d.taken, a)
				continue
			}
			d.watch(&a)
			d.out.Push(a)
		}
		taken := d.taken
		d.taken = nil
		for i := range taken {
			d.take(&taken[i])
		}
		if d.taken == nil {
			clear(taken)
			d.taken = taken[:0]
		}
		for d.lw != nil {
			a, ok := d.lw.client.Next()
			if !ok {
				break
			}
			again = true
			d.fromClient(a)
		}
		d.ended()
	}
	d.adjustPolls()
}

// watch looks at an action of the node on its way out.
func (d *Device) watch(a *machine.Action) {
	switch v := a.Value.(type) {
	case *radio.Transmit:
		d.radio.TxMessages++
		d.radio.TxBytes += uint64(len(v.PSDU))
		d.radio.MaxMessage = max(d.radio.MaxMessage, len(v.PSDU))
	case *thread.Changed:
		if v.Flags&(thread.RoleChanged|thread.NetDataChanged|thread.AddressAdded|thread.AddressRemoved) != 0 {
			d.networkChanged()
			d.lookForWays()
		}
	}
}

func (d *Device) spread() time.Duration {
	switch s := d.cfg.Spread; {
	case s < 0:
		return 0
	case s == 0:
		return DefaultSpread
	default:
		return s
	}
}

// somewhen returns an instant within the spread.
func (d *Device) somewhen() machine.Time {
	if s := d.spread(); s > 0 {
		return d.now.Add(time.Duration(d.cfg.Thread.Rand.Uint64() % uint64(s)))
	}
	return d.now
}
