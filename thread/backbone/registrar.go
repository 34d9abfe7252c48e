package backbone

import (
	"slices"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

// RegistrarEnv is what a Registrar needs of its node.
type RegistrarEnv interface {
	// Registers reports whether the node registers by itself: full devices do, others leave it to their parents.
	Registers() bool
	// EachGroup yields the groups that applications here, and children, listen to.
	EachGroup(yield func(g ip6.Address, child bool))
	// Send sends a registration to the primary.
	Send(now machine.Time, server uint16, payload []byte, done func(now machine.Time, answer []byte, err error))
}

type groupState uint8

const (
	toRegister groupState = iota
	registering
	registered
)

type group struct {
	addr  ip6.Address
	state groupState
}

// Registrar tells the primary which groups are listened to, and repeats that in time (5.24.2.3).
type Registrar struct {
	env     RegistrarEnv
	rand    machine.Rand
	primary Primary
	groups  []group
	busy    bool
	send    machine.Time
	renew   machine.Time
}

// NewRegistrar returns one without a primary.
func NewRegistrar(r machine.Rand, env RegistrarEnv) *Registrar {
	return &Registrar{env: env, rand: r, primary: Primary{Server: NoServer}, send: machine.Never, renew: machine.Never}
}

// between returns a random number of seconds, both ends included.
func (r *Registrar) between(low, high int64) time.Duration {
	return time.Duration(low+int64(r.rand.Uint64()%uint64(max(high-low, 0)+1))) * time.Second
}

// PrimaryChanged takes in who is the primary now. A new one, or one with a new sequence number, is told everything again.
func (r *Registrar) PrimaryChanged(now machine.Time, p Primary) {
	was := r.primary
	r.primary = p
	if p.Server == NoServer || !r.env.Registers() {
		r.renew = machine.Never
		return
	}
	r.schedule(now, was.Server != p.Server || was.Sequence != p.Sequence)
}

// Reattached tells everything again: the router that we had may have said it for us.
func (r *Registrar) Reattached(now machine.Time) {
	if r.primary.Server != NoServer && r.env.Registers() {
		r.schedule(now, true)
	}
}

func (r *Registrar) schedule(now machine.Time, again bool) {
	timeout := int64(max(r.primary.Timeout, minTimeout) / time.Second)
	wait := r.between(timeout/2+1, timeout-9)
	if again {
		wait = r.between(1, max(1, int64(r.primary.Delay/time.Second)))
	}
	r.renew = min(r.renew, now.Add(wait))
}

// GroupsChanged looks at what is listened to. What an application has subscribed is told at once, what children have in a while.
func (r *Registrar) GroupsChanged(now machine.Time) {
	var keep []group
	urgent, some := false, false
	r.env.EachGroup(func(g ip6.Address, child bool) {
		if !wide(g) || slices.ContainsFunc(keep, func(x group) bool { return x.addr == g }) {
			return
		}
		i := slices.IndexFunc(r.groups, func(x group) bool { return x.addr == g })
		if i >= 0 {
			keep = append(keep, r.groups[i])
			return
		}
		keep = append(keep, group{addr: g})
		urgent, some = urgent || !child, true
	})
	r.groups = keep
	switch {
	case urgent:
		r.register(now)
	case some:
		r.send = min(r.send, now.Add(r.between(1, aggregateDelay)))
	}
}

func (r *Registrar) register(now machine.Time) {
	if r.send = machine.Never; r.busy || r.primary.Server == NoServer || !r.env.Registers() {
		return
	}
	var list []ip6.Address
	for i := range r.groups {
		if g := &r.groups[i]; g.state == toRegister && len(list) < MaxAddresses {
			g.state = registering
			list = append(list, g.addr)
		}
	}
	if len(list) == 0 {
		return
	}
	r.busy = true
	r.env.Send(now, r.primary.Server, AppendRegistration(nil, list, nil, nil), r.answered)
}

func (r *Registrar) answered(now machine.Time, answer []byte, err error) {
	r.busy = false
	s, failed, ok := ParseAnswer(answer)
	good := err == nil && ok
	for i := range r.groups {
		if g := &r.groups[i]; g.state == registering {
			if g.state = registered; !good || s != Registered && (len(failed) == 0 || slices.Contains(failed, g.addr)) {
				g.state = toRegister
			}
		}
	}
	if good && s == Registered {
		r.register(now) // perhaps there were more than one message holds
	} else if r.primary.Server != NoServer {
		r.send = now.Add(r.between(1, max(1, int64(r.primary.Delay/time.Second))))
	}
}

// Deadline says when Expire wants to be called.
func (r *Registrar) Deadline() machine.Time { return min(r.send, r.renew) }

// Expire sends what is due.
func (r *Registrar) Expire(now machine.Time) {
	if r.renew <= now {
		r.renew = machine.Never
		for i := range r.groups {
			if r.groups[i].state == registered {
				r.groups[i].state = toRegister
			}
		}
		r.register(now)
		r.schedule(now, false)
	}
	if r.send <= now {
		r.register(now)
	}
}
