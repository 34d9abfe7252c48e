package thread

import (
	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/mac"
	"heddle.example/thread/mesh"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/radio"
	"heddle.example/thread/status"
)

// macEnv is the Node as mac.Env.
type macEnv Node

// Transmit implements mac.Env.
func (e *macEnv) Transmit(now machine.Time, t *radio.Transmit, after machine.Seq) {
	after = max(after, e.countersSeq)
	if after == e.settings.seq {
		(*Node)(e).flushSettings() // a Send waits only for what was asked for before it
	}
	(*Node)(e).send(t, after)
}

// RadioState implements mac.Env.
func (e *macEnv) RadioState(now machine.Time, s *radio.State) { (*Node)(e).askRadio(s) }

// RadioConfig implements mac.Env.
func (e *macEnv) RadioConfig(now machine.Time, c *radio.Config) { (*Node)(e).askRadio(c) }

// RadioEnergy implements mac.Env.
func (e *macEnv) RadioEnergy(now machine.Time, s *radio.EnergyScan) { (*Node)(e).askRadio(s) }

// CountersStored implements mac.Env.
func (e *macEnv) CountersStored() bool {
	for i := range e.unsettled.keys {
		if e.unsettled.keys[i].key == settingCounters {
			return false
		}
	}
	for i := range e.settings.dirty {
		if string(e.settings.dirty[i].Key) == settingCounters {
			return false
		}
	}
	return true
}

func (n *Node) askRadio(value any) {
	n.out.Push(machine.Action{Kind: machine.Ask, Cause: n.cause, Value: value})
}

// Received implements mac.Env.
func (e *macEnv) Received(now machine.Time, r *mac.Rx) {
	rx := &e.rx // frames come one at a time
	*rx = mesh.Rx{Frame: r.Frame, Src: r.Src, Dst: r.Dst, SrcPAN: r.SrcPAN, DstPAN: r.DstPAN, Channel: r.Channel,
		Payload: r.Payload, KeySeq: r.KeySeq, RSSI: r.RSSI, LQI: r.LQI, FramePending: r.FramePending, Neighbor: r.Neighbor}
	if r.Secured {
		switch r.KeyIDMode {
		case ieee802154.KeyIDMode0:
			rx.Security = mesh.Mode0
		case ieee802154.KeyIDMode1:
			rx.Security = mesh.Mode1
		case ieee802154.KeyIDMode2:
			rx.Security = mesh.Mode2
		}
	}
	if r.Secured && r.Neighbor != nil {
		e.mle.HeardSecured(now, r.Neighbor)
	}
	e.mesh.Received(now, rx)
}

// Sent implements mac.Env.
func (e *macEnv) Sent(now machine.Time, tx *mac.Tx, r mac.Result) {
	f := &e.direct
	if tx.Indirect != nil {
		f = &e.indirect
	}
	done := *f
	*f = nil
	if done != nil {
		e.mesh.Sent(now, done, mesh.Result{Err: sendError(r.Err), Again: r.Again, Changed: r.Changed})
	}
}

func sendError(e radio.Err) error {
	switch e {
	case radio.OK:
		return nil
	case radio.NoAck:
		return status.NoAck
	case radio.ChannelBusy:
		return status.ChannelAccessFailure
	}
	return status.Abort
}

// ChildListens implements mac.Env.
func (e *macEnv) ChildListens(now machine.Time, c *neighbor.Child, csl bool) {
	e.mesh.ChildListens(now, c)
}

// PollSent implements mac.Env.
func (e *macEnv) PollSent(now machine.Time, parent *neighbor.Neighbor, err radio.Err) {
	switch err {
	case radio.OK:
		parent.LinkFailures = 0
	case radio.NoAck:
		if parent.LinkFailures++; parent.LinkFailures >= mesh.FailedRouterSends {
			(*meshEnv)(e).RouterLost(now, parent)
		}
	}
}

// ParentLost implements mac.Env.
func (e *macEnv) ParentLost(now machine.Time) { _ = e.mle.BecomeDetached(now) }

// ParentLinkQuality implements mac.Env.
func (e *macEnv) ParentLinkQuality(now machine.Time) { (*Node)(e).signal(ParentLinkChanged) }

// ScanResult implements mac.Env.
func (e *macEnv) ScanResult(now machine.Time, b *mac.BeaconInfo) { (*Node)(e).scanned(now, b) }

// EnergyResult implements mac.Env.
func (e *macEnv) EnergyResult(now machine.Time, channel uint8, rssi int8, done bool) {
	(*Node)(e).measured(now, channel, rssi, done)
}

// ChildCSLChanged implements mac.Env.
func (e *macEnv) ChildCSLChanged(now machine.Time, c *neighbor.Child) {}

// The MAC as mesh.MAC.

// SendFrame implements mesh.MAC.
func (e *meshEnv) SendFrame(now machine.Time, f *mesh.Frame) {
	slot := &e.direct
	if f.Child != nil {
		slot = &e.indirect
	}
	*slot = f
	if !e.mac.Send(now, macFrame(f)) {
		*slot = nil
		e.mesh.Sent(now, f, mesh.Result{Err: status.Abort})
	}
}

func macFrame(f *mesh.Frame) *mac.Tx {
	tx := mac.Tx{Src: f.Src, Dst: f.Dst, DstPAN: f.DstPAN, SetPAN: f.DstPAN != 0, NoAck: !f.AckRequest, Pending: f.FramePending,
		Payload: f.Payload, Channel: f.Channel, Indirect: f.Child, Cause: f.Cause}
	switch f.Security {
	case mesh.Mode0:
		tx.Security = mac.JoinerKey
	case mesh.Mode1:
		tx.Security = mac.NetworkKey
	case mesh.Mode2:
		tx.Security = mac.DiscoverKey
	}
	return &tx
}

// Overhead implements mesh.MAC.
func (e *meshEnv) Overhead(f *mesh.Frame) int { return e.mac.Overhead(macFrame(f)) }

// ChildQueueChanged implements mesh.MAC.
func (e *meshEnv) ChildQueueChanged(now machine.Time, c *neighbor.Child) {
	e.mac.ChildQueueChanged(now, c)
}

// ChangeIndirect implements mesh.MAC.
func (e *meshEnv) ChangeIndirect(now machine.Time, c *neighbor.Child, purge bool) bool {
	return e.mac.ChangeIndirect(c, purge)
}
