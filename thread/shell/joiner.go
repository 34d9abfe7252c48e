package shell

import (
	"heddle.example/machine"
	"heddle.example/thread/info"
	"heddle.example/thread/joining"
	"heddle.example/thread/status"
)

// Joining is how the node gets into a network whose key it does not know, and how others get in by it.
type Joining interface {
	JoinerStart(now machine.Time, cause machine.Cause, c joining.JoinerConfig) error
	JoinerStop(now machine.Time, cause machine.Cause)
	JoinerState() joining.State
	JoinerID() [8]byte
	JoinerDiscerner() *joining.Discerner
	SetJoinerDiscerner(*joining.Discerner) error
	JoinerPort() uint16
	SetJoinerPort(now machine.Time, cause machine.Cause, p uint16) error
}

var joinerCommands = []entry{
	{name: "discerner", run: joinerDiscerner},
	{name: "id", run: func(s *Shell, _ args) error {
		id := s.node.JoinerID()
		s.Line("%s", hexOf(id[:]))
		return nil
	}},
	{name: "start", run: func(s *Shell, a args) error {
		if len(a) == 0 {
			return status.InvalidArgs
		}
		return s.node.JoinerStart(s.now, s.cause, joining.JoinerConfig{Password: a[0], ProvisioningURL: a.at(1)})
	}},
	{name: "state", run: func(s *Shell, _ args) error { s.Line("%s", s.node.JoinerState()); return nil }},
	{name: "stop", run: func(s *Shell, _ args) error { s.node.JoinerStop(s.now, s.cause); return nil }},
}

func joiner(s *Shell, a args) error { return s.group(joinerCommands, a) }

func joinerDiscerner(s *Shell, a args) error {
	switch {
	case len(a) == 0:
		d := s.node.JoinerDiscerner()
		if d == nil {
			return status.NotFound
		}
		s.Line("0x%x/%d", d.Value, d.Length)
		return nil
	case a[0] == "clear":
		return s.node.SetJoinerDiscerner(nil)
	}
	d, ok, err := a.discerner(0)
	if err != nil || !ok {
		return status.InvalidArgs
	}
	return s.node.SetJoinerDiscerner(&d)
}

func joinerPort(s *Shell, a args) error {
	return getset(s, a, s.node.JoinerPort, func(p uint16) error { return s.node.SetJoinerPort(s.now, s.cause, p) })
}

// joined prints how the joiner's attempt ended.
func (s *Shell) joined(v *info.JoinerDone) {
	if v.Err == nil {
		s.Line("Join success")
		return
	}
	s.Line("Join failed [%s]", number(v.Err).Name())
	if v.Reason != "" {
		s.Line("~ %s", v.Reason) // ours
	}
}
