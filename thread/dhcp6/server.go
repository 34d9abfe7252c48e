package dhcp6

import (
	"iter"
	"slices"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
)

// ServerEnv is what a Server needs of its node.
type ServerEnv interface {
	EUI64() [8]byte
	RLOC16() uint16
	OnMeshPrefixes() iter.Seq[netdata.OnMeshPrefix]
	ContextFor(a ip6.Address) (netdata.Context, bool)
	// Send sends from ServerPort to ClientPort.
	Send(now machine.Time, to ip6.Address, payload []byte)
	// AddALOC and RemoveALOC give the node the agent's anycast address, and take it away.
	AddALOC(now machine.Time, aloc16 uint16)
	RemoveALOC(now machine.Time, aloc16 uint16)
}

// agent is a prefix that this node gives addresses of.
type agent struct {
	prefix  ip6.Prefix
	context uint8
}

func (a *agent) aloc16() uint16 { return 0xfc00 | uint16(a.context) }

// Server is the agent of the prefixes that its own node offers with the DHCP or the configure flag.
type Server struct {
	env    ServerEnv
	agents []agent
}

// NewServer returns a server without prefixes.
func NewServer(env ServerEnv) *Server { return &Server{env: env} }

// Active reports whether the node is an agent, so that ServerPort is open.
func (s *Server) Active() bool { return len(s.agents) > 0 }

// NetworkDataChanged follows what the network data says of the node's own prefixes.
func (s *Server) NetworkDataChanged(now machine.Time) {
	var have []agent
	rloc16 := s.env.RLOC16()
	for p := range s.env.OnMeshPrefixes() {
		if p.RLOC16 != rloc16 || !p.DHCP && !p.Configure || len(have) >= maxPrefixes {
			continue
		}
		a := agent{prefix: p.Prefix}
		if c, ok := s.env.ContextFor(p.Prefix.Addr); ok && !slices.ContainsFunc(have, func(x agent) bool { return x.prefix == p.Prefix }) {
			a.context = c.ID
			have = append(have, a)
		}
	}
	for _, a := range s.agents {
		if !slices.Contains(have, a) {
			s.env.RemoveALOC(now, a.aloc16())
		}
	}
	for _, a := range have {
		if !slices.Contains(s.agents, a) {
			s.env.AddALOC(now, a.aloc16())
		}
	}
	s.agents = have
}

// Receive takes in a datagram to ServerPort.
func (s *Server) Receive(now machine.Time, from ip6.Address, b []byte) {
	m, ok := parse(b)
	if !ok || m.kind != solicit || !s.Active() {
		return
	}
	client, ours := eui64(m.options, optClientID)
	_, server := find(m.options, optServerID)
	_, rapid := find(m.options, optRapidCommit)
	elapsed, timed := find(m.options, optElapsed)
	iana, has := find(m.options, optIANA)
	if !ours || server || !rapid || timed && len(elapsed) < 2 || !has || len(iana) < 12 {
		return
	}
	var asked uint8 // bit n is agent n
	if !addresses(iana, func(a ip6.Address, _, _ uint32) {
		if i := slices.IndexFunc(s.agents, func(x agent) bool { return x.prefix.Contains(a) }); i >= 0 {
			asked |= 1 << i
		}
	}) {
		return
	}
	answer := append([]byte{reply}, m.id[:]...)
	answer = appendID(answer, optServerID, s.env.EUI64())
	answer = appendID(answer, optClientID, client)
	v := append(iana[:4:4], 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff) // T1 and T2: never
	v = appendOption(v, optStatus, []byte{0, 0})
	for i := range s.agents {
		if asked == 0 || asked&(1<<i) != 0 { // nobody asked for is all of them
			v = appendAddress(v, ip6.Join(s.agents[i].prefix.Addr.Network(), ip6.IIDFromExt(client)), forEver)
		}
	}
	answer = appendOption(answer, optIANA, v)
	s.env.Send(now, from, appendOption(answer, optRapidCommit, nil))
}
