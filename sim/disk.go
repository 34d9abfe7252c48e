package sim

import (
	"errors"
	"sort"
	"time"

	"heddle.example/machine"
)

// ErrDiskFull is what a full Disk answers to a commit.
var ErrDiskFull = errors.New("sim: the disk is full")

// Disk is a journal of commits on a node. A commit is on disk SyncDelay after it was asked for. A crash loses commits
// that are not: any suffix of them, since a disk may have written some on its own.
type Disk struct {
	// SyncDelay is how long a commit takes (1 ms by default).
	SyncDelay time.Duration
	// Full makes every new commit fail.
	Full bool
	// Fail, where set, decides for each commit whether its sync fails.
	Fail func(seq machine.Seq) error

	world    *World
	rand     source
	done     func(seq machine.Seq, err error) // the driver that is told; nil while the computer is off
	mounts   int
	durable  map[machine.Table]map[string][]byte
	pending  []commit // asked for, not yet on disk
	lastSync machine.Time
	commits  int
	lost     int
}

type commit struct {
	seq     machine.Seq
	records []machine.Record
}

// Disk makes a disk for a driver of its own kind: it calls Mount at boot, Write for each Persist, and Crash at power off.
func (w *World) Disk(name string) *Disk {
	return &Disk{SyncDelay: time.Millisecond, world: w, rand: w.source("disk " + name), durable: map[machine.Table]map[string][]byte{}}
}

// Load calls each with every record of a table, sorted by key.
func (d *Disk) Load(table machine.Table, each func(key, value []byte) error) error {
	keys := make([]string, 0, len(d.durable[table]))
	for k := range d.durable[table] {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		if err := each([]byte(k), d.durable[table][k]); err != nil {
			return err
		}
	}
	return nil
}

// Tables returns the names of the tables that hold a record, sorted.
func (d *Disk) Tables() []machine.Table {
	var names []string
	for t, rows := range d.durable {
		if len(rows) > 0 {
			names = append(names, string(t))
		}
	}
	sort.Strings(names)
	tables := make([]machine.Table, len(names))
	for i, n := range names {
		tables[i] = machine.Table(n)
	}
	return tables
}

// Put writes a record at once, as what a test finds on the disk at boot.
func (d *Disk) Put(table machine.Table, key, value []byte) {
	d.apply([]machine.Record{{Table: table, Key: key, Value: value}})
}

// Commits returns how many commits reached the disk, and Lost how many a crash took.
func (d *Disk) Commits() int { return d.commits }

// Lost returns how many commits crashes took.
func (d *Disk) Lost() int { return d.lost }

// Mount names who is told of each commit that ended, until the next Mount or Crash.
func (d *Disk) Mount(done func(seq machine.Seq, err error)) { d.done = done; d.mounts++ }

// Write begins commit seq.
func (d *Disk) Write(seq machine.Seq, records []machine.Record) {
	c := commit{seq: seq}
	for _, r := range records {
		c.records = append(c.records, machine.Record{Table: r.Table, Key: append([]byte(nil), r.Key...), Value: clone(r.Value)})
	}
	var err error
	switch {
	case d.Full:
		err = ErrDiskFull
	case d.Fail != nil:
		err = d.Fail(seq)
	}
	if err == nil {
		d.pending = append(d.pending, c)
	}
	mount := d.mounts
	// Syncs end in the order in which they were asked for.
	d.lastSync = max(d.lastSync, d.world.now.Add(d.SyncDelay))
	d.world.At(d.lastSync, func() {
		if mount != d.mounts || d.done == nil {
			return
		}
		if err == nil {
			d.commits++
			d.apply(c.records)
			d.pending = d.pending[1:]
		}
		d.done(seq, err)
	})
}

// Crash cuts the power: it keeps a random prefix of what was being written. The record after it may be torn, which a journal's checksum
// makes the same as lost.
func (d *Disk) Crash() {
	keep := 0
	if len(d.pending) > 0 {
		keep = int(d.rand.Uint64() % uint64(len(d.pending)+1))
	}
	for _, c := range d.pending[:keep] {
		d.apply(c.records)
	}
	d.lost += len(d.pending) - keep
	d.pending, d.lastSync, d.done = nil, 0, nil
	d.mounts++
}

func (d *Disk) apply(records []machine.Record) {
	for _, r := range records {
		rows := d.durable[r.Table]
		if rows == nil {
			rows = map[string][]byte{}
			d.durable[r.Table] = rows
		}
		if r.Value == nil {
			delete(rows, string(r.Key))
		} else {
			rows[string(r.Key)] = clone(r.Value)
		}
	}
}

// clone copies b; nil, which deletes, stays nil, and empty stays empty.
func clone(b []byte) []byte {
	if b == nil {
		return nil
	}
	return append([]byte{}, b...)
}
