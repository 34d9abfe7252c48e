package spinel

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/radio"
)

func TestHDLC(t *testing.T) {
	frames := [][]byte{{0x80, 1, 2}, {0x7e, 0x7d, 0x11, 0x13, 0xf8, 0}, bytes.Repeat([]byte{0x7d}, 300)}
	var line []byte
	for _, f := range frames {
		line = AppendHDLC(line, f)
	}
	for _, c := range line {
		if c == 0x11 || c == 0x13 || c == 0xf8 {
			t.Fatalf("%#x goes over the line", c)
		}
	}
	for step := 1; step < 40; step += 7 {
		var d HDLC
		var got [][]byte
		for b := line; len(b) > 0; b = b[min(step, len(b)):] {
			d.Feed(b[:min(step, len(b))], func(f []byte) { got = append(got, bytes.Clone(f)) })
		}
		if !reflect.DeepEqual(got, frames) || d.Bad != 0 {
			t.Errorf("in steps of %d: %x, %d bad", step, got, d.Bad)
		}
	}
	// The reset of a co-processor that OpenThread's own driver sends.
	if got := AppendHDLC(nil, []byte{0x80, 0x01, 0x02}); !bytes.Equal(got, []byte{0x7e, 0x80, 0x01, 0x02, 0xea, 0xf0, 0x7e}) {
		t.Errorf("reset is % x", got)
	}
	var d HDLC
	line[3] ^= 1
	n := 0
	d.Feed(line, func([]byte) { n++ })
	if n != 2 || d.Bad != 1 {
		t.Errorf("%d good, %d bad", n, d.Bad)
	}
	d.Feed(append(bytes.Repeat([]byte{1}, maxFrame+10), hdlcFlag), func([]byte) { t.Error("too long, and taken") })
}

func FuzzHDLC(f *testing.F) {
	f.Add(AppendHDLC(nil, []byte{0x7e, 1}))
	f.Fuzz(func(t *testing.T, b []byte) {
		var d HDLC
		d.Feed(b, func([]byte) {})
		d.Feed([]byte{hdlcFlag}, func([]byte) {})
		n := 0
		if d.Feed(AppendHDLC(nil, b), func(f []byte) {
			if n++; !bytes.Equal(f, b) {
				t.Fatalf("% x became % x", b, f)
			}
		}); n != 1 && len(b) > 0 && len(b) < maxFrame-2 {
			t.Fatalf("%d frames", n)
		}
	})
}

func FuzzClient(f *testing.F) {
	f.Add([]byte{0x80, 6, 0x71, 3, 0, 1, 2, 3}, byte(1))
	f.Fuzz(func(t *testing.T, b []byte, tid byte) {
		r := newRCP(t)
		r.client.Start(0)
		r.client.Receive(1, b)
		if len(b) > 0 {
			b[0] = 0x80 | tid&15
		}
		r.client.Receive(2, b)
	})
}

func TestURL(t *testing.T) {
	for s, want := range map[string]URL{
		"spinel+hdlc+uart:///dev/ttyACM0?baud=115200":           {Transport: "uart", Path: "/dev/ttyACM0", Baud: 115200},
		"spinel+hdlc+uart:///dev/ttyACM0?uart-flow-control":     {Transport: "uart", Path: "/dev/ttyACM0", Baud: 460800, Flow: true},
		"spinel+hdlc+forkpty://ot-rcp?forkpty-arg=-v&arg=1":     {Transport: "forkpty", Path: "ot-rcp", Baud: 460800, Args: []string{"-v", "1"}},
		"spinel+hdlc+forkpty://./ot-rcp?7":                      {Transport: "forkpty", Path: "./ot-rcp", Baud: 460800, Args: []string{"7"}},
		"spinel+hdlc+tcp://localhost:9999":                      {Transport: "tcp", Path: "localhost:9999", Baud: 460800},
		"spinel+hdlc+forkpty:///a%20b?forkpty-arg=--x%3d1&9+10": {Transport: "forkpty", Path: "/a b", Baud: 460800, Args: []string{"--x=1", "9", "10"}},
	} {
		if got, err := ParseURL(s); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "/dev/ttyACM0", "spinel+spi:///dev/x", "spinel+hdlc+uart://", "spinel+hdlc+smoke:///x",
		"spinel+hdlc+uart:///dev/x?baud=fast", "spinel+hdlc+uart:///dev/x?color=red"} {
		if _, err := ParseURL(s); err == nil {
			t.Errorf("%q is taken", s)
		}
	}
}

// rcp is a co-processor as a script would have it.
type rcp struct {
	t      testing.TB
	client *Client
	now    machine.Time
	mute   bool
	props  map[uint32][]byte
	lists  map[uint32][]string
	log    []string
	tx     []message
	ready  bool
	failed error
	sent   []radio.Sent
	heard  [][]byte
	energy []int8
}

