package joining

import (
	"encoding/binary"
	"slices"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/status"
	"heddle.example/thread/tlv"
)

// Kind says how an entry names its joiner.
type Kind uint8

// The kinds of entry.
const (
	Anybody Kind = iota
	ByEUI64
	ByDiscerner
)

// Entry is a joiner that may join.
type Entry struct {
	Kind      Kind
	EUI64     [8]byte
	Discerner Discerner
	Password  string
	Expires   machine.Time
}

// ID returns what the entry's joiner calls itself, if it is one in particular.
func (e *Entry) id() *meshcop.JoinerID {
	if e.Kind != ByEUI64 {
		return nil
	}
	id := meshcop.NewJoinerID(e.EUI64)
	return &id
}

// Entries returns the joiners that may join.
func (c *Commissioner) Entries() []*Entry { return c.entries }

// AddJoiner lets a joiner in for a time.
func (c *Commissioner) AddJoiner(now machine.Time, e Entry, timeout time.Duration) error {
	old := c.find(&e)
	switch {
	case c.state != Active:
		return status.InvalidState
	case old == nil && len(c.entries) >= c.max:
		return status.NoBufs
	case !ValidPassword(e.Password):
		return status.InvalidArgs
	}
	e.Expires = now.Add(timeout)
	if old != nil {
		*old = e
	} else {
		c.entries = append(c.entries, &e)
	}
	c.steer(now)
	return nil
}

func (c *Commissioner) find(e *Entry) *Entry {
	for _, o := range c.entries {
		if o.Kind == e.Kind && o.EUI64 == e.EUI64 && o.Discerner == e.Discerner {
			return o
		}
	}
	return nil
}

// RemoveJoiner lets a joiner in no more.
func (c *Commissioner) RemoveJoiner(now machine.Time, e Entry) error {
	if c.state != Active {
		return status.InvalidState
	}
	old := c.find(&e)
	if old == nil {
		return status.NotFound
	}
	c.remove(now, old)
	return nil
}

func (c *Commissioner) remove(now machine.Time, e *Entry) {
	c.entries = slices.DeleteFunc(c.entries, func(o *Entry) bool { return o == e })
	if c.active == e {
		c.active = nil
	}
	c.env.JoinerEvent(now, JoinerRemove, e.id())
	c.steer(now)
}

// steer tells the leader whom to let in.
func (c *Commissioner) steer(now machine.Time) {
	b := binary.BigEndian.AppendUint16([]byte{tlvCommissionerSession, 2}, c.session)
	filter := meshcop.NewSteeringData(16)
	for _, e := range c.entries {
		switch e.Kind {
		case ByEUI64:
			filter.Add(meshcop.NewJoinerID(e.EUI64))
		case ByDiscerner:
			filter.Add(meshcop.Discerner(e.Discerner.Value, e.Discerner.Length))
		}
	}
	if i := slices.IndexFunc(c.entries, func(e *Entry) bool { return e.Kind == Anybody }); i >= 0 {
		filter = meshcop.SteeringData{0xff}
	}
	c.env.Post(now, c.leader(), uriSet, tlv.Append(b, tlvSteeringData, filter), true, nil)
}

// entryFor returns the entry for a joiner that calls itself so: its own before one for all.
func (c *Commissioner) entryFor(id meshcop.JoinerID) *Entry {
	var best *Entry
	for _, e := range c.entries {
		switch e.Kind {
		case ByEUI64:
			if meshcop.NewJoinerID(e.EUI64) == id {
				return e
			}
		case ByDiscerner:
			mask := ^uint64(0) >> (64 - e.Discerner.Length)
			if binary.BigEndian.Uint64(id[:])&mask == e.Discerner.Value&mask {
				if best == nil || best.Kind == Anybody || best.Discerner.Length < e.Discerner.Length {
					best = e
				}
			}
		case Anybody:
			if best == nil {
				best = e
			}
		}
	}
	return best
}
