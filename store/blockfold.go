package store

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"time"
)

// blockFolder brings points of the journal into blocks. Each series says in its last block through which row of the journal
// its points are in, so a fold that a crash cut short can be done again: what is in stays once. A block goes by age or for
// room only while nothing is half folded.
type blockFolder struct {
	*disk
	last, update, insert, size, trim *sql.Stmt
	names                            map[string]int // series of owners that had a new one
	bytes                            int64          // by which all blocks have grown
}

// foldPoints adds what was read from the journal, in steps between which commits go on.
func (d *disk) foldPoints(ctx context.Context, set *pointSet) error {
	for _, owner := range slices.Sorted(maps.Keys(set.dropped)) {
		if err := d.dropBlocks(ctx, []byte(owner)); err != nil {
			return err
		}
	}
	if len(set.series) == 0 {
		return nil
	}
	list := sortedSeries(set.series)
	f := &blockFolder{disk: d, names: map[string]int{}}
	defer f.close()
	if err := f.prepare(ctx); err != nil {
		return d.judge(err)
	}
	for n := 0; len(list) > 0; n++ {
		step := list[:min(foldStep, len(list))]
		list = list[len(step):]
		f.bytes = 0
		err := d.inTransaction(ctx, func() error {
			for _, s := range step {
				if err := f.add(ctx, s); err != nil {
					return err
				}
			}
			return f.grow(ctx, f.bytes)
		})
		if err != nil {
			return err
		}
		d.grown(f.bytes)
		if err := d.letCommit(n); err != nil {
			return err
		}
	}
	return nil
}

// dropBlocks takes away all blocks of an owner, in steps. Whoever reads meanwhile passes over them, because the record that
// says so is still in the journal, behind their marks.
func (d *disk) dropBlocks(ctx context.Context, owner []byte) error {
	for n := 0; ; n++ {
		var freed, gone int64
		err := d.inTransaction(ctx, func() error {
			const these = "FROM blocks WHERE owner = ?1 ORDER BY name, seq LIMIT ?2"
			if err := d.conn.QueryRowContext(ctx, "SELECT count(*), coalesce(sum(size + ?3), 0) FROM (SELECT length(data) AS size "+these+")", owner, foldStep, blockOverhead).Scan(&gone, &freed); err != nil {
				return err
			}
			if _, err := d.conn.ExecContext(ctx, "DELETE FROM blocks WHERE owner = ?1 AND (name, seq) IN (SELECT name, seq "+these+")", owner, foldStep); err != nil {
				return err
			}
			return d.grow(ctx, -freed)
		})
		if err != nil {
			return err
		}
		d.grown(-freed)
		d.walBytes += gone * walFrame / 2
		if gone < foldStep {
			return nil
		}
		if err := d.letCommit(n); err != nil {
			return err
		}
	}
}

func (f *blockFolder) prepare(ctx context.Context) error {
	for _, s := range []struct {
		statement **sql.Stmt
		text      string
	}{
		{&f.last, "SELECT seq, first, last, points, through, day, data FROM blocks WHERE owner = ? AND name = ? ORDER BY seq DESC LIMIT 1"},
		{&f.update, "UPDATE blocks SET first = ?, last = ?, points = ?, through = ?, data = ? WHERE owner = ? AND name = ? AND seq = ?"},
		{&f.insert, "INSERT OR REPLACE INTO blocks (first, last, points, through, data, owner, name, seq, day) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"},
		{&f.size, "SELECT coalesce(sum(length(data) + ?), 0) FROM blocks WHERE owner = ? AND name = ? AND seq <= ?"},
		{&f.trim, "DELETE FROM blocks WHERE owner = ? AND name = ? AND seq <= ?"},
	} {
		var err error
		if *s.statement, err = f.conn.PrepareContext(ctx, s.text); err != nil {
			return err
		}
	}
	return nil
}

func (f *blockFolder) close() {
	for _, s := range []*sql.Stmt{f.last, f.update, f.insert, f.size, f.trim} {
		if s != nil {
			s.Close()
		}
	}
}

