package backup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"heddle.example/dtls"
	"heddle.example/internal/access"
	"heddle.example/machine"
	"heddle.example/store"
)

// leftOut are tables that a backup never has: live sessions. Two directories with one session would use a key with the
// same nonces twice, and a session of the web page would come back from the dead.
var leftOut = []machine.Table{dtls.SessionTable, access.SessionTable}

// Files and folders of the data directory that belong to it besides the store: firmware packages, the web port's own
// certificate.
var (
	folders = []string{"packages", "firmware"}
	files   = []string{"web-cert.pem", "web-key.pem"}
)

// Meta says what a file is.
type Meta struct {
	Created time.Time `json:"created"`
	Version string    `json:"version"` // of the program
}

// Summary is what a backup holds.
type Summary struct {
	Meta
	Records int   `json:"records"`
	Blocks  int   `json:"blocks"`
	Points  int64 `json:"values"` // in the history
	Files   int   `json:"files"`
	Bytes   int64 `json:"fileBytes"`
}

// Snapshotter is a store; package store satisfies it.
type Snapshotter interface {
	Snapshot() (store.Snapshot, error)
}

// Write writes a backup of a store, as it is at this instant, and of the files beside it in the data directory dir; empty:
// there is none.
func Write(w io.Writer, s Snapshotter, dir string, m Meta) (sum Summary, err error) {
	sum.Meta = m
	snap, err := s.Snapshot()
	if err != nil {
		return sum, err
	}
	defer snap.Close()
	f, err := newFrames(w)
	if err != nil {
		return sum, err
	}
	meta, err := json.Marshal(m)
	if err != nil {
		return sum, err
	}
	f.begin(metaFrame)
	f.bytes(meta)
	if err := f.end(); err != nil {
		return sum, err
	}
	skip := func(t machine.Table) bool { return slices.Contains(leftOut, t) }
	if err := snap.Records(skip, func(r machine.Record) error {
		sum.Records++
		f.begin(recordFrame)
		f.bytes([]byte(r.Table))
		f.bytes(r.Key)
		f.bytes(r.Value)
		return f.end()
	}); err != nil {
		return sum, err
	}
	if err := snap.Blocks(func(b store.StoredBlock) error {
		sum.Blocks++
		sum.Points += int64(b.Points)
		f.begin(blockFrame)
		f.bytes(b.Owner)
		f.bytes(b.Name)
		for _, n := range []int64{b.Day, b.First, b.Last, int64(b.Points)} {
			f.number(n)
		}
		f.bytes(b.Data)
		return f.end()
	}); err != nil {
		return sum, err
	}
	if dir != "" {
		if err := writeFiles(f, dir, &sum); err != nil {
			return sum, err
		}
	}
	return sum, f.finish()
}

func writeFiles(f *frames, dir string, sum *Summary) error {
	for _, folder := range folders {
		if i, err := os.Stat(filepath.Join(dir, folder)); err != nil || !i.IsDir() {
			continue
		}
		f.begin(dirFrame)
		f.bytes([]byte(folder))
		if err := f.end(); err != nil {
			return err
		}
		err := filepath.WalkDir(filepath.Join(dir, folder), func(name string, e fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil // removed a moment ago
			}
			rel, relErr := filepath.Rel(dir, name)
			if err != nil || relErr != nil {
				return errors.Join(err, relErr)
			}
			// What is still being written has a name that begins with a dot, or ends so.
			if !e.Type().IsRegular() || strings.HasPrefix(e.Name(), ".") || strings.HasSuffix(e.Name(), ".tmp") || strings.HasSuffix(e.Name(), ".part") {
				return nil
			}
			return writeFile(f, dir, filepath.ToSlash(rel), sum)
		})
		if err != nil {
			return fmt.Errorf("backup: %w", err)
		}
	}
	for _, name := range files {
		if err := writeFile(f, dir, name, sum); err != nil {
			return fmt.Errorf("backup: %w", err)
		}
	}
	return nil
}

