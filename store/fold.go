package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"heddle.example/machine"
)

const (
	// foldStep is how many records go into the tables in one transaction: a commit that comes meanwhile waits for it,
	// some 5 ms.
	foldStep = 200
	// walFrame is the size of a page in the WAL.
	walFrame = 4096 + 24
	// foldPass is how many bytes of rows one fold takes into memory; the rest is for the next one.
	foldPass = 16 << 20
	// walLimit is how large the WAL gets before a checkpoint.
	walLimit = 8 << 20
)

func probeName() machine.Table { return machine.Table(strings.Repeat("-", 16<<10)) }

// nap is how long the writer may sleep.
func (d *disk) nap() time.Duration {
	d.mu.Lock()
	full := d.full
	d.mu.Unlock()
	switch {
	case full:
		return max(time.Millisecond, time.Until(d.retryAt))
	case d.row > d.folded && d.Failed() == nil:
		return max(time.Millisecond, time.Until(d.foldTime()))
	}
	return time.Hour
}

// foldTime is when nobody has appended for long enough.
func (d *disk) foldTime() time.Time {
	t := d.lastCommit.Add(d.options.foldAfter)
	if t.Before(d.foldNotBefore) {
		t = d.foldNotBefore
	}
	return t
}

// maintain folds when the journal is large or nobody has appended for a while, and checkpoints.
func (d *disk) maintain() {
	quiet := !time.Now().Before(d.foldTime())
	if d.row > d.folded && (d.journalBytes >= d.options.foldBytes && time.Now().After(d.foldNotBefore) || quiet) {
		if err := d.fold(); err != nil {
			d.note(err)
			d.foldNotBefore = time.Now().Add(d.options.retry)
			return
		}
	}
	if d.evictDue() {
		if err := d.evict(); err != nil {
			d.note(err)
			d.evictAt = time.Now().Add(evictEvery)
			return
		}
	}
	if d.walBytes >= walLimit || quiet && d.walBytes > 0 {
		if err := d.checkpoint(); err != nil {
			d.note(err)
		}
	}
}

// foldRecord is a record of the journal that goes into the tables.
type foldRecord struct {
	first      uint64 // bytes of the key, so that most comparisons need no more
	table      uint32 // index in foldList.tables
	n          uint32 // which of the journal's it is
	key, value []byte // a nil value: deleted
}

// foldList is the records that a fold takes.
type foldList struct {
	tables  []machine.Table
	records []foldRecord
}

func (l *foldList) add(table machine.Table, key, value []byte) {
	t := slices.Index(l.tables, table)
	if t < 0 {
		t = len(l.tables)
		l.tables = append(l.tables, table)
	}
	var first [8]byte
	copy(first[:], key)
	l.records = append(l.records, foldRecord{binary.BigEndian.Uint64(first[:]), uint32(t), uint32(len(l.records)), key, value})
}

// newest sorts the records by their keys and keeps the last one of each key.
func (l *foldList) newest() []foldRecord {
	slices.SortFunc(l.records, func(a, b foldRecord) int {
		switch {
		case a.table != b.table:
			return cmp.Compare(a.table, b.table)
		case a.first != b.first:
			return cmp.Compare(a.first, b.first)
		}
		return cmp.Or(bytes.Compare(a.key, b.key), cmp.Compare(b.n, a.n))
	})
	return slices.CompactFunc(l.records, func(a, b foldRecord) bool {
		return a.table == b.table && a.first == b.first && bytes.Equal(a.key, b.key)
	})
}

