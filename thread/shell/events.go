package shell

import (
	"heddle.example/machine"
	"heddle.example/thread"
)

// begin makes an operation of the node the pending command, or passes on why it did not begin.
func (s *Shell) begin(op machine.OpID, err error) error {
	if err != nil {
		return err
	}
	s.op = op
	return pendingErr
}

// Observe takes in an action of the node: it prints what the user wants to see of it.
func (s *Shell) Observe(now machine.Time, a machine.Action) {
	s.now = now
	mine := a.Op != 0 && a.Op == s.op && s.pending
	switch v := a.Value.(type) {
	case *thread.PingReply:
		if a.Op == s.pings {
			s.pingReply(v)
		}
	case *thread.PingStatistics:
		if a.Op == s.pings {
			s.pings = 0
			s.pingStatistics(v)
		}
		if mine {
			s.end(nil)
		}
	case *thread.Datagram:
		s.datagram(v)
	default:
		s.observe(a, mine)
	}
}

// end finishes the pending operation.
func (s *Shell) end(err error) {
	s.op = 0
	s.finish(err)
}
