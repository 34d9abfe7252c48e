package srp

import (
	"slices"

	"heddle.example/machine"
	"heddle.example/thread/dns"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
)

// ServerEnv is what a Server needs of its node.
type ServerEnv interface {
	OpenServer(port uint16) error
	CloseServer()
	// Answer sends an answer from where the update was sent to.
	Answer(now machine.Time, from Peer, b []byte)
	// Publish asks the publisher to offer the server; Published is told when it does. Force offers it at once.
	Publish(now machine.Time, m AddressMode, port uint16, sequence uint8) error
	Unpublish(now machine.Time, m AddressMode)
	// Others reports whether there are other servers in the network data.
	Others() bool
	Attached() bool
	Setting(name string) []byte
	StoreSetting(name string, value []byte)
	// AutoEnabled is told that the border router is to switch the server.
	AutoEnabled(now machine.Time, on bool)
	// Registered is told the addresses of a host whose update came from a peer.
	Registered(now machine.Time, from Peer, list []ip6.Address)
}

// Peer is where an update came from, and where to.
type Peer struct {
	Local, IP ip6.Address
	Port      uint16
}

// AddressMode says how the server is offered in the network data.
type AddressMode uint8

// The modes.
const (
	Unicast AddressMode = iota
	Anycast
	UnicastForceAdd
)

var modeNames = [...]string{"unicast", "anycast", "unicast-force-add"}

func (m AddressMode) String() string { return modeNames[m%3] }

// ParseMode returns the mode with a name.
func ParseMode(s string) (AddressMode, bool) {
	i := slices.Index(modeNames[:], s)
	return AddressMode(max(0, i)), i >= 0
}

// ServerState is what the server does.
type ServerState uint8

// The states. A stopped server is not in the network data yet.
const (
	ServerDisabled ServerState = iota
	ServerRunning
	ServerStopped
)

var serverNames = [...]string{"disabled", "running", "stopped"}

func (s ServerState) String() string { return serverNames[s%3] }

// The limits of a server (srp_server.hpp), and ours.
const (
	settingPort  = "srpport"
	portMin      = 53535
	portMax      = 53554
	maxHosts     = 512
	maxAll       = 2048 // services of all hosts
	longestLease = 0x7fffffff / 1000
)

// Limits are the leases, in seconds, and TTLs that a server grants.
type Limits struct{ MinLease, MaxLease, MinKeyLease, MaxKeyLease uint32 }

// Server keeps the hosts of the network and their services.
type Server struct {
	// Counters of answers by their code.
	Success, ServerFailure, FormatError, NameExists, Refused, Other uint32

	env      ServerEnv
	state    ServerState
	mode     AddressMode
	previous AddressMode // before the fast start
	fast     bool
	auto     bool
	port     uint16
	failed   int // ports in a row that could not be opened
	sequence uint8
	domain   dns.Name // as it was written
	lower    dns.Name
	limits   Limits
	ttl      [2]uint32
	hosts    []*RegisteredHost // the latest update first
	saved    bool              // the port was stored
	next     machine.Time
	watch    func(now machine.Time)
}

// NewServer returns a server that is disabled.
func NewServer(env ServerEnv) *Server {
	s := &Server{env: env, next: machine.Never, limits: Limits{30, 27 * 3600, 30, 189 * 3600}, ttl: [2]uint32{30, 27 * 3600}}
	s.domain = dns.MustName(DefaultDomain)
	s.lower = s.domain
	return s
}

// State returns what the server does.
func (s *Server) State() ServerState { return s.state }

// Port returns its port, 0 before it was enabled first.
func (s *Server) Port() uint16 { return s.port }

// Mode returns how it is offered.
func (s *Server) Mode() AddressMode { return s.mode }

// SetMode changes that, while the server is disabled.
func (s *Server) SetMode(m AddressMode) error {
	if s.state != ServerDisabled {
		return status.InvalidState
	}
	s.mode = m
	return nil
}

// Sequence returns the sequence number of the anycast address.
func (s *Server) Sequence() uint8 { return s.sequence }

// SetSequence changes it, while the server is disabled.
func (s *Server) SetSequence(n uint8) error {
	if s.state != ServerDisabled {
		return status.InvalidState
	}
	s.sequence = n
	return nil
}

// Domain returns the domain of all names, with a dot at its end.
func (s *Server) Domain() string { return s.domain.Text() + "." }

// SetDomain changes it, while the server is disabled.
func (s *Server) SetDomain(d string) error {
	if s.state != ServerDisabled {
		return status.InvalidState
	}
	n, err := dns.ParseName(d)
	if err != nil || n == "\x00" {
		return status.InvalidArgs
	}
	s.domain, s.lower = n, n.Lower()
	return nil
}

// Limits returns the leases that are granted.
func (s *Server) Limits() Limits { return s.limits }

// SetLimits changes them.
func (s *Server) SetLimits(l Limits) error {
	if l.MaxKeyLease > longestLease || l.MinLease > l.MaxLease || l.MinKeyLease > l.MaxKeyLease || l.MinLease > l.MinKeyLease || l.MaxLease > l.MaxKeyLease {
		return status.InvalidArgs
	}
	s.limits = l
	return nil
}

