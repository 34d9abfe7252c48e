package mdns

import (
	"hash/fnv"
	"net/netip"
	"slices"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/dns"
)

// Speaker speaks multicast DNS on one link.
type Speaker struct {
	Counters Counters

	env       Env
	rand      machine.Rand
	up        bool
	published []*published // by owner
	entries   []*entry
	index     map[dns.Name][]*rr // by names in lower case
	conflicts []machine.Time
	reply     reply
	held      []*held
	round     uint64
	asked     []*question
	echoes    []echo
	w         dns.Writer
	next      machine.Time
}

// echo is a message of ours that comes back to us.
type echo struct {
	sum   uint64
	until machine.Time
	left  int
}

// New returns a Speaker. It says nothing until SetUp.
func New(rand machine.Rand, env Env) *Speaker {
	return &Speaker{env: env, rand: rand, index: map[dns.Name][]*rr{}, next: machine.Never}
}

// SetUp says whether the link carries messages. When it comes up, all names are probed anew: it may be another link.
func (s *Speaker) SetUp(now machine.Time, up bool) {
	if s.up == up {
		return
	}
	s.up = up
	s.reply, s.held, s.asked = reply{}, nil, nil
	for _, e := range s.entries {
		for _, r := range e.records {
			r.said = false
		}
		if up {
			s.probe(now, e)
		}
	}
	s.schedule()
}

// Up reports whether the link carries messages.
func (s *Speaker) Up() bool { return s.up }

// Stop takes back all that was published.
func (s *Speaker) Stop(now machine.Time) {
	s.published = nil
	s.takeBack(now, slices.Clone(s.entries))
	s.schedule()
}

func (s *Speaker) random(below time.Duration) time.Duration {
	return time.Duration(s.rand.Uint64() % uint64(below))
}

// Deadline says when Expire wants to be called.
func (s *Speaker) Deadline() machine.Time { return s.next }

func (s *Speaker) schedule() {
	s.next = machine.Never
	if !s.up {
		return
	}
	s.next = s.reply.at()
	for _, e := range s.entries {
		s.next = min(s.next, e.at)
	}
	for _, h := range s.held {
		s.next = min(s.next, h.at)
	}
	for _, q := range s.asked {
		s.next = min(s.next, q.at)
	}
}

// Expire probes, announces, answers and asks what is due.
func (s *Speaker) Expire(now machine.Time) {
	if s.next > now {
		return
	}
	var probed, announced []*entry
	for _, e := range s.entries {
		switch {
		case e.at > now:
		case len(probed)+len(announced) >= maxAtOnce:
			e.at = now.Add(shareWait)
		case e.state == Resting:
			s.probe(now, e)
			e.at++ // this instant is over
		case e.state == Probing && e.sent < probes:
			e.sent++
			e.at = now.Add(probeWait)
			probed = append(probed, e)
		case e.state == Probing:
			e.state, e.left = Announced, announcements
			fallthrough
		case e.left > 0:
			if e.left--; e.left > 0 {
				e.at = now.Add(announceWait)
			} else {
				e.at = machine.Never
			}
			announced = append(announced, e)
		default:
			e.at = machine.Never
		}
	}
	s.sendProbes(now, probed)
	s.announce(now, announced)
	s.sendReplies(now)
	s.ask(now)
	s.schedule()
}

// Receive takes in a message of the link. m is borrowed.
func (s *Speaker) Receive(now machine.Time, m Message) {
	if !s.up {
		return
	}
	if m.Own && s.echoed(now, m.Data) {
		s.Counters.Echoes++
		return
	}
	s.Counters.Received++
	msg, questions, err := dns.ParseMany(m.Data, maxQuestions)
	if err != nil || len(m.Data) > maxReceived || msg.Opcode() != dns.OpQuery || msg.Code() != dns.CodeOK { // 18.3, 18.11
		s.Counters.Malformed++
		return
	}
	if msg.Flags&dns.FlagResponse != 0 {
		if m.From.Port() == Port { // section 11
			s.response(now, &msg)
		}
	} else {
		s.query(now, m.From, &msg, questions)
	}
	s.schedule()
}

// send sends a message of the writer's.
func (s *Speaker) send(now machine.Time, to netip.AddrPort) {
	b := s.w.Bytes()
	if !to.IsValid() {
		s.echoes = slices.DeleteFunc(s.echoes, func(e echo) bool { return e.until <= now })
		if len(s.echoes) >= maxEchoes {
			s.echoes = slices.Delete(s.echoes, 0, 1)
		}
		s.echoes = append(s.echoes, echo{sum(b), now.Add(echoTime), 2}) // by IPv4 and by IPv6
	}
	s.env.Send(now, to, b)
}

func sum(b []byte) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(b) // it takes all
	return h.Sum64()
}

// echoed reports whether a message is one of ours that comes back. Another speaker of this computer may say the same a third
// time.
func (s *Speaker) echoed(now machine.Time, b []byte) bool {
	x := sum(b)
	for i := range s.echoes {
		if e := &s.echoes[i]; e.sum == x && e.left > 0 && e.until > now {
			e.left--
			return true
		}
	}
	return false
}

// Entry is what there is to say of a name.
type Entry struct {
	Name      string // that is published, or tried
	Label     string // its first label
	Asked     string // ... and what that was to be
	Owner     string
	Type      string // "": it is a host
	Host      string // of a service
	Port      uint16
	Addresses []netip.Addr
	State     State
}

// Entries returns what is published, by owner, a host before its services.
func (s *Speaker) Entries() (list []Entry) {
	for _, p := range s.published {
		list = append(list, Entry{Name: p.host.name.Text(), Label: labelOf(p.host), Asked: p.host.label, Owner: p.owner, Addresses: slices.Clone(p.advert.Addresses), State: p.host.state})
		for _, e := range p.services {
			i := slices.IndexFunc(p.advert.Services, func(x Service) bool { return e.is(&x) })
			list = append(list, Entry{Name: e.name.Text(), Label: labelOf(e), Asked: e.label, Owner: p.owner, Type: e.serviceType, Host: p.host.name.Text(), Port: p.advert.Services[i].Port, State: e.state})
		}
	}
	return list
}

func labelOf(e *entry) string {
	label, _ := e.name.Label()
	return label
}
