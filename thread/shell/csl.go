package shell

import "heddle.example/thread/status"

// Of a simulated radio's clock (radio.c of the simulation platform; src/core/radio/radio_platform.cpp).
const (
	cslAccuracy    = 0   // ppm
	cslUncertainty = 255 // units of 10 us: not said
)

func csl(s *Shell, a args) error {
	if len(a) == 0 {
		channel, period, timeout := s.node.CSL()
		s.Line("channel: %d", channel)
		s.Line("period: %dus", period)
		s.Line("timeout: %ds", timeout)
		return nil
	}
	switch a[0] {
	case "accuracy":
		s.Line("%d", cslAccuracy)
		return nil
	case "uncertainty":
		s.Line("%d", cslUncertainty)
		return nil
	case "channel":
		return set(a[1:], at(s, s.node.SetCSLChannel))
	case "period":
		return set(a[1:], at(s, s.node.SetCSLPeriod))
	case "timeout":
		return set(a[1:], at(s, s.node.SetCSLTimeout))
	}
	return status.InvalidArgs
}
