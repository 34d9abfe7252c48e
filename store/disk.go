package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"modernc.org/sqlite"

	"heddle.example/machine"
)

// disk is the store in a data directory. Appends collect in memory; one goroutine, the only writer, turns what has
// collected into a row of the journal, and folds and checkpoints when it has time.
type disk struct {
	options Options
	log     *slog.Logger
	lock    *os.File
	db      *sql.DB   // holds conn
	conn    *sql.Conn // the writer's
	insert  *sql.Stmt
	reader  *sql.DB
	uri     string
	wake    chan struct{}
	ended   chan struct{}

	mu      sync.Mutex
	pending batch
	spare   batch
	stats   Stats
	failed  error // final
	full    bool
	closing bool

	// Only the writer's.
	row            int64 // id of the last row
	folded         int64 // id of the last row that is in the tables
	journalRecords int
	journalBytes   int
	rowBuffer      []byte
	retryAt        time.Time // full: when to try again
	foldNotBefore  time.Time // after a fold that did not work
	lastCommit     time.Time
	company        int // appends in the commit before
	walBytes       int64
	midFold        bool // rows of the journal may be in the tables already
	blockBytes     int64
	evictAt        time.Time
	loose          bool // transactions are not fsynced when they are committed
}

// batch is what the next commit holds.
type batch struct {
	row     rowWriter
	waiting []waiter
	since   time.Time
}

// waiter is an Append that waits for its answer. One that was refused stays in line, so that answers keep their order.
type waiter struct {
	done func(error)
	err  error
}

func (b *batch) reset() {
	clear(b.waiting)
	b.row.reset()
	b.waiting = b.waiting[:0]
	if cap(b.waiting) > 64<<10 {
		b.waiting = nil
	}
}

func (d *disk) Append(records []machine.Record, done func(error)) {
	d.mu.Lock()
	b := &d.pending
	w := waiter{done: done}
	switch {
	case d.closing:
		d.mu.Unlock()
		done(ErrClosed)
		return
	case d.failed != nil:
		w.err = d.failed
	case d.full:
		w.err = ErrFull
	case len(b.row.body) > d.options.maxPending:
		w.err = ErrBusy
	default:
		b.row.add(records)
	}
	d.stats.Appends++
	if w.err != nil {
		d.stats.Refused++
	}
	if len(b.waiting) == 0 {
		b.since = time.Now()
	}
	b.waiting = append(b.waiting, w)
	first, enough := len(b.waiting) == 1, b.row.records >= d.options.group
	d.mu.Unlock()
	if first || enough {
		d.rouse()
	}
}

func (d *disk) rouse() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *disk) Flush() {
	answered := make(chan struct{})
	d.mu.Lock()
	if d.closing {
		d.mu.Unlock()
		<-d.ended
		return
	}
	d.pending.waiting = append(d.pending.waiting, waiter{done: func(error) { close(answered) }})
	d.pending.since = time.Time{} // no waiting for company
	d.mu.Unlock()
	d.rouse()
	<-answered
}

func (d *disk) Failed() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failed
}

func (d *disk) Stats() Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.stats
	s.Pending, s.Full, s.Failed = d.pending.row.records, d.full, d.failed
	return s
}

func (d *disk) Close() error {
	d.mu.Lock()
	if d.closing {
		d.mu.Unlock()
		<-d.ended
		return ErrClosed
	}
	d.closing = true
	d.mu.Unlock()
	d.rouse()
	<-d.ended
	if d.Failed() != nil {
		// Closing SQLite would write to the disk once more, and could report a success that is none.
		d.lock.Close()
		return d.Failed()
	}
	return d.closeHandles()
}

func (d *disk) closeHandles() error {
	var err error
	if d.insert != nil {
		err = d.insert.Close()
	}
	if d.reader != nil {
		err = errors.Join(err, d.reader.Close())
	}
	if d.conn != nil {
		err = errors.Join(err, d.conn.Close())
	}
	if d.db != nil {
		err = errors.Join(err, d.db.Close()) // the last connection to close makes the last checkpoint
	}
	return errors.Join(err, d.lock.Close())
}

// judge sorts the errors of a write: no room and nothing written, a passing obstacle, or the end.
func (d *disk) judge(err error) error {
	var e *sqlite.Error
	if errors.As(err, &e) {
		switch {
		case e.Code()&0xff == sqliteFull, e.Code() == sqliteShmSize:
			return ErrFull
		case e.Code()&0xff == sqliteBusy, e.Code()&0xff == sqliteNoMem:
			return fmt.Errorf("%w: %v", ErrBusy, err)
		}
	}
	return fmt.Errorf("%w: %v", ErrFailed, err)
}

// note records the outcome of a write.
func (d *disk) note(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch full := errors.Is(err, ErrFull); {
	case errors.Is(err, ErrFailed):
		if d.failed == nil {
			d.failed = err
			d.log.Error("the data directory's disk failed: nothing more is promised", "error", err)
		}
	case full && !d.full:
		d.full = true
		d.log.Error("the data directory's disk is full: nothing new is promised until there is room")
	case err == nil && d.full:
		d.full = false
		d.log.Info("the data directory's disk has room again")
	}
}

func ignoreRecord(machine.Table, []byte, []byte) {}

// tail calls each with the rows of the journal after a row. The slice is valid until each returns.
func (d *disk) tail(ctx context.Context, q querier, after int64, each func(id int64, row []byte) error) error {
	rows, err := q.QueryContext(ctx, "SELECT id, data FROM journal WHERE id > ? ORDER BY id", after)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var data sql.RawBytes
		if err := rows.Scan(&id, &data); err != nil {
			return err
		}
		if err := each(id, data); err != nil {
			return err
		}
	}
	return rows.Err()
}

type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}
