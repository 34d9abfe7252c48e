package mac

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/keys"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/radio"
)

// Config is what a MAC is made of.
type Config struct {
	Ext         ieee802154.ExtAddr
	Rand        machine.Rand
	Keys        *keys.Manager
	Neighbors   *neighbor.Table
	Caps        radio.Caps
	Channels    uint32 // bit n: channel n is supported; 0: 11 to 26
	FilterSize  int    // entries of the address filter; 0: 32
	FullThread  bool   // an FTD: it serves polls of children
	Accuracy    uint8  // of our clock, in ppm, for CSL
	Uncertainty uint8  // of our schedule, in 10 us, for CSL
}

// Env is what a MAC needs around it.
type Env interface {
	// Transmit hands a frame to the radio, to leave not before commit after is on disk.
	Transmit(now machine.Time, t *radio.Transmit, after machine.Seq)
	// RadioState, RadioConfig and RadioEnergy ask the radio for something.
	RadioState(now machine.Time, s *radio.State)
	RadioConfig(now machine.Time, c *radio.Config)
	RadioEnergy(now machine.Time, e *radio.EnergyScan)
	// CountersStored reports whether all frame counters that are reserved are so on disk. CountersStored of the MAC says
	// that they have come to be.
	CountersStored() bool

	// Received gives a data frame up. rx is borrowed.
	Received(now machine.Time, rx *Rx)
	// Sent says how a Send ended. The slot is free again: the next Send may come from within. tx is borrowed.
	Sent(now machine.Time, tx *Tx, r Result)
	// ChildListens says that a child listens now: because it polled, or, with csl, because it samples the channel. The
	// answer is a Send with Indirect, from within; for a poll, an empty frame if nothing is left for the child.
	ChildListens(now machine.Time, c *neighbor.Child, csl bool)
	// PollSent says how a poll of our parent ended, for counting link failures.
	PollSent(now machine.Time, parent *neighbor.Neighbor, err radio.Err)
	// ParentLost says that polling stopped since there is no parent any more.
	ParentLost(now machine.Time)
	// ParentLinkQuality says that the link quality of our parent, as we hear it, is another.
	ParentLinkQuality(now machine.Time)
	// ScanResult gives a beacon of an active scan, and nil at its end.
	ScanResult(now machine.Time, b *BeaconInfo)
	// EnergyResult gives the strongest signal on a channel, or radio.NoRSSI, and done at the scan's end (with channel 0).
	EnergyResult(now machine.Time, channel uint8, rssi int8, done bool)
	// ChildCSLChanged says that a child's schedule became known or was lost.
	ChildCSLChanged(now machine.Time, c *neighbor.Child)
}

// Security says how a frame is secured.
type Security uint8

// The ways to secure a frame.
const (
	Unsecured   Security = iota
	NetworkKey           // key id mode 1
	JoinerKey            // key id mode 0, with the key-encryption key
	DiscoverKey          // key id mode 2, with the fixed key
)

// Tx is a frame to send.
type Tx struct {
	Src, Dst   ieee802154.Address
	DstPAN     ieee802154.PANID // the source's is the MAC's own; 0 with no SetPAN: the same
	SetPAN     bool             // DstPAN counts, even if it is 0
	Security   Security
	NoAck      bool   // asks no ack; broadcasts never do
	Pending    bool   // the sender has more for the receiver
	Payload    []byte // borrowed until Send returns
	Channel    uint8  // 0: the network's
	Indirect   *neighbor.Child
	CSL        bool // with Indirect: at the child's next sample
	Priority   uint8
	MaxRetries int8   // -1: none; 0: the MAC's own number
	Tag        uint32 // for the sender
	Cause      machine.Cause
}

// Result is how a Send ended.
type Result struct {
	Err      radio.Err
	Attempts uint8 // on the air
	// Again, of an indirect frame: the child did not answer, but gets the same frame after its next poll. The sender
	// gives the same frame again when it listens.
	Again bool
	// Changed, of an indirect frame: ChangeIndirect was called meanwhile, and now the next frame may be another.
	Changed      bool
	FramePending bool // in the ack: the receiver has something for us
}

// Rx is a data frame received.
type Rx struct {
	Frame        *radio.Frame
	Src, Dst     ieee802154.Address // as on the air
	SrcExt       ieee802154.ExtAddr // of a neighbour, or a source with an extended address
	DstPAN       ieee802154.PANID
	SrcPAN       ieee802154.PANID
	Payload      []byte // opened
	Secured      bool
	KeyIDMode    ieee802154.KeyIDMode
	KeyIndex     uint8
	KeySeq       uint32 // of mode 1
	FrameCounter uint32
	RSSI         int8 // after the filter
	LQI          uint8
	Channel      uint8
	FramePending bool
	Neighbor     *neighbor.Neighbor // nil: a stranger, with an extended address
}

