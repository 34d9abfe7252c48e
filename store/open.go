package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"modernc.org/sqlite"
)

// Options are the settings of Open. The zero value is good.
type Options struct {
	Log    *slog.Logger // nil: silent
	Points *Points      // a table of points; nil: there is none

	window     time.Duration // how long a commit waits for company; negative: not at all
	group      int           // records that end the wait
	maxPending int           // bytes that may wait
	retry      time.Duration // between attempts on a full disk
	foldAfter  time.Duration // of quiet, before a small journal is folded
	foldBytes  int           // of journal that are folded without waiting for quiet
	fault      func() error  // for tests: asked before each commit
	synced     func()        // for tests: told when all that was written is on disk
	maxPages   int           // for tests: the size at which the database is full
}

const (
	fileName      = "heddle.db"
	lockName      = "lock"
	applicationID = 0x48656464 // "Hedd" in SQLite's header: whose file this is
	formatVersion = 2          // 2: blocks
)

const schema = `
CREATE TABLE journal (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE tables (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE records (tbl INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, PRIMARY KEY (tbl, key)) WITHOUT ROWID;
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('folded', 0);
`

// Open opens the store in a data directory, and makes it if there is none. The directory holds keys: it is made
// readable by its owner only, and so are the files in it. One program at a time can have it.
func Open(dir string, o Options) (Store, error) {
	if err := makeDir(dir); err != nil {
		return nil, fmt.Errorf("store: cannot make the data directory: %w", err)
	}
	lock, err := lockFile(filepath.Join(dir, lockName))
	if errors.Is(err, errLocked) {
		return nil, fmt.Errorf("%w: %s belongs to %s; stop it, or choose another directory with --data", ErrInUse, dir, lockHolder(dir))
	} else if err != nil {
		return nil, fmt.Errorf("store: cannot lock the data directory: %w", err)
	}
	d := newDisk(o)
	d.lock = lock
	if err := finishRestore(dir); err != nil {
		lock.Close()
		return nil, fmt.Errorf("store: a restore that was cut short cannot be finished: %w", err)
	}
	if err := d.open(dir); err != nil {
		d.closeHandles()
		return nil, err
	}
	go d.write()
	return d, nil
}

func newDisk(o Options) *disk {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Points != nil {
		p := *o.Points
		p.setDefaults()
		o.Points = &p
	}
	setDefault(&o.window, 2*time.Millisecond)
	setDefault(&o.group, 512)
	setDefault(&o.maxPending, 64<<20)
	setDefault(&o.retry, time.Second)
	setDefault(&o.foldAfter, 2*time.Second)
	setDefault(&o.foldBytes, 32<<20)
	return &disk{options: o, log: o.Log, wake: make(chan struct{}, 1), ended: make(chan struct{})}
}

func setDefault[T time.Duration | int](v *T, otherwise T) {
	if *v == 0 {
		*v = otherwise
	}
}

