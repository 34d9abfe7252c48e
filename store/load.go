package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"heddle.example/machine"
)

var errEnough = errors.New("enough")

// Load reads the tables, and the journal's tail over them, from one snapshot.
func (d *disk) Load(table machine.Table, each func(key, value []byte) error) error {
	if d.options.Points.holds(table) {
		return nil // points are no states
	}
	ctx := context.Background()
	tx, err := d.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer tx.Rollback()
	return d.load(ctx, tx, table, each)
}

func (d *disk) load(ctx context.Context, tx *sql.Tx, table machine.Table, each func(key, value []byte) error) error {
	newer, err := d.newer(ctx, tx, table)
	if err != nil {
		return err
	}
	keys := make([]string, 0, len(newer))
	for k := range newer {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	// Two sorted lists become one.
	emitBefore := func(limit string, all bool) error {
		for len(keys) > 0 && (all || keys[0] < limit) {
			k := keys[0]
			keys = keys[1:]
			if v := newer[k]; v != nil {
				if err := each([]byte(k), v); err != nil {
					return err
				}
			}
		}
		return nil
	}
	rows, err := tx.QueryContext(ctx, "SELECT key, value FROM records WHERE tbl = (SELECT id FROM tables WHERE name = ?) ORDER BY key", string(table))
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var key, value sql.RawBytes
		if err := rows.Scan(&key, &value); err != nil {
			return fmt.Errorf("store: %w", err)
		}
		if len(keys) > 0 {
			if err := emitBefore(string(key), false); err != nil {
				return err
			}
			if _, ok := newer[string(key)]; ok {
				continue // its turn comes from the tail
			}
		}
		if err := each(key, value); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return emitBefore("", true)
}

// newer returns the records of the journal's tail for one table; nil is deleted.
func (d *disk) newer(ctx context.Context, q querier, table machine.Table) (map[string][]byte, error) {
	newer := map[string][]byte{}
	err := d.tail(ctx, q, -1, func(id int64, row []byte) error {
		_, err := readRow(row, func(t machine.Table, key, value []byte) {
			if t != table {
				return
			}
			if value != nil {
				value = append([]byte{}, value...)
			}
			newer[string(key)] = value
		})
		return err
	})
	return newer, err
}

func (d *disk) Tables() ([]machine.Table, error) {
	ctx := context.Background()
	tx, err := d.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	defer tx.Rollback()
	return d.tables(ctx, tx)
}

func (d *disk) tables(ctx context.Context, tx *sql.Tx) ([]machine.Table, error) {
	var names []machine.Table
	rows, err := tx.QueryContext(ctx, "SELECT name FROM tables")
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var n string
		if err := rows.Scan(&n); err != nil {
			return nil, fmt.Errorf("store: %w", err)
		}
		names = append(names, machine.Table(n))
	}
	err = d.tail(ctx, tx, -1, func(_ int64, row []byte) error {
		_, err := readRow(row, func(t machine.Table, _, _ []byte) {
			if !slices.Contains(names, t) && !d.options.Points.holds(t) {
				names = append(names, t)
			}
		})
		return err
	})
	slices.Sort(names)
	return names, err
}
