package mle

import (
	"math/bits"

	"heddle.example/machine"
)

// announceSender announces our network on the channels of a mask, some rounds of it (OpenThread AnnounceSenderBase).
type announceSender struct {
	mask    uint32
	period  uint32 // ms
	jitter  uint32 // ms
	timer   timer
	left    uint8
	channel uint8
	first   uint8
}

// send begins with a number of rounds, or adds them to those under way.
func (s *announceSender) send(m *MLE, now machine.Time, rounds uint8) {
	if m.timers.running(s.timer) {
		s.left += rounds
		return
	}
	if s.period == 0 || s.mask == 0 {
		return
	}
	if s.first == 0 || s.mask>>s.first&1 == 0 {
		s.first, _ = nextChannel(s.mask, 0)
	}
	s.left, s.channel = rounds, s.first
	m.timers.startMS(s.timer, now, m.randomIn(0, s.jitter+1))
}

// next announces on the next channel.
func (s *announceSender) next(m *MLE, now machine.Time) {
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
	m.timers.startMS(s.timer, now, max(m.jitter(s.period, s.jitter), 1))
}

// AnnounceOn announces our network count times on each channel of a mask, period milliseconds apart: MGMT_ANNOUNCE_BEGIN.
func (m *MLE) AnnounceOn(now machine.Time, mask uint32, count uint8, period uint16) {
	s := &m.announceOn
	if s.mask = mask & m.config.SupportedChannels; s.mask == 0 {
		m.timers.stop(s.timer)
		return
	}
	if s.mask>>s.first&1 == 0 {
		s.first = 0
		if m.timers.running(s.timer) {
			s.first, _ = nextChannel(s.mask, 0)
		}
	}
	s.period = uint32(period)
	s.send(m, now, count)
}

// Times of the announcements that routers make by themselves, so that who missed a change of channel hears of it
// (OpenThread config/announce_sender.h).
const (
	announceInterval   = 688_000 // ms, of one round
	announceRedundancy = 8       // others that announce the same make ours needless
	announceJitter     = 500     // ms
)

// announceLook is a Trickle timer whose interval never changes.
type announceLook struct {
	heard uint8
	rest  uint32 // ms of the interval that follow the look; 0: they have begun
}

// announceRoleChanged starts or stops the announcements by our role.
func (m *MLE) announceRoleChanged(now machine.Time) {
	if m.role.RouterOrLeader() || m.role == Child && m.RouterEligible() && m.mode.RxOn() {
		m.announceLookBegin(now)
		return
	}
	m.timers.stop(timerAnnounceLook)
	m.timers.stop(timerAnnounceOwn)
	m.announceOwn.left = 0
}

func (m *MLE) announceLookBegin(now machine.Time) {
	t := m.randomIn(announceInterval/2, announceInterval)
	m.announceLook = announceLook{rest: announceInterval - t}
	m.timers.startMS(timerAnnounceLook, now, t)
}

func (m *MLE) announceLookTimer(now machine.Time) {
	l := &m.announceLook
	if l.rest == 0 {
		m.announceLookBegin(now)
		return
	}
	m.timers.startMS(timerAnnounceLook, now, l.rest)
	l.rest = 0
	mask, ok := m.env.DatasetChannels()
	if mask &= m.config.SupportedChannels; !ok || mask == 0 || l.heard >= announceRedundancy {
		return
	}
	s := &m.announceOwn
	s.mask, s.first, s.jitter = mask, m.env.Channel(), announceJitter
	s.period = (announceInterval/2 + 1) / uint32(bits.OnesCount32(mask))
	s.send(m, now, 1)
}

// heardSameAnnounce notes that another one announced what we would.
func (m *MLE) heardSameAnnounce() {
	if m.announceLook.heard < 255 {
		m.announceLook.heard++
	}
}
