package shell

import (
	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/machine"
	"heddle.example/thread"
	"heddle.example/thread/info"
	"heddle.example/thread/status"
)

var coapsCommands = []entry{
	{name: "connect", run: coapsConnect},
	{name: "delete", run: coapsAsks(coap.DELETE)},
	{name: "disconnect", run: coapsDisconnect},
	{name: "get", run: coapsAsks(coap.GET)},
	{name: "isclosed", run: coapsIs(func(s *Shell) bool { return !s.node.CoAPSOpen() })},
	{name: "isconnactive", run: coapsIs(func(s *Shell) bool { return s.node.CoAPSActive() })},
	{name: "isconnected", run: coapsIs(func(s *Shell) bool { return s.node.CoAPSConnected() })},
	{name: "post", run: coapsAsks(coap.POST)},
	{name: "psk", run: coapsPSK},
	{name: "put", run: coapsAsks(coap.PUT)},
	{name: "resource", run: func(s *Shell, a args) error { return s.coaps.resource(s, a) }},
	{name: "set", run: coapsSet},
	{name: "start", run: coapsStart},
	{name: "stop", run: coapsStop},
	{name: "x509", run: coapsX509},
}

func coapsCommand(s *Shell, a args) error { return s.coapGroup(coapsCommands, a) }

func coapsIs(is func(s *Shell) bool) handler {
	return func(s *Shell, a args) error {
		if len(a) > 0 {
			return status.InvalidArgs
		}
		s.Line("%s", yesNo(is(s)))
		return nil
	}
}

func coapsPSK(s *Shell, a args) error {
	if !a.has(1) {
		return status.InvalidArgs
	}
	return s.node.SetCoAPSKey(thread.CoAPSKey{PSK: []byte(a[0]), Identity: []byte(a[1])})
}

// coapsX509 has the next session use certificates. What stands behind it is passed over.
func coapsX509(s *Shell, _ args) error {
	own, roots := s.cfg.Certificate, s.cfg.Roots
	if own == nil {
		var err error
		if own, roots, err = testCertificate(); err != nil {
			return status.Failed
		}
	}
	return s.node.SetCoAPSKey(thread.CoAPSKey{Certificate: own, Roots: roots})
}

// coapsStart takes whether to check the peer's certificate, or how often somebody may try to connect.
func coapsStart(s *Shell, a args) error {
	var attempts uint16
	if a.has(0) && a[0] != "true" && a[0] != "false" {
		var err error
		if attempts, err = a.u16(0); err != nil {
			return err
		}
	}
	return s.node.StartCoAPS(s.now, s.cause, s.coaps.config(), attempts, a.at(0) != "false")
}

// coapsStop leaves the resource where it is, as OpenThread does, which takes it away from coap only.
func coapsStop(s *Shell, _ args) error {
	if s.node.CoAPSActive() {
		s.coaps.stopping = true
		s.node.DisconnectCoAPS(s.now, s.cause)
		return nil
	}
	s.coaps.forget()
	s.node.StopCoAPS(s.now, s.cause)
	return nil
}

func coapsConnect(s *Shell, a args) error {
	to, err := a.ip(0)
	if err != nil {
		return err
	}
	port := uint16(5684)
	if a.has(1) {
		if port, err = a.u16(1); err != nil {
			return err
		}
	}
	return s.node.ConnectCoAPS(s.now, s.cause, to, port)
}

func coapsDisconnect(s *Shell, _ args) error {
	s.node.DisconnectCoAPS(s.now, s.cause)
	return nil
}

func coapsSet(s *Shell, a args) error {
	_, err := s.coaps.set(s, a)
	return err
}

func coapsAsks(code coap.Code) handler {
	return func(s *Shell, a args) error {
		r, err := s.coaps.parse(code, false, a)
		if err != nil {
			return err
		}
		var path machine.Path
		if err := s.node.CoAPS(s.now, s.cause, func(_ *endpoint.Endpoint, p machine.Path) { path = p }); err != nil {
			return err
		}
		return s.coaps.ask(s, path, &r)
	}
}

// secureSession prints that the session of coaps has begun or ended.
func (s *Shell) secureSession(v *info.SecureSession) {
	if v.Connected {
		s.Line("coaps connected")
		return
	}
	s.Line("coaps disconnected")
	s.coaps.forget()
	if s.coaps.stopping {
		s.coaps.stopping = false
		s.node.StopCoAPS(s.now, s.cause)
	}
}