// fold brings the journal's rows into the tables: only the newest record of each key, in the order of the keys, in
// steps between which commits go on. The mark of what is folded moves, and the rows go, in the last step; a crash before
// that folds the same rows again, to the same result, because a row that is newer than what is in the tables is still in
// the journal.
func (d *disk) fold() error {
	ctx := context.Background()
	last := d.row
	all := foldList{records: make([]foldRecord, 0, min(d.journalRecords, 1<<17))}
	set := pointSet{points: d.options.Points}
	records, size := 0, 0
	err := d.tail(ctx, d.conn, d.folded, func(id int64, row []byte) error {
		if size > min(2*d.options.foldBytes, foldPass) { // the rest in the next fold
			return errEnough
		}
		n, err := readRow(slices.Clone(row), func(table machine.Table, key, value []byte) { // they live in the clone
			if set.points.holds(table) {
				set.add(id, key, value)
				return
			}
			all.add(table, key, value)
		})
		records += n
		size += len(row)
		last = id
		return err
	})
	if err != nil && err != errEnough {
		return d.judge(err)
	}
	f, err := d.folder(ctx, all.tables)
	if err != nil {
		return d.judge(err)
	}
	defer f.close()
	list := all.newest()
	d.midFold = true
	for n := 0; len(list) > 0; n++ {
		step := list[:min(foldStep, len(list))]
		list = list[len(step):]
		if err := d.inTransaction(ctx, func() error { return f.step(ctx, step) }); err != nil {
			return err
		}
		if err := d.letCommit(n); err != nil {
			return err
		}
	}
	if err := d.foldPoints(ctx, &set); err != nil {
		return err
	}
	err = d.inTransaction(ctx, func() error {
		if _, err := d.conn.ExecContext(ctx, "DELETE FROM journal WHERE id <= ?", last); err != nil {
			return err
		}
		_, err := d.conn.ExecContext(ctx, "UPDATE meta SET value = ? WHERE name = 'folded'", last)
		return err
	})
	if err != nil {
		return err
	}
	d.folded, d.midFold = last, false
	d.journalRecords -= records
	d.journalBytes -= size
	d.mu.Lock()
	d.stats.Folds++
	d.stats.Journal = d.journalRecords
	d.mu.Unlock()
	return nil
}

// letCommit lets what waits be committed after step n of a fold.
func (d *disk) letCommit(n int) error {
	if !d.lets(n) {
		return nil
	}
	b, _ := d.take()
	if len(b.waiting) == 0 {
		return nil
	}
	d.commit(b)
	return d.refuse()
}

// lets says whether commits may go on after step n of a fold. A journal that grows faster than it is folded would make
// every start slower and larger, so when it is long, promises slow down to the pace of the fold.
func (d *disk) lets(n int) bool {
	switch limit := 2 * d.options.foldBytes; {
	case d.journalBytes < limit:
		return true
	case d.journalBytes < 2*limit:
		return n%8 == 7
	}
	return false
}

// folder holds the statements of one fold.
type folder struct {
	*disk
	one, many, remove *sql.Stmt
	tables            []machine.Table
	ids               []int64 // of tables; 0: not known yet
	args              []any
}

// foldRows is how many records one statement puts: most of the cost of a short one is around the statement.
const foldRows = 16

func (d *disk) folder(ctx context.Context, tables []machine.Table) (*folder, error) {
	f := &folder{disk: d, tables: tables, ids: make([]int64, len(tables))}
	for _, s := range []struct {
		statement **sql.Stmt
		text      string
	}{
		{&f.one, "INSERT OR REPLACE INTO records (tbl, key, value) VALUES (?, ?, ?)"},
		{&f.many, "INSERT OR REPLACE INTO records (tbl, key, value) VALUES (?, ?, ?)" + strings.Repeat(", (?, ?, ?)", foldRows-1)},
		{&f.remove, "DELETE FROM records WHERE tbl = ? AND key = ?"},
	} {
		var err error
		if *s.statement, err = d.conn.PrepareContext(ctx, s.text); err != nil {
			f.close()
			return nil, err
		}
	}
	return f, nil
}

func (f *folder) close() {
	for _, s := range []*sql.Stmt{f.one, f.many, f.remove} {
		if s != nil {
			s.Close()
		}
	}
}

