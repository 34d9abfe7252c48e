package shell

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/backbone"
	"heddle.example/thread/info"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
)

// Backbone is the node as a backbone router, and what it knows of others.
type Backbone interface {
	Backbone() *backbone.Local
	BackboneListeners() *backbone.Listeners
	BackbonePrimary() backbone.Primary
	RegisterListeners(now machine.Time, cause machine.Cause, groups []ip6.Address, timeout *uint32) (machine.OpID, error)
}

var bbrCommands = []entry{
	{name: "config", run: bbrConfig},
	{name: "disable", run: bbrEnable(false)},
	{name: "enable", run: bbrEnable(true)},
	{name: "jitter", run: func(s *Shell, a args) error {
		l := s.node.Backbone()
		return getset(s, a, l.Jitter, func(j uint8) error { l.SetJitter(j); return nil })
	}},
	{name: "mgmt", run: bbrManage},
	{name: "register", run: func(s *Shell, _ args) error {
		return s.do(func() error { return s.node.Backbone().Register(s.now) })
	}},
	{name: "state", run: func(s *Shell, _ args) error { s.Line("%s", s.node.Backbone().State()); return nil }},
}

func bbr(s *Shell, a args) error {
	if len(a) == 0 {
		p := s.node.BackbonePrimary()
		if p.Server == backbone.NoServer {
			s.Line("BBR Primary: None")
			return nil
		}
		s.Line("BBR Primary:")
		s.Line("server16: 0x%04X", p.Server)
		s.bbrConfig(&p.Config)
		return nil
	}
	if run := s.find(bbrCommands, a[0]); run != nil && s.node.FTD() {
		return run(s, a[1:])
	}
	return status.InvalidCommand
}

func (s *Shell) bbrConfig(c *backbone.Config) {
	s.Line("seqno:    %d", c.Sequence)
	s.Line("delay:    %d secs", c.Delay/time.Second)
	s.Line("timeout:  %d secs", c.Timeout/time.Second)
}

func bbrConfig(s *Shell, a args) error {
	c := s.node.Backbone().Config()
	if len(a) == 0 {
		s.bbrConfig(&c)
		return nil
	}
	for i := 0; i < len(a); i += 2 {
		switch a[i] {
		case "seqno":
			v, err := a.u8(i + 1)
			if err != nil {
				return err
			}
			c.Sequence = v
		case "delay":
			v, err := a.u16(i + 1)
			if err != nil {
				return err
			}
			c.Delay = time.Duration(v) * time.Second
		case "timeout":
			v, err := a.u32(i + 1)
			if err != nil {
				return err
			}
			c.Timeout = time.Duration(v) * time.Second
		default:
			return status.InvalidArgs
		}
	}
	return s.do(func() error { return s.node.Backbone().SetConfig(s.now, c) })
}

func bbrEnable(on bool) handler {
	return func(s *Shell, _ args) error {
		return s.do(func() error { s.node.Backbone().SetEnabled(s.now, on); return nil })
	}
}

// bbrManage shows and changes the groups that the mesh listens to.
func bbrManage(s *Shell, a args) error {
	l := s.node.BackboneListeners()
	switch {
	case a.is(0, "dua"):
		_, err := a.u8(1)
		if err == nil && a.has(2) {
			_, err = a.ext(2)
		}
		if err == nil && a.has(3) {
			err = status.InvalidArgs
		}
		return err // there are no registrations of domain unicast addresses
	case a.is(0, "mlr") && a.is(1, "response"):
		v, err := a.u8(2)
		if err == nil {
			l.Answer(backbone.Status(v))
		}
		return err
	case !a.is(0, "mlr") || !a.is(1, "listener"):
		return status.InvalidCommand
	case len(a) == 2:
		for _, x := range l.All(s.now) {
			s.Line("%s %d", x.Group, x.Until.Sub(s.now)/time.Second)
		}
		return nil
	case a.is(2, "clear"):
		l.Clear()
		return nil
	case a.is(2, "add"):
		g, err := a.ip(3)
		if err != nil {
			return err
		}
		c := s.node.Backbone().Config()
		timeout := c.Timeout
		if a.has(4) {
			v, err := a.u32(4)
			if err != nil {
				return err
			}
			timeout = time.Duration(v) * time.Second
		}
		switch l.Add(s.now, g, timeout) {
		case backbone.Invalid:
			return status.InvalidArgs
		case backbone.NoResources:
			return status.NoBufs
		}
		return nil
	}
	return status.InvalidCommand
}

// mlr registers groups at the primary backbone router.
func mlr(s *Shell, a args) error {
	if !a.is(0, "reg") {
		return status.InvalidCommand
	}
	a = a[1:]
	var groups []ip6.Address
	for len(a) > 0 && len(groups) < backbone.MaxAddresses {
		g, err := a.ip(0)
		if err != nil {
			break
		}
		groups, a = append(groups, g), a[1:]
	}
	var timeout *uint32
	if v, err := a.u32(0); err == nil {
		timeout, a = &v, a[1:]
	}
	if len(a) > 0 || len(groups) == 0 {
		return status.InvalidArgs
	}
	return s.begin(s.node.RegisterListeners(s.now, s.cause, groups, timeout))
}

func (s *Shell) listenersRegistered(v *info.Listeners) {
	if v.Err == nil {
		s.Line("status %d, %d failed", v.Status, len(v.Failed))
		for _, g := range v.Failed {
			s.Line("%s", g)
		}
	}
	s.end(v.Err)
}