func newRCP(t testing.TB) *rcp {
	r := &rcp{t: t, props: map[uint32][]byte{}, lists: map[uint32][]string{}}
	r.client = New(r)
	return r
}

func (r *rcp) reply(tid uint8, prop uint32, value []byte) { r.answer(tid, cmdIs, prop, value) }

func (r *rcp) answer(tid uint8, command, prop uint32, value []byte) {
	m := message{tid, command, prop, value}
	r.client.Receive(r.now, m.append(nil))
}

func (r *rcp) Write(b []byte) {
	if r.mute {
		return
	}
	if b[1] == cmdReset {
		r.props, r.lists = map[uint32][]byte{}, map[uint32][]string{}
		r.reply(0, propLastStatus, []byte{114})
		return
	}
	m, err := parse(bytes.Clone(b))
	if err != nil {
		r.t.Fatal(err)
	}
	switch m.command {
	case cmdGet:
		r.reply(m.tid, m.prop, map[uint32][]byte{
			propProtocolVersion: {4, 3}, propNCPVersion: []byte("RCP/1\x00"), propCaps: {capRadio, 0x81, 0x04},
			propHWAddr: {1, 2, 3, 4, 5, 6, 7, 8}, propRadioCaps: {0x3f}, propPHYRxSensitivity: {0x9c},
		}[m.prop])
	case cmdSet:
		if m.prop == propStreamRaw {
			r.tx = append(r.tx, m)
			return
		}
		r.props[m.prop] = m.value
		r.reply(m.tid, m.prop, m.value)
	case cmdInsert:
		r.lists[m.prop] = append(r.lists[m.prop], string(m.value))
		r.answer(m.tid, cmdInserted, m.prop, m.value)
	case cmdRemove:
		r.lists[m.prop] = nil
		r.answer(m.tid, cmdRemoved, m.prop, m.value)
	}
}

func (r *rcp) Received(now machine.Time, f *radio.Frame) {
	r.heard = append(r.heard, bytes.Clone(f.PSDU))
}
func (r *rcp) Sent(now machine.Time, s radio.Sent) { r.sent = append(r.sent, s) }
func (r *rcp) Energy(now machine.Time, rssi int8)  { r.energy = append(r.energy, rssi) }
func (r *rcp) Ready(now machine.Time)              { r.ready = true }
func (r *rcp) Failed(err error)                    { r.failed = err }

// frame is what a co-processor says of a received frame.
func frame(psdu []byte) []byte {
	v := appendData(nil, psdu)
	v = append(v, 0xec, 0x80, 0x10, 0)
	v = appendData(v, []byte{15, 200, 1, 2, 3, 4, 5, 6, 7, 8})
	v = appendData(v, []byte{0})
	return appendData(v, []byte{1, 9, 0, 0, 0})
}

