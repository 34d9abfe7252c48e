package mle

import (
	"testing"
	"time"

	"heddle.example/machine"
)

// An advertisement that says nothing new, as a router hears it from a neighbour. The counter has to grow, so each one is
// opened.
func BenchmarkAdvertisement(b *testing.B) {
	w := newBench(b)
	n := w.form()
	c := w.child("rdn")
	w.until(150*time.Second, "a second router", func() bool { return c.role == Router })
	w.run(60 * time.Second)
	last := w.records[Advertisement][len(w.records[Advertisement])-1]
	from, to := w.nodes[last.from-1], n
	if from == n {
		to = c
	}
	h, sealed, err := parseHeader(last.bytes)
	if err != nil {
		b.Fatal(err)
	}
	plain, ok := h.open(nil, from.keys.MLE(), last.src, last.to, sealed)
	if !ok {
		b.Fatal("it does not open")
	}
	d := Datagram{Src: last.src, Dst: last.to, HopLimit: 255, RSSI: -20, Channel: 15, PAN: 0xabcd}
	counter := h.FrameCounter
	b.ReportAllocs()
	for b.Loop() {
		counter++
		d.Payload = forgeInto(d.Payload, from, counter, plain, last)
		to.Receive(w.now, &d)
		if to.Deadline() == machine.Never {
			b.Fatal("no deadline")
		}
	}
	if to.counters.Replayed > 0 || to.counters.BadSecurity > 0 {
		b.Fatal(to.counters)
	}
}

func forgeInto(p []byte, from *benchNode, counter uint32, plain []byte, f flight) []byte {
	p = append(append(p[:0], make([]byte, 1+headerLen)...), plain...)
	return header{FrameCounter: counter, KeySequence: 0}.seal(p, from.keys.MLE(), f.src, f.to)
}
