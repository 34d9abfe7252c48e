package fleet

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// What is measured of the NATs that devices are behind. A NAT keeps a device's address as long as it does not forget it for
// silence. When a device comes from another port of the same address after a silence, its NAT forgot within that
// silence: an upper bound. When a request of ours reached a device after a silence, its NAT remembered that long: a lower one.
// Only devices that showed a change are followed.
const (
	natsMost     = 100_000
	natSamples   = 8
	silenceLeast = 5 * time.Second  // shorter ones are no silence
	proofMost    = 30 * time.Second // from the first message from a new address to its proof
	answerMost   = 20 * time.Second // an answer that took longer may be one to a repetition, after a message of the device
	silenceMost  = 7 * 24 * time.Hour
)

type nats struct {
	n    atomic.Int64 // of those that are followed
	mu   sync.Mutex
	by   map[string]*nat
	list []string // oldest first, to bound them
}

// nat is what was seen of one device.
type nat struct {
	changes int
	cid     bool
	samples [natSamples]time.Duration // silences before a change of port, a ring
	next    int
	atLeast time.Duration
	last    machine.Time  // of the last message from it
	gap     time.Duration // the last silence
	gapEnd  machine.Time
	askedAt machine.Time // the first request of ours since that message; zero: none
}

// NAT is what is known of the NAT that a device is behind.
type NAT struct {
	Changes      int     `json:"changes" doc:"how often its address changed while it was registered"`
	ForgetsAfter Forgets `json:"forgetsAfter" doc:"seconds of silence"`
	Advice       string  `json:"advice,omitempty"`
}

// Forgets bounds the silence after which a NAT forgets.
type Forgets struct {
	AtLeast float64 `json:"atLeast,omitempty" doc:"it still let a request through after so long"`
	AtMost  float64 `json:"atMost,omitempty" doc:"the device had a new port after so long"`
}

// take looks at an event, before the fleet does.
func (t *nats) take(f *Fleet, value any) {
	var reg, old *server.Registration
	var at machine.Time
	late := false // the address changed with an earlier message
	switch e := value.(type) {
	case *server.Registered:
		reg, at = e.Registration, e.At
		// A plain device that registers again was restarted: a new port is its own choice. One with DTLS and without a
		// connection ID has to.
		if e.Replaced != nil && reg.Path.Security != nil {
			old = e.Replaced
		}
	case *server.Updated:
		reg, old, at = e.Registration, e.Previous, e.At
	case *server.Moved:
		reg, old, at, late = e.Registration, e.Previous, e.At, true
	case *server.Notified:
		reg, at = e.Registration, e.At
	case *server.Sent:
		reg, at = e.Registration, e.At
	default:
		return
	}
	moved := old != nil && old.Path.Remote != reg.Path.Remote
	if !moved && t.n.Load() == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.by[reg.Endpoint]
	if n == nil {
		if !moved {
			return
		}
		n = t.follow(reg.Endpoint)
		if r := f.row(reg.Endpoint); r != nil {
			n.last = machine.Time(r.seen.Load())
		}
	}
	n.heard(at)
	if !moved {
		return
	}
	n.changes++
	n.cid = reg.Path.Security != nil && reg.Path.Security.CID
	proof := time.Duration(0)
	if late {
		proof = proofMost
	}
	if old.Path.Remote.Addr().Unmap() == reg.Path.Remote.Addr().Unmap() && n.gap > 0 && at.Sub(n.gapEnd) <= proof {
		n.samples[n.next%natSamples] = n.gap
		n.next++
	}
	n.gap = 0
}

func (t *nats) follow(endpoint string) *nat {
	if t.by == nil {
		t.by = map[string]*nat{}
	}
	if len(t.list) >= natsMost {
		delete(t.by, t.list[0])
		t.list = t.list[1:]
	} else {
		t.n.Add(1)
	}
	n := new(nat)
	t.by[endpoint] = n
	t.list = append(t.list, endpoint)
	return n
}

