package mac

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/radio"
)

// Constants of DataPollSender.
const (
	quickPolls          = 5 // in a row after time-outs
	maxPollAttempts     = 4 // OPENTHREAD_CONFIG_FAILED_CHILD_TRANSMISSIONS
	attachPollPeriod    = 100 * time.Millisecond
	retryPollPeriod     = time.Second
	fastPollPeriod      = 188 * time.Millisecond
	minPollPeriod       = 10 * time.Millisecond
	maxExternalPeriod   = (1<<26 - 1) * time.Millisecond
	defaultFastPolls    = 8
	maxFastPolls        = 15
	maxFastPollUsers    = 63
	defaultChildTimeout = 240 * time.Second
)

// poller is what a sleepy child needs to fetch its frames: DataPollSender.
type poller struct {
	enabled, attach, retry bool
	timeouts, failures     uint8
	fast, fastUsers        uint8
	external               time.Duration
	childTimeout           time.Duration
	start                  machine.Time
	period                 time.Duration
	timer                  machine.Time
}

func (p *poller) init() { p.timer, p.childTimeout = machine.Never, defaultChildTimeout }

// parent returns the node that we poll: the one that we are about to attach to, else our parent.
func (m *MAC) parent() *neighbor.Neighbor {
	if t := m.cfg.Neighbors; t.Candidate.State == neighbor.Valid {
		return &t.Candidate.Neighbor
	}
	return &m.cfg.Neighbors.Parent.Neighbor
}

// StartPolling begins to poll the parent regularly.
func (m *MAC) StartPolling(now machine.Time) {
	if !m.poll.enabled {
		m.poll.enabled = true
		m.schedulePoll(now, true)
	}
}

// StopPolling ends that.
func (m *MAC) StopPolling() {
	p := &m.poll
	*p = poller{external: p.external, childTimeout: p.childTimeout, period: p.period, timer: machine.Never}
}

// Polling reports whether the parent is polled.
func (m *MAC) Polling() bool { return m.poll.enabled }

// SendPoll polls now, and reports whether that could be asked for.
func (m *MAC) SendPoll(now machine.Time) bool {
	p := &m.poll
	if !p.enabled {
		return false
	}
	if m.rxOn || !m.parent().State.ValidOrRestoring() {
		m.StopPolling()
		return false
	}
	p.timer = machine.Never
	if !m.enabled {
		m.StopPolling()
		return false
	}
	m.enter()
	if m.op != transmitPoll && m.pending&transmitPoll == 0 {
		// Data and polls go out in the order in which they were asked for.
		m.pollFirst = m.pending&transmitDirect == 0
		m.pending |= transmitPoll
	}
	m.schedulePoll(now, false)
	m.leave(now)
	return true
}

// ExternalPollPeriod returns the period that the user asked for, 0 for none.
func (m *MAC) ExternalPollPeriod() time.Duration { return m.poll.external }

// SetExternalPollPeriod sets a period in which to poll at least, 0 for none, and reports whether it is not too short.
func (m *MAC) SetExternalPollPeriod(now machine.Time, d time.Duration) bool {
	if d != 0 && d < minPollPeriod {
		return false
	}
	d = min(d, maxExternalPeriod)
	if m.poll.external != d {
		m.poll.external = d
		m.RecalculatePollPeriod(now)
	}
	return true
}

// KeepAlivePollPeriod returns the longest period between polls that keeps us our parent's child.
func (m *MAC) KeepAlivePollPeriod() time.Duration {
	d := m.defaultPollPeriod()
	if m.poll.external != 0 {
		d = min(d, m.poll.external)
	}
	return d
}

// PollPeriod returns the period in use.
func (m *MAC) PollPeriod() time.Duration { return m.poll.period }

// SetTimeouts says after which silence our parent drops us, and after which it takes our schedule of samples for lost;
// both bound the poll period.
func (m *MAC) SetTimeouts(now machine.Time, child, csl time.Duration) {
	m.poll.childTimeout, m.csl.timeout = child, csl
	m.RecalculatePollPeriod(now)
}

// SetAttachMode polls fast while we attach.
func (m *MAC) SetAttachMode(now machine.Time, on bool) {
	if m.poll.attach != on {
		m.poll.attach = on
		m.RecalculatePollPeriod(now)
	}
}

// SendFastPolls polls n times in quick succession, 0 for the usual number: an answer is expected.
func (m *MAC) SendFastPolls(now machine.Time, n uint8) {
	p := &m.poll
	first := p.fast == 0
	p.fastUsers = min(p.fastUsers+1, maxFastPollUsers)
	if n == 0 {
		n = defaultFastPolls
	}
	p.fast = max(p.fast, min(n, maxFastPolls))
	if first {
		m.RecalculatePollPeriod(now)
	}
}

// StopFastPolls says that one who asked for fast polls has its answer.
func (m *MAC) StopFastPolls(now machine.Time) {
	p := &m.poll
	if p.fastUsers == 0 || p.fastUsers == maxFastPollUsers {
		return
	}
	if p.fastUsers--; p.fastUsers == 0 {
		p.fast = 0
		m.RecalculatePollPeriod(now)
	}
}

// RecalculatePollPeriod takes a change of what the period depends on into account.
func (m *MAC) RecalculatePollPeriod(now machine.Time) {
	if m.poll.enabled {
		m.schedulePoll(now, true)
	}
}

