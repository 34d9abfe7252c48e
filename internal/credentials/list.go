package credentials

import (
	"errors"
	"fmt"
	"strings"

	"heddle.example/lwm2m/server"
)

// List returns up to limit rows after an endpoint (empty: the first) whose endpoint or identity contains text, without
// regard to case.
func (c *Credentials) List(after, text string, limit int) []Credential {
	text = strings.ToLower(text)
	list := []Credential{}
	c.mu.RLock()
	defer c.mu.RUnlock()
	c.sorted.After(after, func(r *row) bool {
		if text == "" || strings.Contains(strings.ToLower(r.endpoint), text) || strings.Contains(strings.ToLower(r.identity), text) {
			list = append(list, r.full())
		}
		return len(list) < limit
	})
	return list
}

// Endpoints calls f with every endpoint, in no order.
func (c *Credentials) Endpoints(f func(endpoint string)) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for e := range c.byEndpoint {
		f(e)
	}
}

// OnConflict says what a bulk does with an endpoint that has credentials already.
type OnConflict uint8

// The ways out of a conflict.
const (
	Fail    OnConflict = iota // it is an error; the other items are added
	Replace                   // the new one replaces it
	Skip                      // the old one stays
)

// ParseOnConflict reads "fail", "replace" or "skip"; empty is Fail.
func ParseOnConflict(s string) (OnConflict, error) {
	switch s {
	case "", "fail":
		return Fail, nil
	case "replace":
		return Replace, nil
	case "skip":
		return Skip, nil
	}
	return 0, fmt.Errorf("%w: onConflict is %q; use fail, replace or skip", ErrInvalid, s)
}

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

// PutAll adds many credentials in one commit. A bad item is reported and does not keep the others out.
func (c *Credentials) PutAll(items []server.Credential, on OnConflict) (Result, error) {
	var res Result
	type change struct{ r, old *row }
	var changes []change
	c.mu.Lock()
	for i, item := range items {
		r, old, err := c.set(item, on != Replace)
		switch {
		case err == nil && old == nil:
			res.Added++
		case err == nil:
			res.Replaced++
		case on == Skip && errors.Is(err, ErrExists):
			res.Skipped++
			continue
		default:
			res.Errors = append(res.Errors, ItemError{i, err})
			continue
		}
		changes = append(changes, change{r, old})
	}
	rows := make([]*row, len(changes))
	for i, ch := range changes {
		rows[i] = ch.r
	}
	var done chan error
	if len(rows) > 0 {
		done = c.append(rows)
	}
	c.mu.Unlock()
	if done == nil {
		return res, nil
	}
	if err := <-done; err != nil {
		for i := len(changes) - 1; i >= 0; i-- {
			c.undo(changes[i].r, changes[i].old)
		}
		return Result{}, notStored(err)
	}
	for _, ch := range changes {
		if ch.old != nil {
			c.change(ch.old.credential())
		}
	}
	return res, nil
}
