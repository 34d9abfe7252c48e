package shell

import (
	"strconv"

	"heddle.example/machine"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/status"
)

// managerState is the channel manager: it moves the network to another channel through a pending dataset
// (utils/channel_manager.cpp). Automatic selection is only remembered: the channel monitor is for people to look at.
type managerState struct {
	requested          uint8
	auto, autoCSL      bool
	delay              uint16 // seconds; 0: the profile's
	interval           uint32 // seconds; 0: the default
	supported, favored uint32
	threshold          uint16 // 0: the default
	at                 machine.Time
	changing           machine.OpID
}

// The channel manager's numbers.
const (
	managerInterval  = 3 * 60 * 60
	managerThreshold = 0x23d6 // 14 %
	managerJitter    = 10000  // ms before a request begins
	managerRetry     = 20000  // ms after one that was busy
)

func (s *Shell) managerDelayMin() uint16 {
	return uint16(s.node.Profile().ChannelManagerDelay.Seconds())
}

func (s *Shell) managerDelay() uint16 {
	if s.manager.delay == 0 {
		return s.managerDelayMin()
	}
	return s.manager.delay
}

func channelManager(s *Shell, a args) error {
	m := &s.manager
	switch a.at(0) {
	case "":
		s.Line("channel: %d", m.requested)
		if s.node.FTD() {
			s.Line("auto: %d", digit(m.auto))
		}
		if m.auto || m.autoCSL {
			if s.node.FTD() {
				s.Line("delay: %d", s.managerDelay())
			}
			s.Line("interval: %d", orDefault(m.interval, managerInterval))
			s.Line("cca threshold: 0x%04x", orDefault(m.threshold, managerThreshold))
			s.Line("supported: %s", channels(m.supported))
			s.Line("favored: %s", channels(m.favored))
		}
		return nil
	case "change":
		return set(a[1:], always(s.requestChannel))
	case "select":
		_, err := a.bool(1)
		if err == nil {
			err = status.InvalidState // nothing was measured
		}
		return err
	case "auto":
		on, err := a.bool(1)
		if err == nil {
			m.auto = on
		}
		return err
	case "delay":
		return getset(s, a[1:], s.managerDelay, func(sec uint16) error {
			if sec < s.managerDelayMin() {
				return status.InvalidArgs
			}
			m.delay = sec
			return nil
		})
	case "interval":
		return set(a[1:], func(sec uint32) error {
			if sec == 0 || sec > 0x7fffffff/1000 {
				return status.InvalidArgs
			}
			m.interval = sec
			return nil
		})
	case "supported":
		return set(a[1:], always(func(mask uint32) { m.supported = s.have(mask) }))
	case "favored":
		return set(a[1:], always(func(mask uint32) { m.favored = s.have(mask) }))
	case "threshold":
		return set(a[1:], always(func(v uint16) { m.threshold = v }))
	}
	return status.InvalidArgs
}

func (s *Shell) have(mask uint32) uint32 {
	supported, _ := s.node.ChannelMasks()
	return mask & supported
}

func orDefault[T uint16 | uint32](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}

// channels prints a mask as { 11-14, 16 }.
func channels(mask uint32) string {
	t, comma := "{", " "
	for c := 0; c < 32; c++ {
		if mask>>c&1 == 0 {
			continue
		}
		end := c
		for end < 31 && mask>>(end+1)&1 != 0 {
			end++
		}
		t += comma + strconv.Itoa(c)
		comma = ", "
		switch {
		case end == c+1:
			t += ", " + strconv.Itoa(end)
		case end > c:
			t += "-" + strconv.Itoa(end)
		}
		c = end
	}
	return t + " }"
}

func (s *Shell) requestChannel(c uint8) {
	if c == s.node.Channel() || s.manager.changing != 0 && c == s.manager.requested {
		return
	}
	s.manager.requested = c
	s.manager.at = s.now.Add(msec(1 + int64(s.node.Random()%managerJitter)))
}

// managerDue begins the change that was asked for.
func (s *Shell) managerDue() {
	m := &s.manager
	m.at = machine.Never
	n := meshcop.Info{Has: meshcop.HasChannel | meshcop.HasDelay, Channel: uint16(m.requested), Delay: uint32(s.managerDelay()) * 1000}
	d, err := n.Dataset()
	if err != nil {
		return
	}
	op, err := s.node.RequestUpdate(s.now, 0, d)
	switch {
	case err == nil:
		m.changing = op
	case number(err) == status.Busy:
		m.at = s.now.Add(msec(managerRetry))
	}
}
