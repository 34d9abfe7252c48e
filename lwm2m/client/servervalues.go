package client

import (
	"errors"
	"time"

	"heddle.example/lwm2m"
)

// value returns a resource of an account's instance of object 1; none of what can be executed.
func (a *account) value(r uint16) (v lwm2m.Value, ok bool) {
	seconds := func(d time.Duration) lwm2m.Value { return lwm2m.Int(wholeSeconds(d)) }
	policy := a.policy()
	switch r {
	case serverShortID:
		return lwm2m.Int(int64(a.ShortID)), true
	case serverLifetime:
		return lwm2m.Int(a.lifetimeSeconds()), true
	case serverMinPeriod:
		return seconds(a.MinPeriod), true
	case serverMaxPeriod:
		return seconds(a.MaxPeriod), true
	case serverDisableTimeout:
		return seconds(a.DisableTimeout), true
	case serverStoring:
		return lwm2m.Bool(a.Storing), true
	case serverBinding:
		return lwm2m.Str(a.binding.String()), true
	case serverDisable, serverUpdate:
		return v, true
	case serverPriority:
		v = lwm2m.Int(int64(a.Priority))
	case serverInitialDelay:
		v = seconds(a.InitialDelay)
	case serverFailureBlock:
		v = lwm2m.Bool(a.FailureBlock)
	case serverBootstrapOnFail:
		v = lwm2m.Bool(!a.NoBootstrapOnFailure)
	case serverRetryCount:
		v = lwm2m.Int(int64(policy.Count))
	case serverRetryTimer:
		v = seconds(policy.Timer)
	case serverSequenceDelay:
		v = seconds(policy.SequenceDelay)
	case serverSequenceCount:
		v = lwm2m.Int(int64(policy.SequenceCount))
	case serverMute:
		return lwm2m.Bool(a.mute), a.hasMute
	default:
		return v, false
	}
	return v, a.given.has(r)
}

// set sets a resource of an account's instance of object 1. Kind and range are checked.
func (a *account) set(r uint16, v lwm2m.Value) {
	n, _ := v.AsInt()
	yes, _ := v.AsBool()
	d := time.Duration(n) * time.Second
	switch r {
	case serverLifetime:
		if a.Lifetime = d; n == 0 {
			a.Lifetime = -1
		}
	case serverMinPeriod:
		a.MinPeriod = d
	case serverMaxPeriod:
		a.MaxPeriod = d
	case serverDisableTimeout:
		a.DisableTimeout = d
	case serverStoring:
		a.Storing = yes
	case serverBinding:
		if b, err := lwm2m.ParseBinding(v.Raw()); err == nil {
			a.binding = b
		}
	case serverPriority:
		a.Priority = uint32(n)
	case serverInitialDelay:
		a.InitialDelay = d
	case serverFailureBlock:
		a.FailureBlock = yes
	case serverBootstrapOnFail:
		a.NoBootstrapOnFailure = !yes
	case serverRetryCount, serverRetryTimer, serverSequenceDelay, serverSequenceCount:
		a.setRetry(r, uint32(n))
	case serverMute:
		a.mute, a.hasMute = yes, true
	default:
		return
	}
	a.given.add(r)
}

func (a *account) setRetry(r uint16, n uint32) {
	p := a.policy() // a copy: policies are shared
	d := time.Duration(n) * time.Second
	switch r {
	case serverRetryCount:
		p.Count = n
	case serverRetryTimer:
		p.Timer = d
	case serverSequenceDelay:
		p.SequenceDelay = d
	case serverSequenceCount:
		p.SequenceCount = n
	}
	a.Retry = &p
}

// readServer takes in an instance of object 1 from a draft.
func (a *account) readServer(c *Client, instance uint16, entries []lwm2m.Entry) error {
	a.ServerInstance, a.given = instance, 0
	lifetime := false
	for _, e := range entries {
		if e.Path.Depth() < 3 {
			continue
		}
		switch e.Path.Resource() {
		case serverLifetime:
			lifetime = true
		case serverBinding:
			if _, err := c.checkBinding(e.Value.Raw()); err != nil {
				return errors.New(asError(err).Reason)
			}
		}
		a.set(e.Path.Resource(), e.Value)
	}
	if !lifetime {
		return errors.New("the lifetime is missing")
	}
	return nil
}

// givenByConfig says which of the optional resources 13 to 20 an account of the configuration has.
func (a *Account) givenByConfig() (s resourceSet) {
	for r, there := range map[uint16]bool{
		serverPriority: a.Priority > 0, serverInitialDelay: a.InitialDelay > 0, serverFailureBlock: a.FailureBlock,
		serverBootstrapOnFail: a.NoBootstrapOnFailure, serverRetryCount: a.Retry != nil, serverRetryTimer: a.Retry != nil,
		serverSequenceDelay: a.Retry != nil, serverSequenceCount: a.Retry != nil,
	} {
		if there {
			s.add(r)
		}
	}
	return s
}
