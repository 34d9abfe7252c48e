package commissioning

import (
	"encoding/hex"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/info"
	"heddle.example/thread/joining"
	"heddle.example/thread/meshcop"
)

// What is said of an attempt that did not succeed. The commissioner sees where it ended, and that says why.
const (
	whySecure = "The handshake failed: the device has another password (PSKd). Look at its label, add it again, and start the joiner again."
	whyFinal  = "The connection was secured, then the device did not finish: it was switched off, or lost the joiner router. Start the joiner again."
)

// joiner keeps what became of an attempt.
func (c *Service) joiner(now machine.Time, e *info.JoinerEvent) {
	if e.ID == nil || e.Event == "remove" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	id := hex.EncodeToString(e.ID[:])
	t := c.last(id)
	if e.Event == string(joining.JoinerStart) || t == nil || t.over {
		if e.Event == string(joining.JoinerEnd) {
			return
		}
		c.tries = append(c.tries, Try{At: c.clock().UTC(), ID: id, Joiner: c.fits(id), State: "connecting", began: now})
		if extra := len(c.tries) - triesMost; extra > 0 {
			c.tries = append(c.tries[:0], c.tries[extra:]...)
		}
		t = &c.tries[len(c.tries)-1]
	}
	t.Took = int64(now.Sub(t.began) / time.Millisecond)
	switch joining.JoinerEvent(e.Event) {
	case joining.JoinerConnect:
		t.State = "secured"
	case joining.JoinerFinalize:
		t.State = "joined"
	case joining.JoinerEnd:
		t.over = true
		switch t.State {
		case "connecting":
			t.State, t.Why = "failed", whySecure
		case "secured":
			t.State, t.Why = "failed", whyFinal
		}
	}
}

func (c *Service) last(id string) *Try {
	for i := len(c.tries) - 1; i >= 0; i-- {
		if c.tries[i].ID == id {
			return &c.tries[i]
		}
	}
	return nil
}

// learn remembers what the joiner of an entry will call itself.
func (c *Service) learn(e *joining.Entry) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.names) > 1000 {
		clear(c.names)
	}
	if e.Kind == joining.ByEUI64 {
		id := meshcop.NewJoinerID(e.EUI64)
		c.names[hex.EncodeToString(id[:])] = nameOf(e)
	}
}

func (c *Service) fits(id string) string { return c.names[id] }
