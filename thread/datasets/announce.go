package datasets

import (
	"encoding/binary"
	"math/bits"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/status"
	"heddle.example/thread/tlv"
)

// announcer sends announcements on channels, one after the other, as a commissioner asked (OpenThread announce_sender.cpp).
type announcer struct {
	mask   uint32
	count  uint8
	period time.Duration
	first  uint8
	at     uint8
	next   machine.Time
}

func (m *Manager) serveAnnounce(now machine.Time, _ ip6.Address, request, dst []byte) ([]byte, bool) {
	mask, ok := meshcop.FindMask(request)
	count, ok2 := tlv.Find(request, meshcop.Count)
	period, ok3 := tlv.Uint16(request, meshcop.Period)
	if !ok || !ok2 || len(count) < 1 || !ok3 {
		return dst, false
	}
	m.SendAnnounces(now, mask, count[0], time.Duration(period)*time.Millisecond)
	return dst, true
}

// SendAnnounces announces the active dataset count times on each channel; 0 is without an end. No channel stops it, and no
// period is no request: announcements without a pause are not to be had.
func (m *Manager) SendAnnounces(now machine.Time, mask uint32, count uint8, period time.Duration) {
	a := &m.announcer
	if mask &= m.channels; mask == 0 {
		a.mask, a.next = 0, machine.Never
		return
	}
	if period <= 0 {
		return
	}
	a.mask, a.period = mask, period
	if a.next != machine.Never {
		a.count = uint8(min(int(a.count)+int(count), 255))
		return
	}
	a.first = uint8(bits.TrailingZeros32(a.mask))
	a.count, a.at, a.next = count, a.first, now
}

func (m *Manager) expireAnnouncer(now machine.Time) {
	a := &m.announcer
	if a.next > now {
		return
	}
	channel := a.at
	if later := a.mask >> (a.at + 1) << (a.at + 1); later != 0 {
		a.at = uint8(bits.TrailingZeros32(later))
	} else {
		a.at = uint8(bits.TrailingZeros32(a.mask))
	}
	a.next = now.Add(a.period)
	if a.at <= channel && a.count != 0 { // a round is over
		if a.count--; a.count == 0 {
			a.next = machine.Never
		}
	}
	m.env.Announce(now, channel)
}

// AnnounceBegin asks a node to announce the active dataset (MGMT_ANNOUNCE_BEGIN). Only a commissioner may.
func (m *Manager) AnnounceBegin(now machine.Time, mask uint32, count uint8, period uint16, to ip6.Address) error {
	b, err := m.commissionerRequest(mask)
	if err == nil {
		b = binary.BigEndian.AppendUint16(append(b, meshcop.Count, 1, count, meshcop.Period, 2), period)
		m.env.Post(now, to, "c/ab", b, nil)
	}
	return err
}

// commissionerRequest begins a commissioner's request to a node: its session and a channel mask.
func (m *Manager) commissionerRequest(mask uint32) ([]byte, error) {
	s, active := m.env.Commissioner()
	if !active {
		return nil, status.InvalidState
	}
	return meshcop.AppendMask(binary.BigEndian.AppendUint16([]byte{meshcop.CommissionerSession, 2}, s), mask), nil
}
