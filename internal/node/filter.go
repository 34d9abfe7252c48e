package node

import (
	"strconv"

	"heddle.example/host/radio"
	"heddle.example/thread/shell"
	"heddle.example/thread/status"
)

// nodeIDFilter is the simulated radio's own command: whom it hears, by their numbers
// (examples/platforms/simulation/radio.c). Newer scripts say deny-list and allow-list, with several numbers.
func (p *program) nodeIDFilter(s *shell.Shell, a []string) error {
	nodes := p.control.Nodes()
	if nodes == nil {
		return status.NotImplemented // in virtual time the simulator decides
	}
	if len(a) == 0 {
		mode, list := nodes.Get()
		s.Printf("%s", mode)
		for _, n := range list {
			s.Printf(" %d", n)
		}
		s.Line("")
		return nil
	}
	mode := radio.FilterDeny
	several := false
	switch a[0] {
	case "clear", "off":
		if len(a) != 1 {
			return status.InvalidArgs
		}
		nodes.Clear()
		return nil
	case "allow":
		mode = radio.FilterAllow
	case "deny":
	case "allow-list":
		mode, several = radio.FilterAllow, true
	case "deny-list":
		several = true
	default:
		return status.InvalidCommand
	}
	if len(a) < 2 || len(a) > 2 && !several {
		return status.InvalidArgs
	}
	for _, w := range a[1:] {
		n, err := strconv.ParseUint(w, 0, 16)
		switch {
		case err != nil || n < 1 || n > MaxID:
			return status.InvalidArgs
		case !nodes.Add(mode, int(n)):
			return status.InvalidState
		}
	}
	return nil
}