// add adds points to one series.
func (f *blockFolder) add(ctx context.Context, s *seriesPoints) error {
	o := f.options.Points
	var open Block
	seq, through, day := int64(0), int64(-1), int64(0)
	err := f.last.QueryRowContext(ctx, s.owner, s.name).Scan(&seq, &open.First, &open.Last, &open.Points, &through, &day, &open.Data)
	fresh := err == sql.ErrNoRows
	if err != nil && !fresh {
		return err
	}
	points := s.since(through)
	if len(points) == 0 {
		return nil
	}
	if fresh {
		if ok, err := f.mayBegin(ctx, s.owner); err != nil || !ok {
			return err
		}
	}
	today, upto := o.today(), s.rows[len(s.rows)-1]
	for i, b := range o.Packer.Pack(open, points) {
		if i == 0 && !fresh && b.Points == open.Points {
			continue // full
		}
		f.bytes += int64(len(b.Data))
		f.walBytes += int64(len(b.Data)) + walFrame/4
		args := append(make([]any, 0, 9), b.First, b.Last, b.Points, upto, b.Data, s.owner, s.name)
		if i == 0 && !fresh {
			f.bytes -= int64(len(open.Data))
			// On most days the index by day stays as it is.
			if day == today {
				_, err = f.update.ExecContext(ctx, append(args, seq)...)
			} else {
				_, err = f.insert.ExecContext(ctx, append(args, seq, today)...)
			}
		} else {
			f.bytes += blockOverhead
			seq++
			_, err = f.insert.ExecContext(ctx, append(args, seq, today)...)
		}
		if err != nil {
			return err
		}
	}
	if oldest := seq - int64(o.PerSeries); oldest > 0 && seq%8 == 0 { // several at once, so that most folds need not look
		var size int64
		if err := f.size.QueryRowContext(ctx, blockOverhead, s.owner, s.name, oldest).Scan(&size); err != nil {
			return err
		}
		f.bytes -= size
		_, err = f.trim.ExecContext(ctx, s.owner, s.name, oldest)
	}
	return err
}

// mayBegin says whether an owner may have one more series.
func (f *blockFolder) mayBegin(ctx context.Context, owner []byte) (bool, error) {
	n, ok := f.names[string(owner)]
	if !ok {
		rows, err := f.conn.QueryContext(ctx, namesOf, owner)
		if err != nil {
			return false, err
		}
		for rows.Next() {
			n++
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return false, err
		}
	}
	if n >= f.options.Points.PerOwner {
		f.names[string(owner)] = n
		return false, nil
	}
	f.names[string(owner)] = n + 1
	return true, nil
}

// grow keeps count of what all blocks take, in the same transaction.
func (d *disk) grow(ctx context.Context, by int64) error {
	_, err := d.conn.ExecContext(ctx, "UPDATE meta SET value = max(0, value + ?) WHERE name = 'blocks'", by)
	return err
}

// grown is grow for what is kept in memory.
func (d *disk) grown(by int64) {
	d.blockBytes = max(0, d.blockBytes+by)
	d.mu.Lock()
	d.stats.BlockBytes = d.blockBytes
	d.mu.Unlock()
}

const (
	evictEvery = 10 * time.Minute
	evictSteps = 50 // at one go; the rest is for the next
)

// evictDue says whether blocks may have to go. While something may be half folded none does: its mark would go with it.
func (d *disk) evictDue() bool {
	o := d.options.Points
	return o != nil && !d.midFold && (o.MaxBytes > 0 && d.blockBytes > o.MaxBytes || o.Days > 0 && time.Now().After(d.evictAt))
}

// evict lets the oldest blocks go: those that are too old, and those that there is no room for.
func (d *disk) evict() error {
	o, ctx := d.options.Points, context.Background()
	old := int64(-1)
	if o.Days > 0 {
		old = o.today() - int64(o.Days)
	}
	room := d.blockBytes > o.MaxBytes && o.MaxBytes > 0
	for n := range evictSteps {
		var freed int64
		gone := 0
		err := d.inTransaction(ctx, func() error {
			rows, err := d.conn.QueryContext(ctx, "SELECT owner, name, seq, day, length(data) FROM blocks INDEXED BY blocks_day ORDER BY day LIMIT ?", foldStep)
			if err != nil {
				return err
			}
			type key struct {
				owner, name []byte
				seq         int64
			}
			var list []key
			for rows.Next() {
				var k key
				var day, size int64
				if err := rows.Scan(&k.owner, &k.name, &k.seq, &day, &size); err != nil {
					rows.Close()
					return err
				}
				// To nine tenths, so that it is not done again at once.
				if day < old || room && d.blockBytes-freed > o.MaxBytes/10*9 {
					list = append(list, k)
					freed += size + blockOverhead
				}
			}
			if err := rows.Err(); err != nil {
				return err
			}
			for _, k := range list {
				if _, err := d.conn.ExecContext(ctx, "DELETE FROM blocks WHERE owner = ? AND name = ? AND seq = ?", k.owner, k.name, k.seq); err != nil {
					return err
				}
			}
			gone = len(list)
			return d.grow(ctx, -freed)
		})
		if err != nil {
			return err
		}
		d.grown(-freed)
		d.walBytes += int64(gone) * walFrame / 2
		if gone < foldStep {
			d.evictAt = time.Now().Add(evictEvery)
			return nil
		}
		if err := d.letCommit(n); err != nil {
			return err
		}
	}
	return nil
}
