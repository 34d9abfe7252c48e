package mac

import (
	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/keys"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/radio"
)

// job is a frame to send, with room for its payload: one direct, one indirect and one of the MAC's own.
type job struct {
	busy    bool
	tx      Tx
	frame   ieee802154.Frame
	payload []byte
	ready   bool // sequence number and security are set: an attempt before this one set them
	sealed  bool // the PSDU is made: attempts after the first repeat it
	after   machine.Seq
	psdu    []byte
}

// load copies a Tx and its payload.
func (j *job) load(tx *Tx) {
	j.busy, j.ready = true, false
	j.payload = append(j.payload[:0], tx.Payload...)
	j.tx = *tx
	j.tx.Payload = j.payload
}

// header fills in a data frame's header. ies is room for the information elements.
func (m *MAC) header(f *ieee802154.Frame, tx *Tx, ies []byte, now machine.Time, empty bool) {
	*f = ieee802154.Frame{Type: ieee802154.Data, Version: ieee802154.Version2006, Src: tx.Src, Dst: tx.Dst,
		SrcPAN: m.pan, DstPAN: m.pan, HasSrcPAN: true, HasDstPAN: true, Pending: tx.Pending, Payload: tx.Payload}
	if tx.SetPAN || tx.DstPAN != 0 {
		f.DstPAN = tx.DstPAN
	}
	m.prepare(f, tx.Security, ies, now, empty)
	f.AckRequest = f.AckRequest && !tx.NoAck
}

// prepare sets what all headers have in common (MeshForwarder::PrepareMacHeaders, TxFrame::Info::PrepareHeadersIn).
func (m *MAC) prepare(f *ieee802154.Frame, s Security, ies []byte, now machine.Time, empty bool) {
	if n := m.neighbor(f.Dst); n != nil {
		switch c := n.Child(); {
		case m.csl.enabled():
			f.Version = ieee802154.Version2015
			f.IEs = ieee802154.AppendCSL(ies, m.csl.period, m.csl.phase(now))
			if !empty || f.Type == ieee802154.Command {
				f.IEs = ieee802154.AppendTermination(f.IEs)
			}
			f.HasIEs = true
		case c != nil && c.CSL != nil && c.CSL.Synchronized, probing(n):
			f.Version = ieee802154.Version2015
		}
	}
	switch s {
	case NetworkKey:
		f.Security = ieee802154.Security{Level: ieee802154.EncMIC32, Mode: ieee802154.KeyIDMode1}
	case JoinerKey:
		f.Security = ieee802154.Security{Level: ieee802154.EncMIC32, Mode: ieee802154.KeyIDMode0}
	case DiscoverKey:
		f.Security = ieee802154.Security{Level: ieee802154.EncMIC32, Mode: ieee802154.KeyIDMode2}
	}
	f.AckRequest = f.Dst.Kind != ieee802154.None && !f.Dst.IsBroadcast()
	f.Plan()
}

// Prober is what the link metrics of a neighbour (neighbor.Neighbor.Metrics) may implement: whether we asked it for
// metrics in enhanced acks, so that our frames must be of version 2015.
type Prober interface{ Probing() bool }

func probing(n *neighbor.Neighbor) bool {
	p, ok := n.Metrics.(Prober)
	return ok && p.Probing()
}

// seal sets frame counter and key and makes the PSDU, when it is about to leave, so that a schedule in it is right.
// Another attempt with an indirect frame has the counter and the key of the first.
func (m *MAC) seal(now machine.Time, j *job) {
	f := &j.frame
	if f.HasIEs && m.csl.enabled() {
		ieee802154.AppendCSL(f.IEs[:0], m.csl.period, m.csl.phase(now))
	}
	if !j.ready {
		j.ready, j.after = true, 0
		switch f.Security.Mode {
		case ieee802154.KeyIDMode0:
			if f.Secured() {
				f.Security.Counter = m.cfg.Keys.NextKEK()
			}
		case ieee802154.KeyIDMode1:
			f.Security.KeyIndex = keys.Index(m.cfg.Keys.Sequence())
			if m.cfg.Caps&radio.CapTransmitSec == 0 {
				f.Security.Counter, j.after = m.cfg.Keys.NextMAC(now)
				m.ackCounters(now)
			} else {
				j.after = m.cfg.Keys.RadioMAC(now)
			}
		case ieee802154.KeyIDMode2:
			f.Security.Counter = m.cfg.Keys.NextMode2()
			f.Security.KeySource = [8]byte{0xff, 0xff, 0xff, 0xff}
			f.Security.KeyIndex = 0xff
		}
	}
	key, source := m.cfg.Keys.MAC(), m.filter.Ext
	switch f.Security.Mode {
	case ieee802154.KeyIDMode0:
		key = m.cfg.Keys.KEK()
	case ieee802154.KeyIDMode1:
		if k, _, ok := m.cfg.Keys.ByIndex(f.Security.KeyIndex); ok {
			key = k
		}
	case ieee802154.KeyIDMode2:
		key, source = m.cfg.Keys.Mode2(), keys.Mode2Source
	}
	if !f.Secured() || key == nil || f.Security.Mode == ieee802154.KeyIDMode1 && m.cfg.Caps&radio.CapTransmitSec != 0 {
		j.psdu = f.Append(j.psdu[:0])
		return
	}
	j.psdu = f.AppendSealed(j.psdu[:0], key, source)
}
