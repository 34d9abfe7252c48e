package bootstrap

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"heddle.example/lwm2m/bootstrap"
	"heddle.example/machine"
)

// GivenTable says which configuration of a group gave a device its credentials on this program's own server; the key is
// the endpoint. Credentials from elsewhere are not a group's to give: whoever knows a name could ask for them.
const GivenTable machine.Table = "bootstrap.given"

// devicesMost is how many devices a group is for, where its configuration does not say: strangers choose their names.
const devicesMost = 10_000

// ErrTooMany says that a group has as many devices as it may.
var ErrTooMany = errors.New("bootstrap: the group has as many devices as it may")

// Give returns what a device is given now. Where a server is this program's, its credentials are there and on disk before.
// The key that stands in the table of credentials is the one that counts: an operator may have changed it.
func (t *Configurations) Give(endpoint string, c *Configuration) (*bootstrap.Provision, error) {
	s := c.local()
	if s == nil || t.local == nil {
		return c.Provision(endpoint, nil), nil
	}
	if err := t.admits(endpoint, s); err != nil {
		return nil, err
	}
	if s.Mode == machine.NoSecurity {
		return c.Provision(endpoint, nil), nil
	}
	key := c.key(s, endpoint)
	cr := s.credential(endpoint, key)
	have, has := t.local.Get(endpoint)
	switch {
	case has && c.Group() && (!same(have, cr) || t.givenBy(endpoint) != c.Endpoint):
		return nil, fmt.Errorf("%w: %q has credentials on this server that did not come from the configuration of %q; give it a configuration of its own, or remove them", ErrConflict, endpoint, c.Endpoint)
	case has && same(have, cr) && s.asymmetric():
		return c.Provision(endpoint, nil), nil
	case has && same(have, cr):
		return c.Provision(endpoint, have.Key), nil
	}
	if c.Group() {
		if err := t.note(endpoint, c); err != nil {
			return nil, err
		}
	}
	if _, err := t.local.Put(cr, false); err != nil {
		return nil, err
	}
	return c.Provision(endpoint, key), nil
}

// Ready reports whether Give answers without waiting for the disk.
func (t *Configurations) Ready(endpoint string, c *Configuration) bool {
	s := c.local()
	if s == nil || t.local == nil || s.Mode == machine.NoSecurity {
		return true
	}
	have, ok := t.local.Get(endpoint)
	return ok && (c.Group() || same(have, s.credential(endpoint, nil)))
}

// givenBy returns the group that gave a device its credentials.
func (t *Configurations) givenBy(endpoint string) string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.given[endpoint]
}

// note writes down, before the credentials exist, that a group gives them.
func (t *Configurations) note(endpoint string, c *Configuration) error {
	most := int(c.MaxDevices)
	if most == 0 {
		most = devicesMost
	}
	if !t.reserve(endpoint, c.Endpoint, most) {
		if t.prune(); !t.reserve(endpoint, c.Endpoint, most) {
			return fmt.Errorf("%w: %d, the maxDevices of %q", ErrTooMany, most, c.Endpoint)
		}
	}
	done := make(chan error, 1)
	t.store.Append([]machine.Record{{Table: GivenTable, Key: []byte(endpoint), Value: []byte(c.Endpoint)}}, func(err error) { done <- err })
	if err := <-done; err != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.setGiven(endpoint, "")
		return notStored(err)
	}
	return nil
}

// reserve makes room for one more device of a group, and reports whether there was some.
func (t *Configurations) reserve(endpoint, group string, most int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.given[endpoint] != group {
		if t.counts[group] >= most {
			return false
		}
		t.setGiven(endpoint, group)
	}
	return true
}

// setGiven notes that a group gave a device its credentials, or with an empty group that nobody did. The caller holds mu.
func (t *Configurations) setGiven(endpoint, group string) {
	if old := t.given[endpoint]; old != "" {
		if t.counts[old]--; t.counts[old] == 0 {
			delete(t.counts, old)
		}
		delete(t.given, endpoint)
	}
	if group != "" {
		t.given[strings.Clone(endpoint)] = group
		t.counts[group]++
	}
}

// prune forgets the devices whose credentials are gone.
func (t *Configurations) prune() {
	t.mu.Lock()
	defer t.mu.Unlock()
	var records []machine.Record
	for endpoint := range t.given {
		if _, has := t.local.Get(endpoint); !has {
			records = append(records, machine.Record{Table: GivenTable, Key: []byte(endpoint)})
		}
	}
	for _, r := range records {
		t.setGiven(string(r.Key), "")
	}
	if len(records) > 0 {
		t.store.Append(records, func(error) {}) // those that stay on disk are pruned again
	}
}

// loadGiven reads the table.
func (t *Configurations) loadGiven() error {
	t.given, t.counts = map[string]string{}, map[string]int{}
	err := t.store.Load(GivenTable, func(key, value []byte) error {
		t.setGiven(string(key), string(bytes.Clone(value)))
		return nil
	})
	if err == nil && t.local != nil {
		t.prune()
	}
	return err
}
