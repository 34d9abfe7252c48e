package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"heddle.example/machine"
)

// A restore is made in a folder of the data directory, beside what is there. When all of it is on disk the folder gets
// its second name: that moment decides. Then its files take their places one by one; whoever opens the directory
// after a crash goes on with that.
const (
	restoreBuilding = "restore.building"
	restoreReady    = "restore.ready"
)

// ErrNotEmpty says that a data directory to restore into has something in it.
var ErrNotEmpty = errors.New("store: the data directory is not empty")

// Restore makes the content of a data directory anew: fill puts it in. With replace, what was there is gone afterwards;
// without, it is ErrNotEmpty. Until the end, and after any error, the directory is as it was.
func Restore(dir string, replace bool, fill func(*Builder) error) error {
	if err := makeDir(dir); err != nil {
		return fmt.Errorf("store: cannot make the data directory: %w", err)
	}
	lock, err := lockFile(filepath.Join(dir, lockName))
	if errors.Is(err, errLocked) {
		return fmt.Errorf("%w: %s belongs to %s; stop it first", ErrInUse, dir, lockHolder(dir))
	} else if err != nil {
		return fmt.Errorf("store: cannot lock the data directory: %w", err)
	}
	defer lock.Close()
	if err := finishRestore(dir); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if empty, err := isEmpty(dir); err != nil {
		return fmt.Errorf("store: %w", err)
	} else if !empty && !replace {
		return fmt.Errorf("%w: %s", ErrNotEmpty, dir)
	}
	building := filepath.Join(dir, restoreBuilding)
	if err := os.RemoveAll(building); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if err := makeDir(building); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if err := build(building, fill); err != nil {
		os.RemoveAll(building)
		return err
	}
	if _, err := os.Stat(filepath.Join(building, fileName+"-wal")); err == nil {
		return fmt.Errorf("store: %s has a log left; nothing was restored", building)
	}
	for _, step := range []func() error{
		func() error { return syncTree(building) },
		restoreFault,
		func() error { return os.Rename(building, filepath.Join(dir, restoreReady)) },
		restoreFault,
		func() error { return syncDir(dir) },
	} {
		if err := step(); err != nil {
			return fmt.Errorf("store: %w", err)
		}
	}
	if err := finishRestore(dir); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// isEmpty reports whether a directory holds nothing but what a restore that was cut short left, and locks and sockets.
func isEmpty(dir string) (bool, error) {
	list, err := os.ReadDir(dir)
	if err != nil {
		return false, err
	}
	for _, e := range list {
		if e.Name() != lockName && e.Name() != restoreBuilding && e.Type()&fs.ModeSocket == 0 {
			return false, nil
		}
	}
	return true, nil
}

// finishRestore puts a finished restore in its place, and clears away an unfinished one. The caller has the lock.
func finishRestore(dir string) error {
	if err := os.RemoveAll(filepath.Join(dir, restoreBuilding)); err != nil {
		return err
	}
	ready := filepath.Join(dir, restoreReady)
	list, err := os.ReadDir(ready)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	// The database goes last. What the old one has in its log must not come into the new one.
	for _, last := range []bool{false, true} {
		for _, e := range list {
			if (e.Name() == fileName) != last {
				continue
			}
			to := filepath.Join(dir, e.Name())
			if last {
				for _, suffix := range []string{"-wal", "-shm", "-journal"} {
					if err := restoreFault(); err != nil {
						return err
					}
					if err := os.Remove(to + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
						return err
					}
				}
				if err := syncDir(dir); err != nil {
					return err
				}
			} else if err := os.RemoveAll(to); err != nil {
				return err
			}
			if err := restoreFault(); err != nil {
				return err
			}
			if err := os.Rename(filepath.Join(ready, e.Name()), to); err != nil {
				return err
			}
		}
		if err := errors.Join(syncDir(ready), syncDir(dir)); err != nil {
			return err
		}
	}
	if err := restoreFault(); err != nil {
		return err
	}
	return errors.Join(os.Remove(ready), syncDir(dir))
}

// restoreFault is where tests cut a restore short.
var restoreFault = func() error { return nil }

// syncTree makes a folder and all in it durable.
func syncTree(dir string) error {
	return filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return errors.Join(err, syncDir(name))
		}
		f, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	})
}

