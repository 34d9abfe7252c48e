package borderagent

import (
	"math/rand/v2"
	"testing"

	"heddle.example/coap"
	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

type testRand struct{ *rand.Rand }

func (r testRand) Fill(b []byte) {
	for i := range b {
		b[i] = byte(r.Uint32())
	}
}

// alone is a node whose agent nobody answers.
type alone struct{ sent int }

func (*alone) Attached() bool                                   { return true }
func (*alone) PSKc() [16]byte                                   { return [16]byte{1} }
func (*alone) MeshLocal() ip6.Network                           { return ip6.Network{0xfd} }
func (*alone) Open(_ machine.Time, port uint16) (uint16, error) { return max(port, 49152), nil }
func (*alone) Close(uint16)                                     {}
func (*alone) Tell(machine.Time, ip6.Address, string, []byte)   {}
func (*alone) Get(machine.Time, string, []byte) ([]byte, bool)  { return nil, true }
func (*alone) SetLocator(machine.Time, uint16, bool)            {}
func (*alone) KeyEvent(machine.Time, KeyEvent)                  {}
func (*alone) KeyStateChanged(machine.Time)                     {}
func (e *alone) SendUDP(machine.Time, ip6.Address, uint16, ip6.Address, uint16, []byte) error {
	e.sent++
	return nil
}
func (*alone) Ask(machine.Time, ip6.Address, string, []byte, func(machine.Time, coap.Code, []byte, error)) {
}

func newAlone() (*Agent, *alone) {
	e := &alone{}
	a := New(testRand{rand.New(rand.NewPCG(1, 2))}, new(machine.Nest), e)
	a.RoleChanged(1)
	return a, e
}

// The text record, for a leader with a backbone router and a prefix.
func TestText(t *testing.T) {
	a, _ := newAlone()
	f := Facts{Name: "heddle", Attached: true, Partition: 0x01020304, Role: 4, Domain: "DefaultDomain", ThreadVersion: "1.4.0",
		HasTimestamp: true, Backbone: true, Primary: true, Sequence: 9, OMR: []byte{64, 0xfd}}
	text := a.AppendText(nil, &f)
	got := map[string]string{}
	for len(text) > 0 {
		n := int(text[0])
		entry := string(text[1 : 1+n])
		text = text[1+n:]
		got[entry[:2]] = entry
	}
	for _, want := range []string{"rv=1", "nn=heddle", "tv=1.4.0", "pt=\x01\x02\x03\x04", "sq=\x09", "bb=\xf0\xbf", "dn=DefaultDomain",
		"sb=\x00\x00\x0f\xb1"} { // commissioning by PSKc, active, available, backbone router and primary, leader, ephemeral keys
		if got[want[:2]] != want {
			t.Errorf("%q, not %q", got[want[:2]], want)
		}
	}
	if got["om"] != "omr=\x40\xfd" {
		t.Errorf("%q", got["om"])
	}
}

// What comes to the port has any shape; it leaves nothing behind, and the agent goes to sleep again.
func FuzzReceive(f *testing.F) {
	f.Add([]byte{22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		a, e := newAlone()
		a.Receive(1, ip6.Address{}, a.Port(), ip6.Address{0xfe, 0x80, 15: 9}, 1234, b)
		if e.sent > 1 || len(a.Sessions(1)) > 0 {
			t.Errorf("%d datagrams to a stranger", e.sent)
		}
		a.ProxyRx(1, ip6.Address{}, 1, 2, b)
		a.RelayRx(1, b)
		for range 10 {
			if a.Deadline() == machine.Never {
				return
			}
			a.Expire(a.Deadline())
		}
		t.Error("it never sleeps")
	})
}
