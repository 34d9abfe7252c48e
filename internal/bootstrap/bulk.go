package bootstrap

import (
	"errors"
	"fmt"
	"slices"

	"heddle.example/internal/credentials"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// ItemError is why one item of a bulk was not added.
type ItemError struct {
	Index int
	Err   error
}

// Result of a bulk.
type Result struct {
	Added, Replaced, Skipped int
	Errors                   []ItemError
}

// item is a configuration of a bulk on its way into the table.
type item struct {
	index  int
	c, old *Configuration
}

// PutAll adds many configurations in one commit. A bad item is reported and does not keep the others out.
func (t *Configurations) PutAll(items []*Configuration, on credentials.OnConflict) (Result, error) {
	t.writing.Lock()
	defer t.writing.Unlock()
	var res Result
	var good []item
	names, identities := map[string]bool{}, map[string]bool{}
	for i, it := range items {
		c, old, err := t.prepare(it, on != credentials.Replace)
		if err == nil && (names[c.Endpoint] || c.Reach.Mode == machine.PSK && identities[c.Reach.Identity]) {
			err = fmt.Errorf("%w: an item before it has the same endpoint or bootstrap identity", ErrConflict)
		}
		switch {
		case on == credentials.Skip && errors.Is(err, ErrExists):
			res.Skipped++
			continue
		case err != nil:
			res.Errors = append(res.Errors, ItemError{i, err})
			continue
		}
		names[c.Endpoint] = true
		if c.Reach.Mode == machine.PSK {
			identities[c.Reach.Identity] = true
		}
		good = append(good, item{i, c, old})
	}
	good, err := t.enterAll(good, &res)
	if err != nil || len(good) == 0 {
		return res, err
	}
	changed := make([]*Configuration, len(good))
	for i, g := range good {
		changed[i] = g.c
	}
	if err := t.commit(changed); err != nil {
		return Result{}, err
	}
	for _, g := range good {
		if g.old != nil {
			res.Replaced++
		} else {
			res.Added++
		}
		t.take(g.old, g.c)
	}
	slices.SortFunc(res.Errors, func(a, b ItemError) int { return a.Index - b.Index })
	return res, nil
}

// enterAll stores the credentials of many devices in one commit, and leaves those that have none out.
func (t *Configurations) enterAll(good []item, res *Result) ([]item, error) {
	var all []server.Credential
	var of []int // the item that each belongs to
	for i, g := range good {
		if cr, wanted := t.entry(g.c); wanted {
			all, of = append(all, cr), append(of, i)
		}
	}
	if len(all) == 0 {
		return good, nil
	}
	r, err := t.local.PutAll(all, credentials.Replace)
	if err != nil {
		return nil, err
	}
	failed := map[int]bool{}
	for _, e := range r.Errors {
		i := of[e.Index]
		failed[i] = true
		res.Errors = append(res.Errors, ItemError{good[i].index, e.Err})
	}
	var keep []item
	for i, g := range good {
		if !failed[i] {
			keep = append(keep, g)
		}
	}
	return keep, nil
}
