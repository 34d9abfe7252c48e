package shell

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/info"
	"heddle.example/thread/ip6"
	"heddle.example/thread/joining"
	"heddle.example/thread/status"
)

// ExternalCommissioning is how the node commissions a network by way of its border agent.
type ExternalCommissioning interface {
	ConnectAgent(now machine.Time, cause machine.Cause, to ip6.Address, port uint16, password []byte) error
	ExternalCommissioner() *joining.External
}

// externalCommands are no commands of OpenThread's.
var externalCommands = []entry{
	{name: "connect", run: externalConnect},
	{name: "dataset", run: externalDataset},
	{name: "disconnect", run: external(func(s *Shell, x *joining.External, _ args) error { x.Close(s.now); return nil })},
	{name: "joiner", run: external(externalJoiner)},
	{name: "start", run: external(func(s *Shell, x *joining.External, a args) error {
		if a.has(0) {
			if err := x.Commissioner.SetName(a[0]); err != nil {
				return err
			}
		}
		return x.Commissioner.Start(s.now)
	})},
	{name: "state", run: externalState},
	{name: "stop", run: external(func(s *Shell, x *joining.External, _ args) error { return x.Commissioner.Stop(s.now) })},
}

func externalCommand(s *Shell, a args) error { return s.group(externalCommands, a) }

// external runs a command for a commissioner with a session.
func external(run func(s *Shell, x *joining.External, a args) error) handler {
	return func(s *Shell, a args) error {
		x := s.node.ExternalCommissioner()
		if x == nil || !x.Connected() {
			return status.InvalidState
		}
		return s.do(func() error { return run(s, x, a) })
	}
}

// externalConnect takes an address, a port, and the PSKc in 32 digits or an ephemeral key.
func externalConnect(s *Shell, a args) error {
	to, err := a.ip(0)
	if err != nil {
		return err
	}
	port, err := a.u16(1)
	if err != nil || len(a.at(2)) < 6 {
		return status.InvalidArgs
	}
	password := []byte(a[2])
	if len(password) == 32 {
		if password, err = a.hex(2, 16); err != nil {
			return err
		}
	}
	return s.node.ConnectAgent(s.now, s.cause, to, port, password)
}

func externalState(s *Shell, _ args) error {
	switch x := s.node.ExternalCommissioner(); {
	case x == nil || !x.Connected():
		s.Line("disconnected")
	case x.Commissioner.State() == joining.CommissionerDisabled:
		s.Line("connected")
	default:
		s.Line("%s", x.Commissioner.State())
	}
	return nil
}

func externalJoiner(s *Shell, x *joining.External, a args) error {
	if len(a) < 2 {
		return status.InvalidArgs
	}
	e, err := a.joiner(1)
	switch {
	case err != nil:
		return err
	case a[0] == "remove":
		return x.Commissioner.RemoveJoiner(s.now, e)
	case a[0] != "add" || len(a) == 2:
		return status.InvalidArgs
	}
	seconds := uint32(joinerTime)
	if a.has(3) {
		if seconds, err = a.u32(3); err != nil {
			return err
		}
	}
	e.Password = a[2]
	return x.Commissioner.AddJoiner(s.now, e, time.Duration(seconds)*time.Second)
}

// externalDataset shows the network's dataset as TLVs, once the border agent has answered.
func externalDataset(s *Shell, a args) error {
	if !a.is(0, "active") && !a.is(0, "pending") {
		return status.InvalidArgs
	}
	x := s.node.ExternalCommissioner()
	if x == nil || !x.Connected() {
		return status.InvalidState
	}
	s.wait(40_000, status.ResponseTimeout)
	err := s.do(func() error {
		x.Dataset(s.now, a[0] == "pending", func(now machine.Time, tlvs []byte, err error) {
			if s.now = now; err != nil {
				s.finish(status.Failed)
				return
			}
			s.Line("%s", hexOf(tlvs))
			s.finish(nil)
		})
		return nil
	})
	if err != nil {
		return err
	}
	return errPending
}

// agentSession prints that the session with a border agent is there, or why it has ended.
func (s *Shell) agentSession(v *info.AgentSession) {
	switch {
	case v.Connected:
		s.Line("extcommissioner connected")
	case v.Reason != nil:
		s.Line("extcommissioner disconnected: %v", v.Reason)
	default:
		s.Line("extcommissioner disconnected")
	}
}
