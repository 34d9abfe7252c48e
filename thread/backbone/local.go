package backbone

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
	"heddle.example/thread/status"
)

// State is what a node is as a backbone router.
type State uint8

// The states, in OpenThread's order.
const (
	Disabled State = iota
	Secondary
	PrimaryRouter
)

func (s State) String() string {
	return [...]string{"Disabled", "Secondary", "Primary"}[min(s, PrimaryRouter)]
}

// LocalEnv is what a Local needs of its node.
type LocalEnv interface {
	Attached() bool
	Leader() bool
	RLOC16() uint16
	// Offer adds a service to the network data, with this server data; nil removes it.
	Offer(now machine.Time, server []byte) error
	// OfferDomain adds the prefix of the Thread domain to the network data, or takes it away.
	OfferDomain(now machine.Time, p netdata.OnMeshPrefix, on bool)
	// SetPrimaryAddress gives the interface the primary's anycast locator, or takes it away.
	SetPrimaryAddress(now machine.Time, on bool)
}

// Local offers the node as a backbone router.
type Local struct {
	env     LocalEnv
	rand    machine.Rand
	state   State
	config  Config
	domain  netdata.OnMeshPrefix // of no bits: there is none
	jitter  uint8                // seconds
	offered bool
	at      machine.Time // of a registration
	primary Primary
}

// NewLocal returns a disabled one.
func NewLocal(r machine.Rand, env LocalEnv) *Local {
	return &Local{env: env, rand: r, jitter: 5, at: machine.Never, primary: Primary{Server: NoServer},
		config: Config{Sequence: uint8(r.Uint64() % 127), Delay: defaultDelay, Timeout: defaultTimeout}}
}

// State returns what the node is; Config what it says of itself; Jitter within how many seconds it registers.
func (l *Local) State() State { return l.state }

// Config returns what the node says of itself.
func (l *Local) Config() Config { return l.config }

// Jitter returns within how many seconds the node registers where there is no primary.
func (l *Local) Jitter() uint8 { return l.jitter }

// SetJitter changes it.
func (l *Local) SetJitter(j uint8) { l.jitter = j }

// SetEnabled says whether the node is a backbone router.
func (l *Local) SetEnabled(now machine.Time, on bool) {
	switch {
	case on && l.state == Disabled:
		l.state = Secondary
		l.offerDomain(now, true)
		_ = l.register(now, false) // there may be another
	case !on && l.state != Disabled:
		l.offerDomain(now, false)
		l.remove(now)
		l.set(now, Disabled)
	}
}

// SetDomainPrefix gives the node the prefix of the Thread domain, which it offers as long as it is a backbone router.
func (l *Local) SetDomainPrefix(now machine.Time, p netdata.OnMeshPrefix) {
	l.offerDomain(now, false)
	l.domain = p
	l.offerDomain(now, true)
}

// RemoveDomainPrefix takes it away again.
func (l *Local) RemoveDomainPrefix(now machine.Time, p ip6.Prefix) error {
	if l.domain.Prefix != p {
		return status.NotFound
	}
	l.SetDomainPrefix(now, netdata.OnMeshPrefix{})
	return nil
}

// DomainPrefix returns it.
func (l *Local) DomainPrefix() (p netdata.OnMeshPrefix, ok bool) {
	return l.domain, l.domain.Prefix.Bits > 0
}

func (l *Local) offerDomain(now machine.Time, on bool) {
	if l.state != Disabled && l.domain.Prefix.Bits > 0 {
		l.env.OfferDomain(now, l.domain, on)
	}
}

func (l *Local) set(now machine.Time, s State) {
	if (l.state == PrimaryRouter) != (s == PrimaryRouter) {
		l.env.SetPrimaryAddress(now, s == PrimaryRouter)
	}
	l.state = s
}

// SetConfig changes what the node says of itself.
func (l *Local) SetConfig(now machine.Time, c Config) error {
	if c.Delay < time.Second || 2*c.Delay >= c.Timeout {
		return status.InvalidArgs
	}
	if c != l.config {
		l.config = c
		_ = l.register(now, false)
	}
	return nil
}

// Register offers the service, whoever else does.
func (l *Local) Register(now machine.Time) error { return l.register(now, true) }

func (l *Local) register(now machine.Time, force bool) error {
	other := l.primary.Server != NoServer && l.primary.Server != l.env.RLOC16()
	if l.state == Disabled || !l.env.Attached() || other && !force {
		return status.InvalidState
	}
	err := l.env.Offer(now, l.config.Append(nil))
	l.offered = l.offered || err == nil
	return err
}

func (l *Local) remove(now machine.Time) {
	if l.offered {
		_ = l.env.Offer(now, nil)
		l.offered = false
	}
}

// PrimaryChanged takes in who is the primary now.
func (l *Local) PrimaryChanged(now machine.Time, p Primary) {
	l.primary = p
	if l.state == Disabled || !l.env.Attached() {
		return
	}
	switch {
	case p.Server == NoServer:
		if l.at == machine.Never {
			wait := time.Second
			if !l.env.Leader() {
				wait += time.Duration(l.rand.Uint64()%(uint64(l.jitter)+1)) * time.Second
			}
			l.at = now.Add(wait)
		}
	case p.Server != l.env.RLOC16():
		l.remove(now)
		if l.state == PrimaryRouter {
			l.next()
			l.set(now, Secondary)
		}
	case !l.offered: // what we were before a reset
		l.config = p.Config
		l.next()
		_ = l.register(now, true)
	default:
		l.set(now, PrimaryRouter)
	}
}

// next goes on to the next sequence number: listeners register anew then.
func (l *Local) next() {
	switch l.config.Sequence {
	case 126, 127:
		l.config.Sequence = 0
	case 254, 255:
		l.config.Sequence = 128
	default:
		l.config.Sequence++
	}
}

// Deadline says when Expire wants to be called.
func (l *Local) Deadline() machine.Time { return l.at }

// Expire registers.
func (l *Local) Expire(now machine.Time) {
	if l.at <= now {
		l.at = machine.Never
		_ = l.register(now, false)
	}
}