// heard notes a message of the device.
func (n *nat) heard(at machine.Time) {
	if gap := at.Sub(n.last); n.last != 0 && gap >= silenceLeast && gap <= silenceMost {
		n.gap, n.gapEnd = gap, at
	}
	n.last, n.askedAt = max(n.last, at), 0
}

// asked notes a request to a device.
func (t *nats) asked(endpoint string, now machine.Time) {
	if t.n.Load() == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := t.by[endpoint]; n != nil && n.askedAt == 0 {
		n.askedAt = now
	}
}

// answered notes that a request was answered. Without a message of the device in between, the request has come through.
func (t *nats) answered(endpoint string, at machine.Time) {
	if t.n.Load() == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.by[endpoint]
	if n == nil {
		return
	}
	if n.askedAt != 0 && n.last != 0 && at.Sub(n.askedAt) < answerMost {
		if silence := n.askedAt.Sub(n.last); silence >= silenceLeast && silence <= silenceMost {
			n.atLeast = max(n.atLeast, silence)
		}
	}
	n.last, n.askedAt = max(n.last, at), 0
}

// atMost is the shortest silence that a change followed, of those that nothing contradicts: a device that was carried to
// another network changes its address after any silence.
func (n *nat) atMost() (shortest time.Duration) {
	for _, s := range n.samples[:min(n.next, natSamples)] {
		if s > n.atLeast && (shortest == 0 || s < shortest) {
			shortest = s
		}
	}
	return shortest
}

// NAT returns what is known of the NAT that an endpoint is behind; nil: its address has not changed yet.
func (f *Fleet) NAT(endpoint string) *NAT {
	reg := f.Registration(endpoint)
	f.nats.mu.Lock()
	defer f.nats.mu.Unlock()
	n := f.nats.by[endpoint]
	if n == nil || reg == nil {
		return nil
	}
	most := n.atMost()
	return &NAT{Changes: n.changes, ForgetsAfter: Forgets{n.atLeast.Seconds(), most.Seconds()}, Advice: n.advice(reg, most)}
}

// advice says in words what to do. It takes two changes to call it a habit.
func (n *nat) advice(reg *server.Registration, most time.Duration) string {
	if n.changes < 2 || most == 0 {
		return ""
	}
	s := "Its NAT forgets after about " + roughly(most) + ": "
	if n.atLeast > 0 {
		s = "Its NAT forgets between " + roughly(n.atLeast) + " and " + roughly(most) + " of silence: "
	}
	lifetime := most * 4 / 5
	if n.atLeast > 0 {
		lifetime = min(lifetime, max(n.atLeast, most/2))
	}
	switch {
	case reg.Queue:
		s += "requests reach it when it wakes, since it is in queue mode."
	case reg.Lifetime > 0 && reg.Lifetime <= lifetime:
		s += "its lifetime of " + seconds(reg.Lifetime) + " keeps it reachable."
	case lifetime < 30*time.Second:
		s += "use queue mode; a lifetime short enough to keep it reachable would cost a message every few seconds."
	default:
		s += "use queue mode, or a lifetime below " + seconds(lifetime/(10*time.Second)*(10*time.Second)) + "."
	}
	if reg.Path.Security != nil && !reg.Path.Security.CID {
		s += " It has no connection ID (RFC 9146), so each such change costs a new handshake."
	}
	return s
}

func seconds(d time.Duration) string { return fmt.Sprintf("%d s", int(d.Seconds())) }

// roughly writes a duration as people say it.
func roughly(d time.Duration) string {
	switch {
	case d < 90*time.Second:
		return seconds(d)
	case d < 90*time.Minute:
		return fmt.Sprintf("%d min", int(d.Minutes()+0.5))
	}
	return fmt.Sprintf("%d h", int(d.Hours()+0.5))
}