// TTLs returns the least and the greatest TTL that are granted.
func (s *Server) TTLs() (least, most uint32) { return s.ttl[0], s.ttl[1] }

// SetTTLs changes them.
func (s *Server) SetTTLs(least, most uint32) error {
	if least > most {
		return status.InvalidArgs
	}
	s.ttl = [2]uint32{least, most}
	return nil
}

// Hosts returns the hosts, the latest update first. They are not to be changed.
func (s *Server) Hosts() []*RegisteredHost { return s.hosts }

// Auto reports whether a border router switches the server.
func (s *Server) Auto() bool { return s.auto }

// SetAuto says so.
func (s *Server) SetAuto(now machine.Time, on bool) {
	s.stopFast(now)
	if s.auto != on {
		s.auto = on
		s.env.AutoEnabled(now, on)
	}
}

// SetEnabled is what a user says; a border router calls Enable and Disable.
func (s *Server) SetEnabled(now machine.Time, on bool) {
	s.auto = false
	s.stopFast(now)
	if on {
		s.Enable(now)
	} else {
		s.Disable(now)
	}
}

// Enable has the server offered, and started when it is.
func (s *Server) Enable(now machine.Time) {
	if s.state != ServerDisabled {
		return
	}
	if s.fast {
		s.previous, s.mode = s.mode, UnicastForceAdd
	}
	s.state = ServerStopped
	if s.mode == Anycast {
		s.port = AnycastPort
	} else {
		s.selectPort()
	}
	if err := s.env.Publish(now, s.mode, s.port, s.sequence); err == nil && s.mode == UnicastForceAdd {
		s.start(now)
	}
}

// selectPort takes another port than the last time, so that clients see that this is a new server with nothing in it.
func (s *Server) selectPort() {
	if s.port == 0 {
		s.port = portMin
		if b := s.env.Setting(settingPort); len(b) == 2 {
			s.port = uint16(b[0])<<8 | uint16(b[1])
		}
	}
	if s.port++; s.port < portMin || s.port > portMax {
		s.port = portMin
	}
}

// Disable withdraws the server and forgets all hosts.
func (s *Server) Disable(now machine.Time) {
	if s.state == ServerDisabled {
		return
	}
	s.env.Unpublish(now, s.mode)
	s.stop(now)
	s.state = ServerDisabled
	if s.fast {
		s.mode = s.previous
	}
}

// Published says that the server has come into the network data, or has gone from it.
func (s *Server) Published(now machine.Time, in bool) {
	if in {
		s.start(now)
	} else {
		s.stop(now)
	}
}

func (s *Server) start(now machine.Time) {
	if s.state != ServerStopped {
		return
	}
	s.state = ServerRunning
	if s.env.OpenServer(s.port) == nil {
		s.failed = 0
		return
	}
	s.Disable(now)
	if s.failed++; s.failed < portMax-portMin+1 {
		s.Enable(now) // with another port
	} else {
		s.failed = 0 // none can be opened: the user may try again
	}
}

func (s *Server) stop(now machine.Time) {
	if s.state != ServerRunning {
		return
	}
	s.state, s.hosts, s.next, s.saved = ServerStopped, nil, machine.Never, false
	s.env.CloseServer()
	s.told(now)
}

// Watch has f called whenever Hosts may have changed: a border router tells its other link.
func (s *Server) Watch(f func(now machine.Time)) { s.watch = f }

func (s *Server) told(now machine.Time) {
	if s.watch != nil {
		s.watch(now)
	}
}

// FastStart reports whether the server starts by itself where there is no other one.
func (s *Server) FastStart() bool { return s.fast }

// EnableFastStart has it do so. The node is not attached yet.
func (s *Server) EnableFastStart() error {
	if s.fast {
		return nil
	}
	if s.env.Attached() || s.state != ServerDisabled || s.auto {
		return status.InvalidState
	}
	s.fast = true
	return nil
}

func (s *Server) stopFast(now machine.Time) {
	if s.fast {
		s.Disable(now)
		s.fast = false
	}
}

// NetworkChanged looks whether a server that starts by itself is needed.
func (s *Server) NetworkChanged(now machine.Time) {
	switch {
	case !s.fast:
	case s.state == ServerDisabled && s.env.Attached() && !s.env.Others():
		s.Enable(now)
	case s.state != ServerDisabled && s.env.Others():
		s.Disable(now)
	}
}

// Deadline says when Expire wants to be called.
func (s *Server) Deadline() machine.Time { return s.next }

// Expire removes what has come to the end of its lease.
func (s *Server) Expire(now machine.Time) {
	s.next = machine.Never
	s.hosts = slices.DeleteFunc(s.hosts, func(h *RegisteredHost) bool {
		next, gone := h.expire(now)
		s.next = min(s.next, next)
		return gone
	})
	s.told(now)
}
