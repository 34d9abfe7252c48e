package bootstrap

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"slices"

	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// prepare completes a configuration from the one that it replaces, and checks it.
func (t *Configurations) prepare(c *Configuration, fresh bool) (complete, old *Configuration, err error) {
	copied := *c
	c = &copied
	c.Servers = slices.Clone(c.Servers)
	old, _ = t.Get(c.Endpoint)
	if old != nil && fresh {
		return nil, nil, fmt.Errorf("%w: %s", ErrExists, c.Endpoint)
	}
	if old == nil && t.Len() >= tableMost {
		return nil, nil, ErrFull
	}
	c.keep(old)
	c.UpdatedAt = t.now().UTC()
	if c.CreatedAt = c.UpdatedAt; old != nil {
		c.CreatedAt = old.CreatedAt
	}
	if t.local == nil {
		for i := range c.Servers {
			if c.Servers[i].Local {
				return nil, nil, &Invalid{[]Item{{fmt.Sprintf("servers[%d].local", i), "no LwM2M server runs in this program: heddle server --bootstrap runs both"}}}
			}
		}
	} else {
		for i := range c.Servers {
			c.Servers[i].Local = c.Servers[i].Local || t.local.IsLocal(c.Servers[i].URI)
		}
	}
	if err := Check(c, t.registry()); err != nil {
		return nil, nil, err
	}
	if c.Reach.Mode == machine.PSK {
		t.mu.RLock()
		holder := t.byIdentity[c.Reach.Identity]
		t.mu.RUnlock()
		if holder != nil && holder.Endpoint != c.Endpoint {
			return nil, nil, fmt.Errorf("%w: account.identity %q belongs to the configuration of %q; each has its own", ErrConflict, c.Reach.Identity, holder.Endpoint)
		}
	}
	return c, old, t.fits(c)
}

// keep takes over the keys that are left out, as they are where a person edits a configuration, and makes those that are
// to be generated.
func (c *Configuration) keep(old *Configuration) {
	if old != nil {
		c.Secret = old.Secret
		if r := &c.Reach; r.Mode == machine.PSK && len(r.Key) == 0 && old.Reach.Mode == machine.PSK {
			r.Key = old.Reach.Key
		}
	}
	if len(c.Secret) == 0 {
		c.Secret = make([]byte, 32)
		rand.Read(c.Secret)
	}
	for i := range c.Servers {
		s := &c.Servers[i]
		if s.Mode == machine.NoSecurity {
			continue
		}
		if old != nil && len(s.Key) == 0 && (!s.Generate || c.Group()) {
			for _, o := range old.Servers {
				if o.ShortID == s.ShortID && o.Mode == s.Mode {
					s.Key = o.Key
				}
			}
		}
		if s.asymmetric() {
			if own, err := s.proof(); err == nil && s.Mode == machine.RPK && len(s.Public) == 0 {
				s.Public = own.PublicKey()
			}
			continue
		}
		switch {
		case c.Group():
			// Each device has an identity and a key of its own, whatever a person leaves open.
			if s.Generate = true; s.Identity == "" || s.Identity == c.Endpoint {
				s.Identity = Placeholder
			}
		case s.Generate:
			s.Generate = false
			s.Key = make([]byte, 16)
			rand.Read(s.Key)
		}
	}
}

// fits reports whether this program's own server would take the device as the configuration has it.
func (t *Configurations) fits(c *Configuration) error {
	s := c.local()
	if s == nil || c.Group() {
		return nil
	}
	return t.admits(c.Endpoint, s)
}

func (t *Configurations) admits(endpoint string, s *Server) error {
	if s.Mode == machine.NoSecurity {
		if _, has := t.local.Get(endpoint); has {
			return fmt.Errorf("%w: %q has credentials on this server, so it would refuse the device without them; give it mode psk, or remove the credentials", ErrConflict, endpoint)
		}
		return nil
	}
	identity := s.credential(endpoint, nil).Identity
	if holder, ok := t.local.ByIdentity([]byte(identity)); ok && holder.Endpoint != endpoint {
		return fmt.Errorf("%w: identity %q belongs to endpoint %q on this server; each device needs its own", ErrConflict, identity, holder.Endpoint)
	}
	return nil
}

// entry returns the credentials that a device needs on this program's own server and does not have there yet.
func (t *Configurations) entry(c *Configuration) (cr server.Credential, wanted bool) {
	s := c.local()
	if s == nil || c.Group() || s.Mode == machine.NoSecurity {
		return cr, false
	}
	cr = s.credential(c.Endpoint, s.Key)
	have, ok := t.local.Get(c.Endpoint)
	return cr, !ok || !same(have, cr) || !bytes.Equal(have.Key, cr.Key)
}

// enter stores the credentials of a device on this program's own server.
func (t *Configurations) enter(c *Configuration) error {
	cr, wanted := t.entry(c)
	if !wanted {
		return nil
	}
	_, err := t.local.Put(cr, false)
	return err
}
