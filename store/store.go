// Package store keeps what must survive a crash: records in named tables, made durable in group commits.
//
// A promise is an Append whose done was called with nil: its records are on disk and survive kill -9 and loss of power.
// Open keeps them in a data directory: an append-only journal takes each group of commits as one row with one fsync,
// and a background pass folds the journal into tables. Memory keeps them as long as the program runs.
package store

import (
	"errors"
	"time"

	"heddle.example/machine"
)

var (
	// ErrFailed says that the disk once failed to make something durable. That is final until a restart: after a failed
	// fsync the system may have dropped the data and report success to the next one.
	ErrFailed = errors.New("store: the disk failed; nothing more is promised until the program is restarted on a sound disk")
	// ErrFull says that the disk was full. What is stored can be read, and commits succeed again when there is room.
	ErrFull = errors.New("store: the disk is full; free some space")
	// ErrBusy says that more waited to be written than the store holds in memory.
	ErrBusy = errors.New("store: the disk does not keep up")
	// ErrClosed says that the store was closed.
	ErrClosed = errors.New("store: closed")
	// ErrInUse says that another program has the data directory.
	ErrInUse = errors.New("store: the data directory is in use")
	// ErrNewer says that the data directory was written by a newer version of the program.
	ErrNewer = errors.New("store: the data directory was written by a newer version")
	// ErrCorrupt says that stored data does not make sense.
	ErrCorrupt = errors.New("store: the data directory is damaged")
)

// Store keeps records. All methods may be called from any goroutine.
type Store interface {
	// Append makes the records of one call durable, all or none. It copies them and returns without waiting for the
	// disk. done is called exactly once, on another goroutine or before Append returns, in the order of the Appends.
	Append(records []machine.Record, done func(error))
	// Load calls each with every record of a table as of the commits done so far, in the order of their keys. The
	// slices are valid until each returns. An error of each ends it and is returned.
	Load(table machine.Table, each func(key, value []byte) error) error
	// Tables returns the names of the tables that were ever written, sorted.
	Tables() ([]machine.Table, error)
	// Series returns the names of an owner's series of points, sorted, and Blocks calls each with the blocks of one that
	// have points between two times, both included, in the order of their First, as of the commits done so far.
	Series(owner []byte) ([][]byte, error)
	Blocks(owner, name []byte, from, to int64, each func(Block) error) error
	// Snapshot returns the store as it is at this instant, while commits go on. It must be closed soon: until then the
	// space of what changes is not used again.
	Snapshot() (Snapshot, error)
	// Flush waits until everything appended before is on disk, or failed.
	Flush()
	// Failed returns why nothing is promised any more, or nil.
	Failed() error
	// Stats returns the counters.
	Stats() Stats
	// Close waits as Flush does and closes the store. Later Appends get ErrClosed.
	Close() error
}

// Stats are the counters of a store.
type Stats struct {
	Appends     uint64 // calls
	Commits     uint64 // group commits: one row and one fsync each
	Records     uint64
	Bytes       uint64 // of journal rows
	Pending     int    // records that wait for the next commit
	Refused     uint64 // appends that failed
	Journal     int    // records in the journal that are not folded yet
	Folds       uint64
	Checkpoints uint64
	CommitTime  time.Duration // all commits together
	CommitMax   time.Duration
	BlockBytes  int64 // what points take in blocks
	Full        bool
	Failed      error
}
