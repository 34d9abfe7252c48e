package shell

import "heddle.example/thread/status"

// coexMetrics are the names of the counters, which OpenThread's simulated radio gives the values 1 to 18.
var coexMetrics = [...]string{"Request", "Grant Immediate", "Grant Wait", "Grant Wait Activated", "Grant Wait Timeout",
	"Grant Deactivated During Request", "Delayed Grant", "Average Request To Grant Time", "Grant None"}

// coex is coexistence with other radios of a board; a simulated one has none, and answers as OpenThread's does.
func coex(s *Shell, a args) error {
	switch a.at(0) {
	case "":
		s.enabled(!s.noCoex)
	case "enable", "disable":
		s.noCoex = a[0] == "disable"
	case "metrics":
		s.Line("Stopped: false")
		s.Line("Grant Glitch: 1")
		value := 2
		for _, part := range [...]struct {
			title string
			names []string
		}{{"Transmit metrics", coexMetrics[:8]}, {"Receive metrics", coexMetrics[:]}} {
			s.Line("%s", part.title)
			for _, n := range part.names {
				s.Line(indent+"%s: %d", n, value)
				value++
			}
		}
	default:
		return status.InvalidArgs
	}
	return nil
}
