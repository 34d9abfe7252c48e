package bootstrap

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"heddle.example/dtls"
	"heddle.example/host"
	"heddle.example/lwm2m/bootstrap"
	"heddle.example/lwm2m/registry"
	"heddle.example/machine"
)

// ErrStopped says that the program ends.
var ErrStopped = errors.New("bootstrap: stopped")

// OwnerConfig is what an Owner is made of.
type OwnerConfig struct {
	Host           *host.Host
	Plain, Secure  []*host.Socket
	Configurations *Configurations
	Sessions       *Sessions
	Registry       *registry.Registry
	Machine        bootstrap.Config // limits and times; the rest is filled in
}

// Owner runs the machine and answers its questions.
type Owner struct {
	c     OwnerConfig
	owner *host.Owner
	srv   *bootstrap.Server
}

// Start begins to serve.
func Start(c OwnerConfig) (*Owner, error) {
	secure := map[uint16]bool{}
	for _, s := range c.Secure {
		secure[s.Local().Port()] = true
	}
	mc := c.Machine
	mc.Rand, mc.Registry, mc.Key = c.Host.Rand(), c.Registry, c.Configurations.Key
	mc.Secure = func(local netip.AddrPort) bool { return secure[local.Port()] }
	if len(c.Secure) > 0 && mc.DTLS == nil {
		mc.DTLS = &dtls.Config{}
	}
	o := &Owner{c: c, srv: bootstrap.New(mc)}
	owner, err := c.Host.Run(o.srv, host.RunOptions{Sockets: append(append([]*host.Socket(nil), c.Plain...), c.Secure...), OnAction: o.action})
	if err != nil {
		return nil, err
	}
	o.owner = owner
	c.Configurations.OnChange(o.keysChanged)
	return o, nil
}

// action gets what the machine tells, on the owner's goroutine.
func (o *Owner) action(now machine.Time, a machine.Action) {
	switch v := a.Value.(type) {
	case *bootstrap.Question:
		o.question(now, a, v)
	default:
		if a.Kind == machine.Event {
			o.c.Sessions.Take(a.Value)
		}
	}
}

// question looks up what a device is given. Where credentials have to be stored first, that is done on another goroutine.
func (o *Owner) question(now machine.Time, a machine.Action, q *bootstrap.Question) {
	name, c, no := o.c.Configurations.Resolve(q.Endpoint, q.Path.Security)
	if no != nil || o.c.Configurations.Ready(name, c) {
		o.answer(now, a, name, c, no)
		return
	}
	go func() {
		p, err := o.c.Configurations.Give(name, c)
		o.post(func(now machine.Time) { o.srv.Answer(now, a.Cause, a.Op, name, p, refusal(err)) })
	}()
}

func (o *Owner) answer(now machine.Time, a machine.Action, name string, c *Configuration, no *bootstrap.Refusal) {
	var p *bootstrap.Provision
	if no == nil {
		var err error
		p, err = o.c.Configurations.Give(name, c)
		no = refusal(err)
	}
	o.srv.Answer(now, a.Cause, a.Op, name, p, no)
}

// refusal says why a device cannot be given what its configuration has. That is the operator's affair, not the device's.
func refusal(err error) *bootstrap.Refusal {
	if err == nil {
		return nil
	}
	return &bootstrap.Refusal{Why: "the server cannot give it now", Secret: err.Error(), Busy: true}
}

func (o *Owner) keysChanged(identities []string) {
	cause := o.c.Host.NextCause()
	o.post(func(now machine.Time) { o.srv.KeysChanged(now, cause, identities...) })
}

// post is Post for what must not be lost: with a full inbox it waits on a goroutine of its own.
func (o *Owner) post(f func(now machine.Time)) {
	if !o.owner.Post(f) {
		go o.owner.Do(f)
	}
}

// StopSession ends a session; the device goes back to what it had.
func (o *Owner) StopSession(id bootstrap.SessionID) (ok bool, err error) {
	cause := o.c.Host.NextCause()
	if o.owner.Do(func(now machine.Time) { ok = o.srv.StopSession(now, cause, id) }) != nil {
		return false, ErrStopped
	}
	return ok, nil
}

// SetRegistry gives the machine other definitions.
func (o *Owner) SetRegistry(r *registry.Registry) {
	o.post(func(now machine.Time) { o.srv.SetRegistry(now, r) })
}

// Stats are the counters.
type Stats struct {
	Server bootstrap.Stats
	Owner  host.OwnerStats
}

// Stats returns the counters.
func (o *Owner) Stats() (st Stats) {
	o.owner.Do(func(machine.Time) { st.Server = o.srv.Stats() })
	st.Owner = o.owner.Stats()
	return st
}

// Stop ends the owner.
func (o *Owner) Stop(ctx context.Context) error { return o.owner.Stop(ctx) }

// toTime is an instant of the machine.
func toTime(t machine.Time) time.Time { return time.Unix(0, int64(t)).UTC() }
