package shell

import (
	"heddle.example/machine"
	"heddle.example/thread"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
)

// UDP is the node's sockets; the shell has one.
type UDP interface {
	HasAddress(ip6.Address) bool
	OpenUDP() (thread.SocketID, error)
	BindUDP(id thread.SocketID, addr ip6.Address, port uint16) error
	ConnectUDP(id thread.SocketID, peer ip6.Address, port uint16) error
	CloseUDP(id thread.SocketID) error
	SendUDP(now machine.Time, cause machine.Cause, id thread.SocketID, m thread.UDPMessage) error
	UDPSockets() []thread.SocketID
	UDPAddress(id thread.SocketID) (local ip6.Address, localPort uint16, peer ip6.Address, peerPort uint16, ok bool)
}

type udpState struct {
	socket thread.SocketID // 0: closed
	secure bool
}

var udpCommands = []entry{
	{name: "bind", run: udpBind},
	{name: "close", run: udpClose},
	{name: "connect", run: udpConnect},
	{name: "linksecurity", run: udpLinkSecurity},
	{name: "open", run: udpOpen},
	{name: "send", run: udpSend},
}

func udp(s *Shell, a args) error { return s.group(udpCommands, a) }

func udpOpen(s *Shell, _ args) error {
	if s.socket != 0 {
		return status.Already
	}
	id, err := s.node.OpenUDP()
	s.socket = id
	return err
}

func udpClose(s *Shell, _ args) error {
	if s.socket == 0 {
		return nil
	}
	id := s.socket
	s.socket = 0
	return s.node.CloseUDP(id)
}

func udpBind(s *Shell, a args) error {
	switch a.at(0) {
	case "-u", "-b", "-h": // which interface: there is only one
		a = a[1:]
	}
	ip, port, err := socketAddress(a)
	if err != nil {
		return err
	}
	if s.socket == 0 { // OpenThread takes it, and open begins anew
		if !ip.IsUnspecified() && !s.node.HasAddress(ip) {
			return status.InvalidArgs
		}
		return nil
	}
	return s.node.BindUDP(s.socket, ip, port)
}

func socketAddress(a args) (ip ip6.Address, port uint16, err error) {
	if ip, err = a.ip(0); err == nil {
		port, err = a.u16(1)
	}
	if err == nil && len(a) > 2 {
		err = status.InvalidArgs
	}
	return ip, port, err
}

func udpConnect(s *Shell, a args) error {
	ip, err := s.destination(a, 0, "Connecting to")
	if err != nil {
		return err
	}
	port, err := a.u16(1)
	if err == nil && len(a) > 2 {
		err = status.InvalidArgs
	}
	if err != nil || s.socket == 0 {
		return err
	}
	return s.node.ConnectUDP(s.socket, ip, port)
}

func udpLinkSecurity(s *Shell, a args) error {
	return showOnOff(s, a, func() bool { return s.secure }, always(func(on bool) { s.secure = on }))
}

// udpSend takes [address port] and a text, -t text, -s size or -x hex.
func udpSend(s *Shell, a args) error {
	if s.socket == 0 {
		return status.InvalidState
	}
	m := thread.UDPMessage{NoSecurity: !s.secure}
	var err error
	if len(a) > 2 {
		if m.Dst, err = s.destination(a, 0, "Sending to"); err != nil {
			return err
		}
		if m.Port, err = a.u16(1); err != nil {
			return err
		}
		a = a[2:]
	}
	switch a.at(0) {
	case "-s":
		n, err := a.u16(1)
		if err != nil {
			return err
		}
		m.Payload = pattern(int(n))
	case "-x":
		if m.Payload, err = a.hex(1, LineLimit); err != nil {
			return err
		}
	default:
		if a.is(0, "-t") {
			a = a[1:]
		}
		if len(a) == 0 {
			return status.InvalidArgs
		}
		m.Payload = []byte(a[0])
	}
	return s.node.SendUDP(s.now, s.cause, s.socket, m)
}

// pattern is 0..9A..Za..z, again and again.
func pattern(n int) []byte {
	const chars = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	b := make([]byte, n)
	for i := range b {
		b[i] = chars[i%len(chars)]
	}
	return b
}

func (s *Shell) datagram(d *thread.Datagram) {
	if s.socket == 0 || d.Socket != s.socket {
		return
	}
	text := d.Payload
	for i, c := range text {
		if c == 0 { // printed as a C string
			text = text[:i]
			break
		}
	}
	s.Line("%d bytes from %s %d %s", len(d.Payload), d.Peer, d.PeerPort, text)
}
