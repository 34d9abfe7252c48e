package client

import (
	"fmt"
	"slices"

	"heddle.example/dtls"
	"heddle.example/lwm2m"
)

// draft holds objects 0, 1 and 2 during a bootstrap: sorted entries. An instance without resources is an entry of its own.
type draft []lwm2m.Entry

// newDraft begins with what is in force.
func (c *Client) newDraft() draft {
	var d draft
	for i := range c.accounts {
		a := &c.accounts[i]
		if a.phase == vacant || a.leaving {
			continue
		}
		d = a.appendSecurity(d)
		if !a.Bootstrap {
			d = a.appendServer(d)
		}
	}
	lwm2m.Sort(d)
	return d
}

// below returns the entries at and below a path.
func (d draft) below(p lwm2m.Path) []lwm2m.Entry {
	lo, _ := slices.BinarySearchFunc(d, p, func(e lwm2m.Entry, p lwm2m.Path) int { return e.Path.Compare(p) })
	hi := lo
	for hi < len(d) && d[hi].Path.HasPrefix(p) {
		hi++
	}
	return d[lo:hi]
}

// instances returns the instances of an object, ascending.
func (d draft) instances(object uint16) []uint16 {
	var ids []uint16
	for _, e := range d.below(lwm2m.NewPath(object)) {
		if id := e.Path.Instance(); len(ids) == 0 || ids[len(ids)-1] != id {
			ids = append(ids, id)
		}
	}
	return ids
}

// drop takes away what is at and below a path.
func (d *draft) drop(p lwm2m.Path) {
	*d = slices.DeleteFunc(*d, func(e lwm2m.Entry) bool { return e.Path.HasPrefix(p) })
}

// put takes entries in, in place of what is at and below an instance, resource or resource instance.
func (d *draft) put(p lwm2m.Path, entries []lwm2m.Entry) {
	instance := p.Cut(2)
	d.drop(p)
	*d = slices.DeleteFunc(*d, func(e lwm2m.Entry) bool { return e.Path == instance })
	*d = append(*d, entries...)
	lwm2m.Sort(*d)
	if len(d.below(instance)) == 0 {
		*d = append(*d, lwm2m.Entry{Path: instance})
		lwm2m.Sort(*d)
	}
}

// appendSecurity appends an account's instance of object 0.
func (a *account) appendSecurity(dst []lwm2m.Entry) []lwm2m.Entry {
	p := lwm2m.NewPath(securityObject, a.SecurityInstance)
	add := func(r uint16, v lwm2m.Value) { dst = append(dst, lwm2m.Entry{Path: p.Child(r), Value: v}) }
	add(securityURI, lwm2m.Str(a.URI))
	add(securityBootstrap, lwm2m.Bool(a.Bootstrap))
	if a.secureURI() {
		add(securityMode, lwm2m.Int(modes[a.secureMode()]))
	} else {
		add(securityMode, lwm2m.Int(modeNone))
	}
	add(securityIdentity, lwm2m.BytesOf(a.Identity))
	add(securityServerKey, lwm2m.Bytes(a.ServerKey))
	add(securityKey, lwm2m.Bytes(a.Key))
	if !a.Bootstrap {
		add(securityShortID, lwm2m.Int(int64(a.ShortID)))
	}
	add(securityHoldOff, lwm2m.Int(wholeSeconds(a.HoldOff)))
	if a.Bootstrap {
		add(securityTimeout, lwm2m.Int(wholeSeconds(a.AccountTimeout)))
	}
	if a.MatchingType != dtls.MatchExact {
		add(securityMatching, lwm2m.Uint(uint64(a.MatchingType)))
	}
	if a.SNI != "" {
		add(securitySNI, lwm2m.Str(a.SNI))
	}
	if a.CertificateUsage != nil {
		add(securityUsage, lwm2m.Uint(uint64(*a.CertificateUsage)))
	}
	for i, s := range a.Suites {
		dst = append(dst, lwm2m.Entry{Path: p.Child(securitySuites).Child(uint16(i)), Value: lwm2m.Uint(uint64(s))})
	}
	return dst
}

// appendServer appends an account's instance of object 1: what has a value.
func (a *account) appendServer(dst []lwm2m.Entry) []lwm2m.Entry {
	p := lwm2m.NewPath(serverObject, a.ServerInstance)
	for _, r := range serverDefinition.Resources {
		if v, ok := a.value(r.ID); ok && !v.IsNone() {
			dst = append(dst, lwm2m.Entry{Path: p.Child(r.ID), Value: v})
		}
	}
	return dst
}

// parseDraft makes accounts of the draft, or says what does not fit together (6.1.7.6).
func (c *Client) parseDraft() ([]account, error) {
	d := c.boot.draft
	var out []account
	for _, id := range d.instances(securityObject) {
		p := lwm2m.NewPath(securityObject, id)
		a, err := securityAccount(d.below(p))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		}
		a.SecurityInstance, a.binding, a.version = id, c.cfg.Binding, c.cfg.Version
		for i := range out {
			switch {
			case a.Bootstrap && out[i].Bootstrap:
				return nil, fmt.Errorf("%s: there can be one bootstrap server only", p)
			case !a.Bootstrap && !out[i].Bootstrap && a.ShortID == out[i].ShortID:
				return nil, fmt.Errorf("%s: Short Server ID %d stands there twice", p, a.ShortID)
			}
		}
		if a.secure && c.stack.DTLS() == nil {
			return nil, fmt.Errorf("%s: this device has no DTLS", p)
		}
		out = append(out, a)
	}
	linked := make([]bool, len(out))
	servers := 0
	for _, id := range d.instances(serverObject) {
		p := lwm2m.NewPath(serverObject, id)
		v, _ := lwm2m.Get(d, p.Child(serverShortID))
		n, _ := v.AsInt()
		i := slices.IndexFunc(out, func(a account) bool { return !a.Bootstrap && int64(a.ShortID) == n })
		switch {
		case i < 0:
			return nil, fmt.Errorf("%s: no instance of object 0 has its Short Server ID %d", p, n)
		case linked[i]:
			return nil, fmt.Errorf("%s: Short Server ID %d stands there twice", p, n)
		}
		if err := out[i].readServer(c, id, d.below(p)); err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		}
		linked[i] = true
		servers++
	}
	for i := range out {
		if !out[i].Bootstrap && !linked[i] {
			return nil, fmt.Errorf("/0/%d: no instance of object 1 has its Short Server ID %d", out[i].SecurityInstance, out[i].ShortID)
		}
	}
	if servers == 0 {
		return nil, fmt.Errorf("there is no server to register with")
	}
	return out, nil
}