// step brings records into the tables. Their keys differ, so their order does not matter.
func (f *folder) step(ctx context.Context, list []foldRecord) error {
	f.args = f.args[:0]
	for _, r := range list {
		id := f.ids[r.table]
		if id == 0 {
			var err error
			if id, err = f.tableID(ctx, f.tables[r.table]); err != nil {
				return err
			}
			f.ids[r.table] = id
		}
		f.walBytes += int64(len(r.key)+len(r.value)) + walFrame/4
		if r.value == nil {
			if _, err := f.remove.ExecContext(ctx, id, r.key); err != nil {
				return err
			}
			continue
		}
		if f.args = append(f.args, id, r.key, r.value); len(f.args) == 3*foldRows {
			if _, err := f.many.ExecContext(ctx, f.args...); err != nil {
				return err
			}
			f.args = f.args[:0]
		}
	}
	for args := f.args; len(args) > 0; args = args[3:] {
		if _, err := f.one.ExecContext(ctx, args[:3]...); err != nil {
			return err
		}
	}
	return nil
}

func (d *disk) tableID(ctx context.Context, table machine.Table) (id int64, err error) {
	if _, err := d.conn.ExecContext(ctx, "INSERT OR IGNORE INTO tables (name) VALUES (?)", string(table)); err != nil {
		return 0, err
	}
	err = d.conn.QueryRowContext(ctx, "SELECT id FROM tables WHERE name = ?", string(table)).Scan(&id)
	return id, err
}

// synchronous says whether a transaction is on disk when it is committed.
func (d *disk) synchronous(full bool) error {
	if d.loose == !full {
		return nil
	}
	level := "NORMAL"
	if full {
		level = "FULL"
	}
	if _, err := d.conn.ExecContext(context.Background(), "PRAGMA synchronous="+level); err != nil {
		return err
	}
	d.loose = !full
	return nil
}

// synced tells tests that all that was written is on disk.
func (d *disk) synced() {
	if d.options.synced != nil && !d.loose {
		d.options.synced()
	}
}

// inTransaction is for what is no promise, so it waits for no fsync. The WAL keeps the order of what is written: a crash
// loses a suffix, and the fsync of the next commit, or of a checkpoint before it touches the tables, covers all before it.
func (d *disk) inTransaction(ctx context.Context, f func() error) error {
	if err := d.synchronous(false); err != nil {
		return d.judge(err)
	}
	if d.options.fault != nil {
		if err := d.options.fault(); err != nil {
			return d.judge(err)
		}
	}
	if _, err := d.conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return d.judge(err)
	}
	err := f()
	if err == nil {
		_, err = d.conn.ExecContext(ctx, "COMMIT")
	}
	if err != nil {
		d.conn.ExecContext(ctx, "ROLLBACK") // SQLite may have done so itself; then this says so, and that is all
		return d.judge(err)
	}
	return nil
}

// checkpoint brings the WAL into the database file, as far as readers allow, so that the WAL starts again from its
// beginning.
func (d *disk) checkpoint() error {
	if d.options.fault != nil {
		if err := d.options.fault(); err != nil {
			return d.judge(err)
		}
	}
	if err := d.synchronous(true); err != nil {
		return d.judge(err)
	}
	d.synced() // it begins with an fsync of the WAL
	var busy, wal, moved sql.NullInt64
	err := d.conn.QueryRowContext(context.Background(), "PRAGMA wal_checkpoint(PASSIVE)").Scan(&busy, &wal, &moved)
	if err != nil {
		return d.judge(err)
	}
	d.synced()
	if wal.Int64 == moved.Int64 {
		d.walBytes = 0
	} else {
		d.walBytes = min((wal.Int64-moved.Int64)*walFrame, walLimit/2) // a reader holds it up: later
	}
	d.mu.Lock()
	d.stats.Checkpoints++
	d.mu.Unlock()
	return nil
}
