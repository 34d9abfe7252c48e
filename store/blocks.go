package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"

	"heddle.example/machine"
)

// blockSchema came with format 2. The day is the one on which the last point was put in, whatever time the device said, so
// that no clock of a device makes a block stay or go.
const blockSchema = `
CREATE TABLE blocks (owner BLOB NOT NULL, name BLOB NOT NULL, seq INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, points INTEGER NOT NULL,
	through INTEGER NOT NULL, day INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (owner, name, seq)) WITHOUT ROWID;
CREATE INDEX blocks_day ON blocks (day);
INSERT INTO meta VALUES ('blocks', 0);
`

// Blocks calls each with the blocks of a series that have points between two times, both included, in the order of their
// First: those in the table, and what is still in the journal.
func (d *disk) Blocks(owner, name []byte, from, to int64, each func(Block) error) error {
	if d.options.Points == nil {
		return nil
	}
	ctx := context.Background()
	tx, err := d.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer tx.Rollback()
	through := int64(-1)
	err = tx.QueryRowContext(ctx, "SELECT through FROM blocks WHERE owner = ? AND name = ? ORDER BY seq DESC LIMIT 1", owner, name).Scan(&through)
	if err != nil && err != sql.ErrNoRows {
		return fmt.Errorf("store: %w", err)
	}
	found := seriesPoints{}
	dropped := false // what is in the table
	if err := d.pointsAfter(ctx, tx, through, owner, func(_ int64, n, point []byte) {
		if point == nil {
			found.points, dropped = nil, true
		} else if bytes.Equal(n, name) {
			found.points = append(found.points, bytes.Clone(point))
		}
	}); err != nil {
		return err
	}
	type place struct {
		first, seq int64
		block      Block // of the journal
	}
	var list []place
	rows, err := tx.QueryContext(ctx, "SELECT first, seq FROM blocks WHERE owner = ? AND name = ? AND first <= ? AND last >= ?", owner, name, to, from)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer rows.Close()
	for !dropped && rows.Next() {
		var p place
		if err := rows.Scan(&p.first, &p.seq); err != nil {
			return fmt.Errorf("store: %w", err)
		}
		list = append(list, p)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if len(found.points) > 0 {
		for _, b := range d.options.Points.Packer.Pack(Block{}, found.points) {
			if b.First <= to && b.Last >= from {
				list = append(list, place{b.First, -1, b})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b place) int { return cmp.Compare(a.first, b.first) })
	get, err := tx.PrepareContext(ctx, "SELECT first, last, points, data FROM blocks WHERE owner = ? AND name = ? AND seq = ?")
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer get.Close()
	for _, p := range list {
		b := p.block
		if p.seq >= 0 {
			if err := get.QueryRowContext(ctx, owner, name, p.seq).Scan(&b.First, &b.Last, &b.Points, &b.Data); err != nil {
				return fmt.Errorf("store: %w", err)
			}
		}
		if err := each(b); err != nil {
			return err
		}
	}
	return nil
}

// pointsAfter calls each with the points of an owner that are in rows of the journal after one, and without a point where
// all before it are gone. They are borrowed.
func (d *disk) pointsAfter(ctx context.Context, q querier, row int64, owner []byte, each func(row int64, name, point []byte)) error {
	return d.tail(ctx, q, row, func(id int64, data []byte) error {
		if !bytes.Contains(data, owner) { // the journal may be long, and most of it is about others
			return nil
		}
		_, err := readRow(data, func(table machine.Table, key, value []byte) {
			if !d.options.Points.holds(table) || !bytes.Equal(key, owner) {
				return
			}
			if value == nil {
				each(id, nil, nil)
			} else {
				d.options.Points.Packer.Split(value, func(name, point []byte) { each(id, name, point) })
			}
		})
		return err
	})
}

// namesOf jumps from name to name of an owner: it has few names, and many blocks of each.
const namesOf = `WITH RECURSIVE n(name) AS (SELECT min(name) FROM blocks WHERE owner = ?1
	UNION ALL SELECT (SELECT min(b.name) FROM blocks b WHERE b.owner = ?1 AND b.name > n.name) FROM n WHERE n.name IS NOT NULL)
	SELECT name FROM n WHERE name IS NOT NULL`

// Series returns the names of an owner's series, sorted.
func (d *disk) Series(owner []byte) ([][]byte, error) {
	if d.options.Points == nil {
		return nil, nil
	}
	ctx := context.Background()
	tx, err := d.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	defer tx.Rollback()
	var names [][]byte
	rows, err := tx.QueryContext(ctx, namesOf, owner)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var n []byte
		if err := rows.Scan(&n); err != nil {
			return nil, fmt.Errorf("store: %w", err)
		}
		names = append(names, n)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	seen := map[string]bool{}
	stored, gone := names, int64(-1)
	names = nil
	if err := d.pointsAfter(ctx, tx, -1, owner, func(row int64, name, point []byte) {
		if point == nil {
			clear(seen)
			names, gone = nil, row
		} else if !seen[string(name)] {
			seen[string(name)] = true
			names = append(names, bytes.Clone(name))
		}
	}); err != nil {
		return nil, err
	}
	for _, n := range stored {
		through := gone
		if gone >= 0 { // only what came after that is still there
			if err := tx.QueryRowContext(ctx, "SELECT max(through) FROM blocks WHERE owner = ? AND name = ?", owner, n).Scan(&through); err != nil {
				return nil, fmt.Errorf("store: %w", err)
			}
		}
		if through >= gone {
			names = append(names, n)
		}
	}
	slices.SortFunc(names, bytes.Compare)
	return slices.CompactFunc(names, bytes.Equal), nil
}
