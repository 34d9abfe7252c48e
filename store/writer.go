package store

import (
	"context"
	"runtime"
	"time"
)

// write is the writer's goroutine.
func (d *disk) write() {
	defer close(d.ended)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		d.gather()
		b, closing := d.take()
		if len(b.waiting) > 0 {
			d.commit(b)
		}
		if d.sound() {
			d.maintain()
		}
		if len(b.waiting) > 0 {
			continue
		}
		if closing {
			return
		}
		timer.Reset(d.nap())
		select {
		case <-d.wake:
		case <-timer.C:
		}
	}
}

// gather gives others the chance to be in the same commit, for a short while. Where the commit before had one Append
// only, the load is light and the answer should leave at once: then it waits for those only that are running now.
func (d *disk) gather() {
	if d.company <= 1 || d.options.window < 0 {
		runtime.Gosched()
		return
	}
	for last := 0; ; {
		d.mu.Lock()
		n, records, since := len(d.pending.waiting), d.pending.row.records, d.pending.since
		stop := n == last || records >= d.options.group || d.closing || d.failed != nil
		d.mu.Unlock()
		if stop || time.Since(since) >= d.options.window-gatherStep {
			return
		}
		// Whoever got an answer from the last commit comes back now; when nobody came in one step, nobody will.
		last = n
		shortSleep(gatherStep)
	}
}

// gatherStep is about what a device's next datagram takes to arrive from a loaded network buffer.
const gatherStep = 100 * time.Microsecond

// take takes what is pending.
func (d *disk) take() (b batch, closing bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.pending.waiting) == 0 {
		return batch{}, d.closing
	}
	b = d.pending
	d.pending, d.spare = d.spare, batch{}
	return b, false
}

// commit makes one row of what was taken and answers everyone in it.
func (d *disk) commit(b batch) {
	var err error
	if b.row.records > 0 {
		err = d.commitRow(&b.row)
	}
	d.company = 0
	for _, w := range b.waiting {
		switch {
		case w.err != nil:
			w.done(w.err)
		default:
			w.done(err)
			d.company++
		}
	}
	b.reset()
	d.mu.Lock()
	d.spare = b
	d.mu.Unlock()
}

func (d *disk) commitRow(r *rowWriter) error {
	if err := d.refuse(); err != nil {
		return err
	}
	start := time.Now()
	err := d.put(r)
	took := time.Since(start)
	d.mu.Lock()
	if err == nil {
		d.stats.Commits++
		d.stats.Records += uint64(r.records)
		d.stats.Bytes += uint64(len(d.rowBuffer))
		d.stats.CommitTime += took
		d.stats.CommitMax = max(d.stats.CommitMax, took)
		d.stats.Journal = d.journalRecords
	} else {
		d.stats.Refused++
	}
	d.mu.Unlock()
	d.lastCommit = start.Add(took)
	if cap(d.rowBuffer) > rowKeep {
		d.rowBuffer = nil
	}
	return err
}

// refuse returns why nothing is tried: the disk failed once, or was found full a moment ago. What was appended before
// that became known fails with it, so that no later record is kept without an earlier one.
func (d *disk) refuse() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failed != nil {
		return d.failed
	}
	if d.full {
		return ErrFull
	}
	return nil
}

// put inserts a row. The insert is a transaction of its own, and COMMIT, inside it, returns after the fsync.
func (d *disk) put(r *rowWriter) error {
	d.rowBuffer = r.append(d.rowBuffer[:0])
	err := error(nil)
	if d.options.fault != nil {
		err = d.options.fault()
	}
	if err == nil {
		err = d.synchronous(true)
	}
	if err == nil {
		_, err = d.insert.ExecContext(context.Background(), d.row+1, d.rowBuffer)
	}
	if err != nil {
		err = d.judge(err)
		d.note(err)
		d.retryAt = time.Now().Add(d.options.retry)
		return err
	}
	d.synced()
	d.row++
	d.journalRecords += r.records
	d.journalBytes += len(d.rowBuffer)
	d.walBytes += int64(len(d.rowBuffer)) + 2*walFrame
	return nil
}

// sound reports whether the disk may be written to, and on a full disk tries from time to time.
func (d *disk) sound() bool {
	d.mu.Lock()
	failed, full := d.failed, d.full
	d.mu.Unlock()
	if failed != nil {
		return false
	}
	if !full {
		return true
	}
	if time.Now().Before(d.retryAt) {
		return false
	}
	// A checkpoint makes the room in the WAL usable again; then an empty row shows whether a promise fits.
	if d.checkpoint() != nil {
		d.retryAt = time.Now().Add(d.options.retry)
		return false
	}
	var probe rowWriter
	probe.tables = append(probe.tables, probeTable)
	if d.put(&probe) != nil {
		return false
	}
	d.note(nil)
	return true
}

// probeTable makes the empty row some pages long, so that it fits only where a usual commit does.
var probeTable = probeName()