func (m *MAC) schedulePoll(now machine.Time, recalculate bool) {
	p := &m.poll
	old := p.period
	if recalculate {
		p.period = m.pollPeriod()
	}
	if p.timer == machine.Never {
		p.start = now
		p.timer = now.Add(p.period)
		return
	}
	if old != p.period {
		// A shorter period does not make the first poll follow at once: what it is to fetch may not be ready yet.
		if p.timer = p.start.Add(p.period); p.timer < now.Add(minPollPeriod) {
			p.timer = now.Add(minPollPeriod)
		}
	}
}

func (m *MAC) pollPeriod() time.Duration {
	p := &m.poll
	d := m.defaultPollPeriod()
	if p.attach {
		d = min(d, attachPollPeriod)
	}
	if p.retry {
		d = min(d, retryPollPeriod)
		if m.csl.period > 0 {
			d = min(d, m.csl.duration())
		}
	}
	if p.fast != 0 {
		d = min(d, fastPollPeriod)
	}
	if p.external != 0 {
		d = min(d, p.external)
	}
	if d == 0 {
		d = minPollPeriod
	}
	return d
}

func (m *MAC) defaultPollPeriod() time.Duration {
	d, ahead := m.poll.childTimeout, time.Duration(retryPollPeriod*maxPollAttempts)
	if m.csl.enabled() {
		d, ahead = min(d, m.csl.timeout), retryPollPeriod
	}
	if d > ahead {
		d -= ahead
	}
	return d
}

// keepAlive begins a period of the longest kind anew: the parent has just heard of us by other means.
func (p *poller) keepAlive(now machine.Time, usual time.Duration) {
	if p.timer != machine.Never && p.period == usual {
		p.start = now
		p.timer = now.Add(p.period)
	}
}

func (m *MAC) beginPoll(now machine.Time) bool {
	j, parent := &m.own, m.parent()
	if !parent.State.ValidOrRestoring() {
		return false
	}
	j.load(&Tx{Security: NetworkKey})
	f := &j.frame
	*f = ieee802154.Frame{Type: ieee802154.Command, Version: ieee802154.Version2006, Command: ieee802154.DataRequest,
		SrcPAN: m.pan, DstPAN: m.pan, HasSrcPAN: true, HasDstPAN: true}
	// A parent that we are about to attach to knows our extended address only.
	if m.filter.Short == ieee802154.InvalidShort || parent == &m.cfg.Neighbors.Candidate.Neighbor {
		f.Src, f.Dst = ieee802154.ExtendedAddr(m.filter.Ext), ieee802154.ExtendedAddr(parent.Ext)
	} else {
		f.Src, f.Dst = ieee802154.ShortAddr(m.filter.Short), ieee802154.ShortAddr(parent.RLOC16)
	}
	m.prepare(f, NetworkKey, j.ieRoom(), now, true)
	if f.Version == ieee802154.Version2015 {
		j.payload = append(j.payload[:0], byte(ieee802154.DataRequest))
		f.Payload = j.payload
	}
	f.Sequence = m.data
	m.data++
	m.tx = radio.Transmit{Channel: m.radioChannel, Backoffs: maxBackoffs, Retries: m.retriesDirect, Power: m.power}
	if f.HasIEs {
		m.tx.Retries = 0 // the schedule in it would be wrong
	}
	m.submac(now, j)
	return true
}

// sent takes in how a poll ended (DataPollSender::HandlePollSent).
func (p *poller) sent(now machine.Time, m *MAC, j *job, err radio.Err) {
	if !p.enabled {
		return
	}
	parent := m.parent()
	m.env.PollSent(now, parent, err)
	if !p.enabled {
		return
	}
	if m.parent().State == neighbor.Invalid {
		m.StopPolling()
		m.env.ParentLost(now)
		return
	}
	again := false
	switch err {
	case radio.OK:
		if p.fast > 0 {
			if p.fast--; p.fast == 0 {
				again, p.fastUsers = true, 0
			}
		}
		if p.retry {
			p.retry, p.failures, again = false, 0, true
		}
	case radio.ChannelBusy, radio.Aborted:
		p.retry, again = true, true
	default:
		limit := uint8(maxPollAttempts)
		if j.frame.HasIEs {
			limit = m.retriesDirect
		}
		if p.failures++; p.failures < limit {
			again = !p.retry
			p.retry = true
		} else {
			p.retry, p.failures, again = false, 0, true
		}
	}
	if again {
		m.schedulePoll(now, true)
	}
}

// timedOut is called when an ack promised a frame that did not come.
func (p *poller) timedOut(now machine.Time, m *MAC) {
	if !p.enabled {
		return
	}
	if p.timeouts++; p.timeouts < quickPolls {
		m.SendPoll(now)
	} else {
		p.timeouts = 0
	}
}

// received looks whether the sender of a frame has more for us.
func (p *poller) received(now machine.Time, m *MAC, h *ieee802154.Frame) {
	if !p.enabled {
		return
	}
	p.timeouts = 0
	if h.Pending {
		m.SendPoll(now)
	}
}

// dataSent looks at the ack of a data frame, which is as good as a poll if the parent is of version 1.2 or later.
func (p *poller) dataSent(now machine.Time, m *MAC, f *ieee802154.Frame, r Result, acked bool) {
	if !p.enabled || !m.cfg.Neighbors.Parent.EnhancedKeepAlive() || !f.Secured() {
		return
	}
	poll := f.HasIEs && r.Attempts > 1 // the parent computed our schedule from a late attempt
	if r.Err == radio.OK && acked {
		p.timeouts = 0
		if r.FramePending {
			poll = true
		} else {
			p.keepAlive(now, m.defaultPollPeriod())
		}
	}
	if poll {
		m.SendPoll(now)
	}
}
