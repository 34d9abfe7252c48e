package mle

import "heddle.example/machine"

// announceSender announces our network on the channels of a mask, some rounds of it (OpenThread AnnounceBeginServer).
type announceSender struct {
	mask    uint32
	period  uint16 // ms
	left    uint8
	channel uint8
	first   uint8
}

// AnnounceOn announces our network count times on each channel of a mask, period milliseconds apart: MGMT_ANNOUNCE_BEGIN.
func (m *MLE) AnnounceOn(now machine.Time, mask uint32, count uint8, period uint16) {
	s := &m.announceOn
	s.mask = mask & m.config.SupportedChannels
	s.period = period
	if s.mask == 0 {
		m.timers.stop(timerAnnounceSend)
		return
	}
	if s.first == 0 || s.mask>>s.first&1 == 0 {
		s.first, _ = nextChannel(s.mask, 0)
	}
	if m.timers.running(timerAnnounceSend) {
		s.left += count
		return
	}
	if period == 0 {
		return
	}
	s.left, s.channel = count, s.first
	m.timers.startAt(timerAnnounceSend, now)
}

func (m *MLE) announceSendTimer(now machine.Time) {
	s := &m.announceOn
	m.SendAnnounce(now, s.channel)
	next, ok := nextChannel(s.mask, s.channel)
	if !ok {
		next, _ = nextChannel(s.mask, 0)
	}
	if s.channel = next; next == s.first && s.left != 0 {
		if s.left--; s.left == 0 {
			return
		}
	}
	m.timers.startMS(timerAnnounceSend, now, uint32(s.period))
}