// makeDir makes a directory with its parents and sees to it that its name is on disk. One that exists is left as it is:
// the files in it are closed to others anyway.
func makeDir(dir string) error {
	if i, err := os.Stat(dir); err == nil {
		if !i.IsDir() {
			return &fs.PathError{Op: "mkdir", Path: dir, Err: errors.New("it is a file")}
		}
		return nil
	}
	if parent := filepath.Dir(dir); parent != dir {
		if err := makeDir(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

func (d *disk) open(dir string) error {
	file := filepath.Join(dir, fileName)
	// SQLite gives its other files the mode of this one.
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	f.Close()
	if err := syncDir(dir); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	abs, err := filepath.Abs(file)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	uri := (&url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(abs)}).String()
	d.uri = uri
	if d.db, err = sql.Open("sqlite", uri+"?_pragma=busy_timeout(5000)"); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	ctx := context.Background()
	if d.conn, err = d.db.Conn(ctx); err != nil {
		return d.explain(dir, err)
	}
	if err := d.check(ctx, dir); err != nil {
		return err
	}
	// WAL needs one fsync a commit, a rollback journal two to three. FULL makes that fsync happen before COMMIT returns.
	// Checkpoints are ours (checkpoint.go): the automatic ones would run inside somebody's commit.
	for _, p := range []string{"journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=0", "cache_size=-4096"} {
		if _, err := d.conn.ExecContext(ctx, "PRAGMA "+p); err != nil {
			return d.explain(dir, err)
		}
	}
	if d.reader, err = sql.Open("sqlite", uri+"?mode=ro&_pragma=busy_timeout(5000)&_pragma=query_only(1)&_pragma=cache_size(-1024)"); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	d.reader.SetMaxOpenConns(4)
	d.reader.SetMaxIdleConns(1)
	d.reader.SetConnMaxIdleTime(time.Minute)
	if err := d.create(ctx); err != nil {
		return d.explain(dir, err)
	}
	if d.options.maxPages > 0 {
		if err := d.limitPages(d.options.maxPages); err != nil {
			return err
		}
	}
	if d.insert, err = d.conn.PrepareContext(ctx, "INSERT INTO journal (id, data) VALUES (?, ?)"); err != nil {
		return d.explain(dir, err)
	}
	if err := d.survey(ctx); err != nil {
		return d.explain(dir, err)
	}
	return syncDir(dir)
}

func (d *disk) limitPages(n int) error {
	_, err := d.conn.ExecContext(context.Background(), fmt.Sprintf("PRAGMA max_page_count=%d", n))
	return err
}

// check refuses files that are not ours or are newer than this program.
func (d *disk) check(ctx context.Context, dir string) error {
	id, err := d.number(ctx, "PRAGMA application_id")
	if err != nil {
		return d.explain(dir, err)
	}
	version, err := d.number(ctx, "PRAGMA user_version")
	if err != nil {
		return d.explain(dir, err)
	}
	tables, err := d.number(ctx, "SELECT count(*) FROM sqlite_schema")
	if err != nil {
		return d.explain(dir, err)
	}
	switch {
	case id == 0 && version == 0 && tables == 0:
		return nil // new
	case id != applicationID:
		return fmt.Errorf("store: %s is not a database of this program; choose another directory with --data", filepath.Join(dir, fileName))
	case version > formatVersion:
		return fmt.Errorf("%w: %s has format %d, this program knows %d; use that version, or another directory with --data",
			ErrNewer, dir, version, formatVersion)
	}
	return nil
}

// create makes the tables of a new database, or adds what an older version does not have, in one transaction, so that a crash leaves all or nothing.
func (d *disk) create(ctx context.Context) error {
	version, err := d.number(ctx, "PRAGMA user_version")
	if err != nil || version == formatVersion {
		return err
	}
	missing := blockSchema
	if version == 0 {
		missing = schema + blockSchema
	}
	_, err = d.conn.ExecContext(ctx, fmt.Sprintf("BEGIN IMMEDIATE; %s PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT",
		missing, applicationID, formatVersion))
	return err
}

// survey reads where the journal stands. Each row of the tail is read and its checksum tested, so that damage is found
// at the start and not when the fold comes to it.
func (d *disk) survey(ctx context.Context) error {
	folded, err := d.number(ctx, "SELECT value FROM meta WHERE name = 'folded'")
	if err != nil {
		return err
	}
	n, err := d.number(ctx, "SELECT value FROM meta WHERE name = 'blocks'")
	if err != nil {
		return err
	}
	d.grown(n)
	d.folded, d.row = folded, folded
	return d.tail(ctx, d.conn, folded, func(id int64, row []byte) error {
		n, err := readRow(row, ignoreRecord)
		if err != nil {
			return fmt.Errorf("journal row %d: %w", id, err)
		}
		d.row, d.midFold = id, true
		d.journalRecords += n
		d.journalBytes += len(row)
		return nil
	})
}

func (d *disk) number(ctx context.Context, query string) (n int64, err error) {
	err = d.conn.QueryRowContext(ctx, query).Scan(&n)
	return n, err
}

// explain says what an error of SQLite at the start means.
func (d *disk) explain(dir string, err error) error {
	var e *sqlite.Error
	switch {
	case errors.Is(err, ErrCorrupt):
		return fmt.Errorf("%s: %w; restore a backup, or start anew with another --data", dir, err)
	case !errors.As(err, &e):
		return fmt.Errorf("store: %s: %w", dir, err)
	}
	switch e.Code() & 0xff {
	case sqliteCorrupt, sqliteNotADB:
		return fmt.Errorf("%w: %s: %v; restore a backup, or start anew with another --data", ErrCorrupt, dir, err)
	case sqliteFull:
		return fmt.Errorf("%w: %s", ErrFull, dir)
	case sqliteBusy:
		return fmt.Errorf("%w: another program has %s open", ErrInUse, filepath.Join(dir, fileName))
	}
	return fmt.Errorf("store: %s: %w", dir, err)
}

// SQLite's primary result codes, and one extended one.
const (
	sqliteBusy    = 5
	sqliteNoMem   = 7
	sqliteCorrupt = 11
	sqliteFull    = 13
	sqliteNotADB  = 26

	sqliteShmSize = 10 | 19<<8 // the index of the WAL could not grow
)

// lockHolder says who has the lock.
func lockHolder(dir string) string {
	b, err := os.ReadFile(filepath.Join(dir, lockName))
	if pid := strings.TrimSpace(string(b)); err == nil && pid != "" {
		return "process " + pid
	}
	return "another program"
}