// The phases of sending a frame.
type phase uint8

const (
	atRest phase = iota
	backingOff
	retryDelay
	muted   // the radio filter is on: the frame fails without having been sent
	sending // given to the radio
)

// MAC is the machine.
type MAC struct {
	env Env
	cfg Config

	filter     radio.Filter   // as the radio has it
	dirty      bool           // the radio does not have it yet
	radioSeals bool           // the radio has the keys, where it seals frames by itself
	nextAcks   radio.AckBlock // the run that follows filter.Block, while its reservation is not on disk
	state      radio.State
	tx         radio.Transmit
	rx         Rx
	Filters    Filter // of addresses and signal strengths

	enabled, rxOn, promiscuous, beacons bool
	radioFilter                         bool // deaf and mute
	panChannel, radioChannel            uint8
	temporary                           bool
	pan                                 ieee802154.PANID
	retriesDirect, retriesIndirect      uint8
	power                               int8
	txID                                uint32

	hold      uint8 // inputs under way: the next operation begins when the outermost ends
	op        operation
	pending   operation // a set
	timer     machine.Time
	pollFirst bool // a poll was asked for before the data that is pending

	// The frame on its way.
	cur      *job
	phase    phase
	at       machine.Time // when the phase ends
	backoffs uint8
	retries  uint8
	delayBE  uint8
	data     uint8 // next sequence number of data frames
	beacon   uint8

	direct   job
	sent     Tx  // what Env.Sent is told of
	own      job // polls, beacons, beacon requests
	indirect job
	child    *neighbor.Child   // served by indirect
	waiting  []*neighbor.Child // that polled meanwhile

	scan *scan
	poll poller
	csl  cslReceiver
	cslT cslSender

	acks     bool // enhanced acks are asked of us: the radio needs keys and counters
	cca      ccaTracker
	Counters Counters
}

// New returns a MAC whose radio is off. restored state is that of keys.Manager.
func New(cfg Config, env Env) *MAC {
	if cfg.Channels == 0 {
		cfg.Channels = AllChannels
	}
	if cfg.FilterSize == 0 {
		cfg.FilterSize = 32
	}
	m := &MAC{env: env, cfg: cfg, enabled: true, panChannel: defaultChannel, radioChannel: defaultChannel,
		pan: ieee802154.BroadcastPAN, retriesDirect: defaultRetriesDirect, timer: machine.Never, at: machine.Never}
	m.Filters = newFilter(cfg.FilterSize)
	m.filter = radio.Filter{PAN: m.pan, Short: ieee802154.InvalidShort, AltShort: ieee802154.InvalidShort, Ext: cfg.Ext}
	r := cfg.Rand.Uint64()
	m.data, m.beacon = uint8(r), uint8(r>>8)
	m.poll.init()
	m.csl.init()
	m.cslT.at = machine.Never
	m.dirty = true
	return m
}

// Constants of OpenThread (config/mac.h, mac/sub_mac.hpp) and of IEEE 802.15.4-2006 (macMinBE and so on).
const (
	AllChannels          uint32 = 0x07fff800
	defaultChannel              = 11
	defaultRetriesDirect        = 15
	maxBackoffs                 = 4
	minBE, maxBE                = 3, 5
	retryMaxBE                  = 5
	unitBackoff                 = 320 * time.Microsecond // 20 symbols
	ackTimeout                  = 16 * time.Millisecond
	pollTimeout                 = 100 * time.Millisecond
	defaultScanDuration         = 300 * time.Millisecond
	maxIndirectAttempts         = 4
	maxCSLAttempts              = 3
)

// Deadline says when Expire wants to be called.
func (m *MAC) Deadline() machine.Time {
	return min(m.timer, m.at, m.poll.timer, m.csl.timer, m.cslT.at)
}

// enter begins an input or a command; leave ends it, and with the outermost one begins what is due.
func (m *MAC) enter() { m.hold++ }

func (m *MAC) leave(now machine.Time) {
	if m.hold--; m.hold > 0 {
		return
	}
	m.hold++
	m.flush(now)
	m.performNext(now)
	m.flush(now)
	m.hold--
}

// flush tells the radio of a changed filter.
func (m *MAC) flush(now machine.Time) {
	if !m.dirty {
		return
	}
	m.dirty = false
	c := radio.Config{Filter: m.filter}
	if m.cfg.Caps&radio.CapTransmitSec != 0 {
		m.radioKeys(now, &c)
	}
	m.env.RadioConfig(now, &c)
}
