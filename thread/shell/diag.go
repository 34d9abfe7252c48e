package shell

import (
	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
)

// Diagnostics is the management of other nodes.
type Diagnostics interface {
	DiagnosticGet(now machine.Time, cause machine.Cause, dst ip6.Address, types []byte) error
	DiagnosticReset(now machine.Time, cause machine.Cause, dst ip6.Address, types []byte) error
	NonPreferredChannels() uint32
	SetNonPreferredChannels(mask uint32)
}

// How long a diagnostic answer is waited for, and how many TLVs one asks for (cli.hpp).
const (
	diagWait     = 5000
	maxDiagTypes = 35
)

func networkDiagnostic(s *Shell, a args) error {
	if a.is(0, "nonpreferredchannels") {
		if len(a) == 1 {
			s.Line("0x%x", s.node.NonPreferredChannels())
			return nil
		}
		return set(a[1:], always(s.node.SetNonPreferredChannels))
	}
	dst, err := a.ip(1)
	if err != nil {
		return err
	}
	var types []byte
	for i := 2; i < len(a); i++ {
		t, err := a.u8(i)
		if len(types) == maxDiagTypes {
			err = status.InvalidArgs
		}
		if err != nil {
			return err
		}
		types = append(types, t)
	}
	switch a[0] {
	case "get":
		if !s.node.IsUp() {
			return status.InvalidState
		}
		if err := s.node.DiagnosticGet(s.now, s.cause, dst, types); err != nil {
			return err
		}
		s.wait(diagWait, nil)
		s.diagnosing = true
		return errPending
	case "reset":
		_ = s.node.DiagnosticReset(s.now, s.cause, dst, types) // nobody asks how it went
		return nil
	}
	return status.InvalidCommand
}
