package mac

import (
	"math/bits"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/radio"
)

// submac begins to send a job: the part of OpenThread's SubMac. What the radio does by itself is left to it.
func (m *MAC) submac(now machine.Time, j *job) {
	m.cur, m.backoffs, m.retries, m.delayBE = j, 0, 0, 0
	j.sealed = false
	if m.radioFilter {
		m.phase, m.at = muted, now.Add(time.Microsecond)
		return
	}
	m.startBackoff(now)
}

// startBackoff waits for 0 to 2^BE - 1 unit back-off periods, or sends at once if the radio does that.
func (m *MAC) startBackoff(now machine.Time) {
	m.phase = backingOff
	if m.tx.TxAt != 0 {
		m.waitToTransmit(now)
		return
	}
	if m.tx.Backoffs == 0 || m.cfg.Caps&radio.CapCSMA != 0 {
		m.transmit(now)
		return
	}
	m.delay(now, min(minBE+m.backoffs, maxBE))
}

// waitToTransmit waits for the instant of a frame that is sent at one, unless the radio does.
func (m *MAC) waitToTransmit(now machine.Time) {
	at := m.tx.TxAt.Add(-cslTransmitAhead)
	if m.cfg.Caps&radio.CapTimedTx != 0 || at <= now {
		m.transmit(now)
		return
	}
	m.at = at
}

// delay lets a random number of back-off periods below 2^be pass. The receiver stays on if it is when idle.
func (m *MAC) delay(now machine.Time, be uint8) {
	n := time.Duration(m.random(1 << be))
	if m.rxOn {
		m.receive(now, m.tx.Channel)
	} else {
		m.radioState(now, radio.State{Mode: radio.Sleep})
	}
	if m.at = now.Add(n * unitBackoff); n == 0 {
		m.endDelay(now)
	}
}

func (m *MAC) random(n uint64) uint64 {
	hi, _ := bits.Mul64(m.cfg.Rand.Uint64(), n)
	return hi
}

func (m *MAC) endDelay(now machine.Time) {
	m.at = machine.Never
	switch m.phase {
	case backingOff:
		m.transmit(now)
	case retryDelay:
		m.startBackoff(now)
	}
}

func (m *MAC) transmit(now machine.Time) {
	j := m.cur
	if !j.sealed {
		j.sealed = true
		m.seal(now, j)
	}
	if m.cfg.Caps&radio.CapSleepToTx == 0 {
		m.receive(now, m.tx.Channel)
	}
	m.phase, m.at = sending, machine.Never
	m.txID++
	m.tx.ID, m.tx.PSDU, m.tx.CCA = m.txID, j.psdu, true
	m.tx.AckRequest, m.tx.Sequence, m.tx.Retry = j.frame.AckRequest, j.frame.Sequence, m.retries
	m.tx.Secure = j.frame.Secured() && j.frame.Security.Mode == ieee802154.KeyIDMode1 && m.cfg.Caps&radio.CapTransmitSec != 0
	if m.tx.AckRequest && m.cfg.Caps&radio.CapAckTimeout == 0 {
		m.at = now.Add(ackTimeout)
		if m.tx.TxAt > now {
			m.at = m.tx.TxAt.Add(ackTimeout)
		}
	}
	m.flush(now)
	m.env.Transmit(now, &m.tx, j.after)
}

// RadioSent takes in how a transmission ended. The answer to one that was given up is ignored.
func (m *MAC) RadioSent(now machine.Time, s radio.Sent) {
	if m.phase != sending || s.ID != m.txID {
		return
	}
	m.enter()
	m.retries += s.Retries
	if s.Counter != 0 && m.cfg.Caps&radio.CapTransmitSec != 0 {
		m.cfg.Keys.RaiseMAC(now, s.Counter+1)
	}
	m.attemptDone(now, s.Err, s.Ack)
	m.leave(now)
}

// Expire fires the timers that are due.
func (m *MAC) Expire(now machine.Time) {
	if m.Deadline() > now {
		return
	}
	m.enter()
	if m.at <= now {
		m.at = machine.Never
		switch m.phase {
		case backingOff, retryDelay:
			m.endDelay(now)
		case sending:
			m.attemptDone(now, radio.NoAck, nil)
		case muted:
			err := radio.OK
			if m.cur.frame.AckRequest {
				err = radio.NoAck
			}
			m.submacDone(now, err, nil)
		}
	}
	if m.timer <= now {
		m.timer = machine.Never
		m.fired(now)
	}
	if m.poll.timer <= now {
		m.poll.timer = machine.Never
		m.SendPoll(now)
	}
	if m.csl.timer <= now {
		m.csl.fire(now, m)
	}
	if m.cslT.at <= now && m.op != idle {
		m.cslT.late(now) // begins when the operation under way ends
	}
	m.leave(now)
}

// fired is the operation's own timer (Mac::HandleTimer).
func (m *MAC) fired(now machine.Time) {
	switch m.op {
	case activeScan:
		if !m.nextScanChannel(now) {
			m.op = idle
		}
	case waitData:
		m.op = idle
		m.poll.timedOut(now, m)
	}
}

// attemptDone decides whether a frame is tried again (SubMac::HandleTransmitDone).
func (m *MAC) attemptDone(now machine.Time, err radio.Err, ack *radio.Frame) {
	m.at = machine.Never
	clear := err != radio.ChannelBusy
	if err != radio.Aborted {
		m.recordCCA(clear)
	}
	if !clear && m.cfg.Caps&radio.CapCSMA == 0 && m.backoffs < m.tx.Backoffs {
		m.backoffs++
		m.tx.TxAt = 0
		m.startBackoff(now)
		return
	}
	m.backoffs = 0
	again := err != radio.OK && m.cfg.Caps&radio.CapRetries == 0 && m.retries < m.tx.Retries
	m.recordAttempt(err, again)
	if !again {
		m.submacDone(now, err, ack)
		return
	}
	m.retries++
	m.tx.TxAt = 0
	if err != radio.NoAck {
		m.startBackoff(now)
		return
	}
	m.phase = retryDelay
	be := m.delayBE
	m.delayBE = min(m.delayBE+1, retryMaxBE)
	m.delay(now, be)
}
