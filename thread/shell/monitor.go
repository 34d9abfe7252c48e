package shell

import (
	"heddle.example/machine"
	"heddle.example/thread/info"
	"heddle.example/thread/status"
)

// ChannelMonitor counts how often each channel is busy.
type ChannelMonitor interface {
	ChannelMonitor() *info.ChannelMonitor
	SetChannelMonitor(now machine.Time, on bool) error
}

func channelMonitor(s *Shell, a args) error {
	switch a.at(0) {
	case "start", "stop":
		return s.node.SetChannelMonitor(s.now, a[0] == "start")
	case "":
	default:
		return status.InvalidArgs
	}
	m := s.node.ChannelMonitor()
	s.Line("enabled: %d", digit(m != nil))
	if m == nil {
		return nil
	}
	s.Line("interval: %d", m.IntervalMS)
	s.Line("threshold: %d", m.Threshold)
	s.Line("window: %d", m.Window)
	s.Line("count: %d", m.Count)
	s.Line("occupancies:")
	for i, o := range m.Occupancy {
		s.Line("ch %d (0x%04x) %6s%% busy", 11+i, o, percent(o))
	}
	s.Line("")
	return nil
}
