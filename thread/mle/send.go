package mle

import (
	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
)

// begin returns the start of a message in a buffer that the next message takes over: TLVs are appended to it, and
// send takes it.
func (m *MLE) begin(c Command) []byte {
	b := m.buf[:0]
	if c.Secured() {
		b = append(b, linkSecurity, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	} else {
		b = append(b, noSecurity)
	}
	return append(b, byte(c))
}

// send sends a message that begin began to a link-local address, secured with the current key if its command wants it.
func (m *MLE) send(now machine.Time, b []byte, dst ip6.Address) {
	m.sendOut(now, b, &Outgoing{Dst: dst})
}

// sendTo sends a message to the link-local address of a node.
func (m *MLE) sendTo(now machine.Time, b []byte, dst ieee802154.ExtAddr) {
	m.send(now, b, linkLocal(dst))
}

// sendOut sends a message in the way that o says.
func (m *MLE) sendOut(now machine.Time, b []byte, o *Outgoing) {
	if b[0] == linkSecurity {
		o.Command = Command(b[1+headerLen])
		h := header{KeySequence: m.keys.Sequence()}
		h.FrameCounter, o.After = m.keys.NextMLE(now) // never one that was used with this key, over resets, too
		b = h.seal(b, m.keys.MLE(), m.LinkLocal(), o.Dst)
	} else {
		o.Command = Command(b[1])
	}
	o.Payload = b
	m.buf = nil // Send may lead to another message
	m.env.Send(now, o)
	m.buf = b[:0]
}

// appendFrameCounters appends both frame counters.
func (m *MLE) appendFrameCounters(b []byte) []byte {
	c := m.keys.Counters()
	return AppendMLEFrameCounter(AppendLinkFrameCounter(b, c.MAC), c.MLE)
}

// appendTimestamps appends the timestamps of both datasets, if there are any.
func (m *MLE) appendTimestamps(b []byte) []byte {
	b = AppendTimestamp(b, TLVActiveTimestamp, m.env.DatasetTimestamp(false))
	return AppendTimestamp(b, TLVPendingTimestamp, m.env.DatasetTimestamp(true))
}

// randomChallenge draws a challenge.
func (m *MLE) randomChallenge() (c [8]byte) {
	m.rand.Fill(c[:])
	return c
}