// Builder takes in what a restored directory is to hold.
type Builder struct {
	dir    string
	d      *disk
	state  *sql.Stmt
	block  *sql.Stmt
	tables map[machine.Table]int64
	count  int
	grown  int64
	open   bool
}

func build(dir string, fill func(*Builder) error) (err error) {
	b := &Builder{dir: dir, d: newDisk(Options{}), tables: map[machine.Table]int64{}}
	if b.d.lock, err = os.OpenFile(os.DevNull, os.O_RDONLY, 0); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.d.closeHandles()) }()
	if err := b.d.open(dir); err != nil {
		return err
	}
	ctx := context.Background()
	if b.state, err = b.d.conn.PrepareContext(ctx, "INSERT INTO records (tbl, key, value) VALUES (?, ?, ?)"); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer b.state.Close()
	b.block, err = b.d.conn.PrepareContext(ctx, `INSERT INTO blocks (owner, name, seq, first, last, points, through, day, data)
		SELECT ?1, ?2, (SELECT coalesce(max(seq), 0) + 1 FROM blocks WHERE owner = ?1 AND name = ?2), ?3, ?4, ?5, 0, ?6, ?7`)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer b.block.Close()
	if err := fill(b); err != nil {
		b.d.conn.ExecContext(ctx, "ROLLBACK")
		return err
	}
	return b.end()
}

// builderStep is how many rows go into one transaction.
const builderStep = 5000

func (b *Builder) step() error {
	if b.count >= builderStep {
		if err := b.end(); err != nil {
			return err
		}
	}
	if b.count++; b.open {
		return nil
	}
	b.open = true
	if _, err := b.d.conn.ExecContext(context.Background(), "BEGIN"); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// end ends a transaction, and brings the log into the file, so that it does not grow.
func (b *Builder) end() error {
	if !b.open {
		return nil
	}
	ctx := context.Background()
	if err := b.d.grow(ctx, b.grown); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	b.count, b.grown, b.open = 0, 0, false
	if _, err := b.d.conn.ExecContext(ctx, "COMMIT"); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return b.d.checkpoint()
}

// Put adds a state. No key may come twice.
func (b *Builder) Put(r machine.Record) error {
	if r.Value == nil {
		return nil
	}
	if err := b.step(); err != nil {
		return err
	}
	ctx := context.Background()
	id, ok := b.tables[r.Table]
	if !ok {
		var err error
		if id, err = b.d.tableID(ctx, r.Table); err != nil {
			return fmt.Errorf("store: %w", err)
		}
		b.tables[r.Table] = id
	}
	if _, err := b.state.ExecContext(ctx, id, r.Key, r.Value); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// PutBlock adds a block behind the others of its series.
func (b *Builder) PutBlock(k StoredBlock) error {
	if err := b.step(); err != nil {
		return err
	}
	b.grown += int64(len(k.Data)) + blockOverhead
	_, err := b.block.ExecContext(context.Background(), k.Owner, k.Name, k.First, k.Last, k.Points, k.Day, k.Data)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

// Dir makes a folder that is there even when nothing is put into it, so that it replaces an old one.
func (b *Builder) Dir(name string) error {
	if err := b.mayName(name); err != nil {
		return err
	}
	return os.MkdirAll(filepath.Join(b.dir, filepath.FromSlash(name)), 0o700)
}

// File makes a file of its own beside the database; name is relative, with slashes.
func (b *Builder) File(name string) (*os.File, error) {
	if err := b.mayName(name); err != nil {
		return nil, err
	}
	name = filepath.Join(b.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return nil, err
	}
	return os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
}

func (b *Builder) mayName(name string) error {
	first, _, _ := strings.Cut(name, "/")
	if !filepath.IsLocal(filepath.FromSlash(name)) || name == "." || strings.HasPrefix(first, fileName) || first == lockName || strings.HasPrefix(first, "restore.") {
		return fmt.Errorf("store: %q is no name for a file in a data directory", name)
	}
	return nil
}
