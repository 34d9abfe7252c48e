package tmf

import (
	"bytes"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/tlv"
)

// crowded is a node with many children.
type crowded struct{ entries int }

func (c *crowded) AppendDiagnostic(_ machine.Time, dst []byte, t DiagType) []byte {
	return tlv.Append(dst, byte(t), make([]byte, 1000))
}

func (c *crowded) EachDiagnostic(_ machine.Time, t DiagType, yield func([]byte)) {
	for range 511 {
		c.entries++
		yield(tlv.Append(nil, byte(t), make([]byte, 43)))
	}
}

func (*crowded) ResetDiagnostic(machine.Time, DiagType)     {}
func (*crowded) DiagSource(ip6.Address) ip6.Address         { return ip6.Address{} }
func (*crowded) DiagAnswer(now machine.Time, a *DiagAnswer) {}

// One request cannot make a node collect megabytes, whatever it asks for and how often.
func TestGreedyQueries(t *testing.T) {
	w := newPair()
	env := &crowded{}
	d := NewDiagnostics(w.b.Agent, env)
	w.b.serve = d.Serve
	answers, last := 0, false
	w.a.serve = func(now machine.Time, r *Request) bool {
		answers++
		_, last = Answer(r.Payload)
		w.a.Changed(now, r)
		return true
	}
	list := appendTypes(nil, bytes.Repeat([]byte{byte(DiagChild)}, 1000))
	if err := w.a.Post(0, w.b.addr, DiagnosticGetQuery, list, true, nil); err != nil {
		t.Fatal(err)
	}
	w.run(time.Hour)
	if answers < 32 || answers > maxMessages+1 || !last || d.busy != 0 || env.entries > 511*8 {
		t.Errorf("%d answers of %d entries, the last one came: %v, under way: %d", answers, env.entries, last, d.busy)
	}
	answer := -1
	list = appendTypes(nil, bytes.Repeat([]byte{byte(DiagChildTable)}, 1000))
	_ = w.a.Post(w.now, w.b.addr, DiagnosticGetRequest, list, true, func(_ machine.Time, r Response) {
		if r.Code == coap.Changed {
			answer = len(r.Payload)
		}
	})
	w.run(time.Hour)
	if answer < 1000 || answer > maxAnswer+1010 {
		t.Errorf("an answer of %d bytes", answer)
	}
}