func writeFile(f *frames, dir, name string, sum *Summary) error {
	in, err := os.Open(filepath.Join(dir, filepath.FromSlash(name)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	defer in.Close()
	f.begin(fileFrame)
	f.bytes([]byte(name))
	if err := f.end(); err != nil {
		return err
	}
	sum.Files++
	b := make([]byte, 256<<10)
	for {
		n, err := in.Read(b)
		if n > 0 {
			sum.Bytes += int64(n)
			f.begin(dataFrame)
			f.bytes(b[:n])
			if err := f.end(); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// taker takes in what a backup holds.
type taker interface {
	Put(machine.Record) error
	PutBlock(store.StoredBlock) error
	Dir(name string) error
	File(name string) (*os.File, error)
}

// Verify reads a backup to its end and tells what it holds. Nothing of a file that it refuses may be used.
func Verify(r io.Reader) (Summary, error) { return read(r, nil) }

// Restore makes a data directory of a backup. The file is read twice: nothing is touched unless it is whole. See
// store.Restore for replace and for what a crash leaves.
func Restore(r io.ReadSeeker, dir string, replace bool) (Summary, error) {
	sum, err := Verify(r)
	if err != nil {
		return sum, err
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return sum, fmt.Errorf("backup: %w", err)
	}
	return sum, store.Restore(dir, replace, func(b *store.Builder) error {
		for _, f := range folders { // an old one goes, also where the backup has none
			if _, err := os.Stat(filepath.Join(dir, f)); err == nil {
				if err := b.Dir(f); err != nil {
					return err
				}
			}
		}
		again, err := read(r, b)
		if err == nil && again != sum {
			err = fmt.Errorf("%w: it changed while it was read", ErrDamaged)
		}
		return err
	})
}

// read reads a backup, and gives what it holds to t, where there is one.
func read(r io.Reader, t taker) (sum Summary, err error) {
	f, err := newReader(r)
	if err != nil {
		return sum, err
	}
	var file *os.File
	defer func() {
		if file != nil {
			err = errors.Join(err, file.Close())
		}
	}()
	inFile := false
	for first := true; ; first = false {
		if err := f.next(); err == io.EOF {
			return sum, nil
		} else if err != nil {
			return sum, err
		}
		if first != (f.kind == metaFrame) {
			return sum, fmt.Errorf("%w: its frames are out of order", ErrDamaged)
		}
		switch f.kind {
		case metaFrame:
			b := f.bytes()
			if err := f.whole(); err != nil {
				return sum, err
			}
			if err := json.Unmarshal(b, &sum.Meta); err != nil {
				return sum, fmt.Errorf("%w: %v", ErrDamaged, err)
			}
			sum.Created = sum.Created.UTC()
		case recordFrame:
			rec := machine.Record{Table: machine.Table(f.bytes()), Key: f.bytes(), Value: f.bytes()}
			if err := f.whole(); err != nil {
				return sum, err
			}
			sum.Records++
			// A file that somebody made by hand gets no sessions in either.
			if t != nil && !slices.Contains(leftOut, rec.Table) {
				if err := t.Put(rec); err != nil {
					return sum, err
				}
			}
		case blockFrame:
			b := store.StoredBlock{Owner: f.bytes(), Name: f.bytes(), Day: f.number()}
			b.First, b.Last, b.Points = f.number(), f.number(), int(f.number())
			b.Data = f.bytes()
			if err := f.whole(); err != nil {
				return sum, err
			}
			sum.Blocks++
			sum.Points += int64(b.Points)
			if t != nil {
				if err := t.PutBlock(b); err != nil {
					return sum, err
				}
			}
		case dirFrame, fileFrame:
			name := string(f.bytes())
			if err := f.whole(); err != nil {
				return sum, err
			}
			if !mayRestore(name) {
				return sum, fmt.Errorf("%w: it has a file %q", ErrDamaged, name)
			}
			inFile = f.kind == fileFrame
			if inFile {
				sum.Files++
			}
			if t == nil {
				break
			}
			if file != nil {
				err := file.Close()
				if file = nil; err != nil {
					return sum, err
				}
			}
			if !inFile {
				err = t.Dir(name)
			} else {
				file, err = t.File(name)
			}
			if err != nil {
				return sum, err
			}
		case dataFrame:
			b := f.bytes()
			if err := f.whole(); err != nil {
				return sum, err
			}
			if !inFile {
				return sum, fmt.Errorf("%w: its frames are out of order", ErrDamaged)
			}
			sum.Bytes += int64(len(b))
			if file != nil {
				if _, err := file.Write(b); err != nil {
					return sum, err
				}
			}
		default:
			return sum, fmt.Errorf("%w: a frame of unknown kind %q", ErrDamaged, f.kind)
		}
	}
}

// mayRestore says whether a name is one that Write can have written.
func mayRestore(name string) bool {
	first, _, nested := strings.Cut(name, "/")
	return path.Clean(name) == name && filepath.IsLocal(filepath.FromSlash(name)) && (slices.Contains(folders, first) || !nested && slices.Contains(files, name))
}
