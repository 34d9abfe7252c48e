package meshdevice

import (
	"cmp"
	"encoding/json"
	"slices"

	"heddle.example/dtls"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/words"
	"heddle.example/machine"
	"heddle.example/thread"
)

// Table holds what a device does by itself after a boot.
const Table machine.Table = "meshdevice"

// The keys of Table.
const (
	keyStart = "start" // the options of lwstart in JSON; empty: a person has stopped LwM2M
	keyUp    = "up"    // an LwM2M server has the device reboot: nobody is there to bring the interface up
)

// forgotten are the tables that an LwM2M factory reset empties: accounts, sessions, what servers wrote. What objects keep
// themselves stays, as installed firmware does, and so does the network: without it nobody would reach the device.
var forgotten = []machine.Table{client.Table, dtls.SessionTable}

// storeState is what the device knows of its disk.
type storeState struct {
	settled machine.Seq // commits up to here are on disk, or failed
	reset   machine.Seq // the device boots once this one is settled; 0: it does not
	keys    map[key]struct{}
}

type key struct {
	table machine.Table
	key   string
}

func (d *Device) durable() bool { return d.cfg.Thread.Settings != nil }

// boot does what the disk says about the start.
func (d *Device) boot() error {
	var text []byte
	var has, up bool
	if d.durable() {
		err := d.cfg.Thread.Settings.Load(Table, func(key, value []byte) error {
			switch string(key) {
			case keyStart:
				text, has = slices.Clone(value), true
			case keyUp:
				up = true
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	o := d.cfg.Start
	if has {
		if o = nil; len(text) > 0 {
			o = &StartOptions{Options: words.Defaults()}
			if err := json.Unmarshal(text, &o.Options); err != nil {
				o = nil // of another time
			}
		}
	}
	if o != nil {
		if err := d.start(0, *o); err != nil {
			return err
		}
	}
	if up {
		d.put(0, machine.Record{Table: Table, Key: []byte(keyUp)})
		if err := d.node.Up(d.now, 0); err != nil {
			return err
		}
		_ = d.node.Start(d.now, 0) // without a dataset there is no network to be in
	}
	return nil
}

// put writes records.
func (d *Device) put(cause machine.Cause, records ...machine.Record) machine.Seq {
	if !d.durable() {
		return 0
	}
	d.pump() // commits leave in the order of their numbers
	seq := d.out.Nest().NextSeq()
	d.out.Push(machine.Action{Kind: machine.Persist, Cause: cause, Seq: seq, Records: records})
	return seq
}

// noteStart remembers what a person has started, or with nil that LwM2M is stopped. Accounts that the program gave are
// given again at each boot.
func (d *Device) noteStart(cause machine.Cause, o *StartOptions) {
	r := machine.Record{Table: Table, Key: []byte(keyStart), Value: []byte{}}
	if o != nil {
		if o.Servers != nil {
			return
		}
		text, err := json.Marshal(&o.Options)
		if err != nil {
			return
		}
		r.Value = text
	}
	d.put(cause, r)
}

// restore gives a new client what an earlier one has left.
func (d *Device) restore(c *client.Client) error {
	if !d.durable() {
		return nil
	}
	for _, t := range []machine.Table{client.Table, client.KeepTable, dtls.SessionTable} {
		err := d.cfg.Thread.Settings.Load(t, func(k, value []byte) error {
			if slices.Contains(forgotten, t) {
				d.noteKey(t, k)
			}
			if err := c.Restore(d.now, t, k, value); err != nil {
				d.out.Push(machine.Action{Kind: machine.Event, Value: &NotRestored{err}}) // it goes on without
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// NotRestored is an Event: a stored record could not be used.
type NotRestored struct{ Err error }

func (d *Device) noteKey(t machine.Table, k []byte) {
	if d.store.keys == nil {
		d.store.keys = map[key]struct{}{}
	}
	d.store.keys[key{t, string(k)}] = struct{}{}
}

// noteKeys remembers which records there are of the tables that a factory reset empties.
func (d *Device) noteKeys(records []machine.Record) {
	for _, r := range records {
		switch {
		case !slices.Contains(forgotten, r.Table):
		case r.Value == nil:
			delete(d.store.keys, key{r.Table, string(r.Key)})
		default:
			d.noteKey(r.Table, r.Key)
		}
	}
}

// reboot has the device made anew, as an LwM2M server wants it. It comes up again by itself.
func (d *Device) reboot(cause machine.Cause, factory bool) {
	d.lw.dead = true
	records := []machine.Record{{Table: Table, Key: []byte(keyUp), Value: []byte{1}}}
	if factory {
		var list []key
		for k := range d.store.keys {
			list = append(list, k)
		}
		slices.SortFunc(list, func(a, b key) int { return cmp.Or(cmp.Compare(a.table, b.table), cmp.Compare(a.key, b.key)) })
		for _, k := range list {
			records = append(records, machine.Record{Table: k.table, Key: []byte(k.key)})
		}
	}
	if d.store.reset = d.put(cause, records...); d.store.reset == 0 {
		d.out.Push(machine.Action{Kind: machine.Ask, Cause: cause, Value: &thread.ResetRequest{}})
	}
}

// settled notes that a commit is on disk, or never will be.
func (d *Device) settled(seq machine.Seq) {
	s := &d.store
	s.settled = max(s.settled, seq)
	if s.reset != 0 && s.settled >= s.reset {
		s.reset = 0
		d.out.Push(machine.Action{Kind: machine.Ask, Value: &thread.ResetRequest{}})
	}
	d.ended()
}
