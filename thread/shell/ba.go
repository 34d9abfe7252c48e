package shell

import (
	"strings"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/borderagent"
	"heddle.example/thread/info"
	"heddle.example/thread/status"
)

// BorderAgent is the door for commissioners that are not in the mesh.
type BorderAgent interface {
	BorderAgent() *borderagent.Agent
	BorderAgentID(now machine.Time) [16]byte
	SetBorderAgentID(now machine.Time, id [16]byte)
	StartEphemeralKey(now machine.Time, cause machine.Cause, key string, timeout time.Duration, port uint16) error
	EvictCommissioner(now machine.Time, cause machine.Cause) error
}

var baCommands []entry

func init() {
	baCommands = []entry{
		{name: "counters", run: baCounters},
		{name: "disable", run: baEnable(false)},
		{name: "enable", run: baEnable(true)},
		{name: "ephemeralkey", run: ephemeralKey},
		{name: "evictcommissioner", run: func(s *Shell, a args) error {
			if len(a) > 0 {
				return status.InvalidArgs
			}
			return s.node.EvictCommissioner(s.now, s.cause)
		}},
		{name: "id", run: baID},
		{name: "port", run: func(s *Shell, _ args) error { s.Line("%d", s.node.BorderAgent().Port()); return nil }},
		{name: "sessions", run: baSessions},
		{name: "state", run: baState},
	}
}

func ba(s *Shell, a args) error { return s.group(baCommands, a) }

func baEnable(on bool) handler {
	return func(s *Shell, _ args) error {
		return s.do(func() error { s.node.BorderAgent().SetEnabled(s.now, on); return nil })
	}
}

func baState(s *Shell, _ args) error {
	switch b := s.node.BorderAgent(); {
	case !b.Enabled():
		s.Line("Disabled")
	case b.Running():
		s.Line("Active")
	default:
		s.Line("Inactive")
	}
	return nil
}

func baID(s *Shell, a args) error {
	if len(a) == 0 {
		id := s.node.BorderAgentID(s.now)
		s.Line("%s", hexOf(id[:]))
		return nil
	}
	var id [16]byte
	if err := a.hexInto(0, id[:]); err != nil {
		return err
	}
	s.node.SetBorderAgentID(s.now, id)
	return nil
}

func baSessions(s *Shell, _ args) error {
	for _, v := range s.node.BorderAgent().Sessions(s.now) {
		s.Line("[%s]:%d connected:%s commissioner:%s lifetime:%d", v.Peer, v.Port, yesNo(v.Connected), yesNo(v.Commissioner), v.Age.Milliseconds())
	}
	return nil
}

func baCounters(s *Shell, _ args) error {
	c := &s.node.BorderAgent().Counters
	for _, l := range []struct {
		name  string
		value uint32
	}{
		{"epskcActivation", c.KeyActivations}, {"epskcApiDeactivation", c.KeyClears},
		{"epskcTimeoutDeactivation", c.KeyTimeouts}, {"epskcMaxAttemptDeactivation", c.KeyMaxAttempts},
		{"epskcDisconnectDeactivation", c.KeyDisconnects}, {"epskcInvalidBaStateError", c.KeyInvalidStates},
		{"epskcInvalidArgsError", c.KeyInvalidArgs}, {"epskcStartSecureSessionError", c.KeyStartErrors},
		{"epskcSecureSessionSuccess", c.KeySessions}, {"epskcSecureSessionFailure", c.KeyFailures},
		{"epskcCommissionerPetition", c.KeyPetitions}, {"pskcSecureSessionSuccess", c.PSKcSessions},
		{"pskcSecureSessionFailure", c.PSKcFailures}, {"pskcCommissionerPetition", c.PSKcPetitions},
		{"mgmtActiveGet", c.ActiveGets}, {"mgmtPendingGet", c.PendingGets},
	} {
		s.Line("%s: %d", l.name, l.value)
	}
	return nil
}

// ephemeralKey shows or changes how far the use of an ephemeral key is.
func ephemeralKey(s *Shell, a args) error {
	b := s.node.BorderAgent()
	switch a.at(0) {
	case "":
		s.Line("%s", b.KeyState())
	case "enable", "disable":
		return s.do(func() error { b.SetKeyEnabled(s.now, a[0] == "enable"); return nil })
	case "start":
		return ephemeralKeyStart(s, a[1:])
	case "stop":
		return s.do(func() error { b.StopKey(s.now); return nil })
	case "port":
		s.Line("%d", b.KeyPort())
	case "callback":
		on, err := a.enable(1)
		if err == nil {
			s.tellKey = on
		}
		return err
	case "generate-tap":
		digits := []byte("00000000")
		for i := range digits {
			for v := byte(250); ; {
				if v = byte(s.node.Random()); v < 250 { // all digits alike
					digits[i] = '0' + v%10
					break
				}
			}
		}
		s.Line("%s%d", digits, verhoeffDigit(string(digits)))
	case "validate-tap":
		if len(a.at(1)) != 9 || strings.Trim(a[1], "0123456789") != "" {
			return status.InvalidArgs
		}
		if verhoeffDigit(a[1][:8]) != a[1][8]-'0' {
			return status.Failed
		}
		s.Line("validated")
	default:
		return status.InvalidArgs
	}
	return nil
}

func ephemeralKeyStart(s *Shell, a args) error {
	var timeout uint32
	var port uint16
	var err error
	if len(a) == 0 {
		return status.InvalidArgs
	}
	if a.has(1) {
		if timeout, err = a.u32(1); err != nil {
			return err
		}
	}
	if a.has(2) {
		if port, err = a.u16(2); err != nil {
			return err
		}
	}
	return s.node.StartEphemeralKey(s.now, s.cause, a[0], time.Duration(timeout)*time.Millisecond, port)
}

// ephemeralKeyChanged prints the state of an ephemeral key, where the user asked for that.
func (s *Shell) ephemeralKeyChanged(v *info.EphemeralKeyState) {
	if s.tellKey {
		s.Line("BorderAgentEphemeralKey callback - state:%s", v.State)
	}
}