func TestClient(t *testing.T) {
	r := newRCP(t)
	c := r.client
	c.Start(0)
	if !r.ready || r.failed != nil || c.Info.EUI64 != (ieee802154.ExtAddr{1, 2, 3, 4, 5, 6, 7, 8}) || c.Info.Version != "RCP/1" ||
		c.Info.Sensitivity != -100 || c.Info.Caps&radio.CapTransmitSec == 0 {
		t.Fatalf("%v %v %+v", r.ready, r.failed, c.Info)
	}
	f := radio.Filter{PAN: 0xabcd, Short: 0x0401, Ext: ieee802154.ExtAddr{8, 7}, SourceMatch: true, ShortMatch: []uint16{0x402}}
	config := radio.Config{Filter: f, KeyIndex: 3, Keys: [3][16]byte{{1}, {2}, {3}}, MACCounter: 77}
	check := func() {
		t.Helper()
		for prop, want := range map[uint32]string{
			propPHYEnabled: "\x01", propPANID: "\xcd\xab", propShortAddr: "\x01\x04", propExtAddr: "\x08\x07\x00\x00\x00\x00\x00\x00",
			propSrcMatchOn: "\x01", propPHYChannel: "\x0f", propRawStream: "\x01", propMACFrameCounter: "\x4d\x00\x00\x00\x00",
		} {
			if got := string(r.props[prop]); got != want {
				t.Errorf("property %#x is %x, not %x", prop, got, want)
			}
		}
		if len(r.props[propMACKey]) != 2+3*18 || r.props[propMACKey][1] != 3 || strings.Join(r.lists[propSrcMatchShorts], "") != "\x02\x04" {
			t.Errorf("keys %x, source match %x", r.props[propMACKey], r.lists)
		}
	}
	c.Configure(0, &config)
	c.SetState(0, radio.State{Mode: radio.Receive, Channel: 15})
	check()

	// A secured frame is sent, sealed by the co-processor, and acknowledged.
	c.Transmit(1, &radio.Transmit{ID: 5, PSDU: make([]byte, 30), Channel: 15, AckRequest: true, Secure: true, Retries: 15})
	if len(r.tx) != 1 || r.tx[0].value[2+30+6] != 0 {
		t.Fatalf("%x", r.tx)
	}
	v := append([]byte{0, 1, 1}, frame([]byte{2, 0, 9, 0, 0})...)
	r.reply(r.tx[0].tid, propLastStatus, append(v, 3, 99, 0, 0, 0))
	if len(r.sent) != 1 || r.sent[0].ID != 5 || r.sent[0].Ack == nil || r.sent[0].Counter != 99 || r.sent[0].Ack.RSSI != -20 {
		t.Fatalf("%+v", r.sent)
	}
	// One without acknowledgement, one that gets none, one that is never answered.
	for status, want := range map[byte]radio.Err{statusOK: radio.OK, statusNoAck: radio.NoAck, statusCCAFailure: radio.ChannelBusy, 1: radio.Aborted} {
		c.Transmit(1, &radio.Transmit{PSDU: make([]byte, 30), Channel: 15})
		value := []byte{status, 0, 1}
		if status == statusOK {
			value = append(value, 0, 0, 0, 0x80, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 5, 0, 0, 0, 0, 0, 0)
		}
		r.reply(r.tx[len(r.tx)-1].tid, propLastStatus, value)
		if got := r.sent[len(r.sent)-1].Err; got != want {
			t.Errorf("status %d is %v", status, got)
		}
	}
	r.reply(0, propStreamRaw, frame([]byte{1, 2, 3, 4, 5}))
	if len(r.heard) != 1 || len(r.heard[0]) != 5 {
		t.Errorf("heard %x", r.heard)
	}
	c.Scan(2, &radio.EnergyScan{Channel: 20, Duration: 50 * time.Millisecond})
	r.reply(0, propEnergyResult, []byte{20, 0xb0})
	if len(r.energy) != 1 || r.energy[0] != -80 {
		t.Errorf("energy %v", r.energy)
	}
	config.MACCounter = 77

	// It resets by itself: all is pushed again, with the counter where it was, and what was under way ends.
	c.Transmit(3, &radio.Transmit{PSDU: make([]byte, 30), Channel: 15})
	r.props, r.lists = map[uint32][]byte{}, map[uint32][]string{}
	r.reply(0, propLastStatus, []byte{112})
	if c.Resets != 1 || r.sent[len(r.sent)-1].Err != radio.Aborted {
		t.Errorf("%d resets, %+v", c.Resets, r.sent[len(r.sent)-1])
	}
	if got := string(r.props[propMACFrameCounter]); got != "\x64\x00\x00\x00\x00" {
		t.Errorf("counter %x", got)
	}
	r.props[propMACFrameCounter] = []byte{0x4d, 0, 0, 0, 0}
	check()

	// It falls silent: three resets, then it is given up.
	r.mute = true
	c.SetState(4, radio.State{Mode: radio.Sleep})
	for range 10 {
		if d := c.Deadline(); d != machine.Never {
			c.Expire(d)
		}
	}
	if r.failed == nil {
		t.Error("a co-processor that does not answer is not given up")
	}
}

// A frame that is to be sealed waits in the client until the node has given the keys.
func TestFrameWaitsForKeys(t *testing.T) {
	r := newRCP(t)
	c := r.client
	c.Start(0)
	c.Configure(0, &radio.Config{Filter: radio.Filter{PAN: 0xabcd}})
	c.Transmit(1, &radio.Transmit{ID: 5, PSDU: make([]byte, 30), Channel: 15, Secure: true})
	if len(r.tx) != 0 || r.props[propMACKey] != nil {
		t.Fatalf("%x, keys %x", r.tx, r.props[propMACKey])
	}
	c.Configure(2, &radio.Config{Filter: radio.Filter{PAN: 0xabcd}, KeyIndex: 3})
	if len(r.tx) != 1 || r.props[propMACKey] == nil {
		t.Fatalf("%x, keys %x", r.tx, r.props[propMACKey])
	}
	// One that the node gives up, or that a reset takes, is not sent later.
	r = newRCP(t)
	c = r.client
	c.Start(0)
	c.Transmit(1, &radio.Transmit{ID: 6, PSDU: make([]byte, 30), Channel: 15, Secure: true})
	r.reply(0, propLastStatus, []byte{112})
	c.Configure(2, &radio.Config{KeyIndex: 3})
	if len(r.tx) != 0 || len(r.sent) != 1 || r.sent[0].Err != radio.Aborted {
		t.Fatalf("%x, %+v", r.tx, r.sent)
	}
}
