package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"heddle.example/machine"
)

// Snapshot is a store as it was at one instant.
type Snapshot interface {
	// Records calls each with all states of all tables but those to skip, in order. It borrows what it gives.
	Records(skip func(machine.Table) bool, each func(machine.Record) error) error
	// Blocks calls each with all blocks of points; the blocks of a series come one after the other. It borrows what it gives.
	Blocks(each func(StoredBlock) error) error
	Close() error
}

// StoredBlock is a block with the name of its series, and the day, since 1970, on which its last point came in.
type StoredBlock struct {
	Owner, Name []byte
	Day         int64
	Block
}

type diskSnapshot struct {
	d  *disk
	db *sql.DB
	tx *sql.Tx
}

// Snapshot opens a connection of its own, so that a reader of hours takes none from the others.
func (d *disk) Snapshot() (Snapshot, error) {
	db, err := sql.Open("sqlite", d.uri+"?mode=ro&_pragma=busy_timeout(5000)&_pragma=query_only(1)&_pragma=cache_size(-1024)")
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	s := &diskSnapshot{d: d, db: db}
	if s.tx, err = db.BeginTx(context.Background(), &sql.TxOptions{ReadOnly: true}); err == nil {
		var n int64
		err = s.tx.QueryRow("SELECT count(*) FROM meta").Scan(&n) // the first look fixes the instant
	}
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("store: %w", err)
	}
	return s, nil
}

func (s *diskSnapshot) Close() error {
	if s.tx != nil {
		s.tx.Rollback()
	}
	return s.db.Close()
}

func (s *diskSnapshot) Records(skip func(machine.Table) bool, each func(machine.Record) error) error {
	ctx := context.Background()
	tables, err := s.d.tables(ctx, s.tx)
	if err != nil {
		return err
	}
	for _, t := range tables {
		if skip(t) {
			continue
		}
		if err := s.d.load(ctx, s.tx, t, func(key, value []byte) error { return each(machine.Record{Table: t, Key: key, Value: value}) }); err != nil {
			return err
		}
	}
	return nil
}

func (s *diskSnapshot) Blocks(each func(StoredBlock) error) error {
	o := s.d.options.Points
	if o == nil {
		return nil
	}
	ctx := context.Background()
	// What the journal has of points comes behind the series that it belongs to.
	set := pointSet{points: o}
	err := s.d.tail(ctx, s.tx, -1, func(id int64, row []byte) error {
		_, err := readRow(slices.Clone(row), func(table machine.Table, key, value []byte) {
			if o.holds(table) {
				set.add(id, key, value)
			}
		})
		return err
	})
	if err != nil {
		return err
	}
	rest := func(owner, name []byte, through int64) error {
		key := seriesKey(nil, owner, name)
		p := set.series[string(key)]
		if p == nil {
			return nil
		}
		delete(set.series, string(key))
		points := p.since(through)
		if len(points) == 0 {
			return nil
		}
		for _, b := range o.Packer.Pack(Block{}, points) {
			if err := each(StoredBlock{owner, name, o.today(), b}); err != nil {
				return err
			}
		}
		return nil
	}
	rows, err := s.tx.QueryContext(ctx, "SELECT owner, name, first, last, points, through, day, data FROM blocks ORDER BY owner, name, seq")
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer rows.Close()
	var last StoredBlock
	through, any := int64(-1), false
	for rows.Next() {
		var b StoredBlock
		var upto int64
		if err := rows.Scan(&b.Owner, &b.Name, &b.First, &b.Last, &b.Points, &upto, &b.Day, &b.Data); err != nil {
			return fmt.Errorf("store: %w", err)
		}
		if any && (string(last.Owner) != string(b.Owner) || string(last.Name) != string(b.Name)) {
			if err := rest(last.Owner, last.Name, through); err != nil {
				return err
			}
		}
		if row, gone := set.dropped[string(b.Owner)]; gone && upto < row {
			last, through, any = b, upto, true
			continue
		}
		if err := each(b); err != nil {
			return err
		}
		last, through, any = b, upto, true
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if any {
		if err := rest(last.Owner, last.Name, through); err != nil {
			return err
		}
	}
	for _, p := range sortedSeries(set.series) { // series that have no block yet
		if err := rest(p.owner, p.name, -1); err != nil {
			return err
		}
	}
	return nil
}
