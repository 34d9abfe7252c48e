package firmware

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"heddle.example/lwm2m/firmware"
	"heddle.example/machine"
)

// Package is a firmware package that the server holds.
type Package struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Version string    `json:"version,omitempty" doc:"what 3/0/3 is to say after the update"`
	Size    int64     `json:"size" doc:"bytes"`
	SHA256  string    `json:"sha256" doc:"of the whole package, in hex"`
	Format  string    `json:"format" enum:"container,raw" doc:"container: with name, version and a digest that the device checks"`
	AddedAt time.Time `json:"addedAt"`
	AddedBy string    `json:"addedBy,omitempty"`
	Updates int       `json:"updates" doc:"updates of devices that use it"`
}

// suffix is of the packages' files; what has another one is left over from an upload.
const suffix = ".pkg"

func (m *Manager) openDir() (err error) {
	if m.c.Dir == "" {
		m.temp = true
		m.dir, err = os.MkdirTemp("", "heddle-firmware-")
		return err
	}
	m.dir = m.c.Dir
	return os.MkdirAll(m.dir, 0o700)
}

func (m *Manager) closeDir() {
	if m.temp {
		os.RemoveAll(m.dir)
	}
}

func (m *Manager) file(id string) string { return filepath.Join(m.dir, id+suffix) }

// loadPackages reads the table, and takes away files that belong to no package and packages without their file.
func (m *Manager) loadPackages() error {
	err := m.c.Store.Load(PackageTable, func(key, value []byte) error {
		p := new(Package)
		if err := json.Unmarshal(value, p); err != nil {
			return fmt.Errorf("package %s: %w", key, err)
		}
		if st, err := os.Stat(m.file(p.ID)); err == nil && st.Size() == p.Size {
			m.packages[p.ID] = p
		}
		return nil
	})
	if err != nil {
		return err
	}
	files, err := os.ReadDir(m.dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		id, ok := strings.CutSuffix(f.Name(), suffix)
		if !ok || m.packages[id] == nil {
			os.Remove(filepath.Join(m.dir, f.Name()))
		}
	}
	return nil
}

// Add takes in a package. Name and version are those of its container where they are not given. It returns after the
// package is on disk.
func (m *Manager) Add(r io.Reader, name, version, by string) (*Package, error) {
	for _, s := range []string{name, version} {
		if err := firmware.CheckText(s); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
		}
	}
	f, err := os.CreateTemp(m.dir, "upload-*.part")
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name()) // after the rename there is nothing of that name
	defer f.Close()
	check, sum := firmware.NewVerifier(), sha256.New()
	size, err := m.receive(f, r, check, sum)
	if err != nil {
		return nil, err
	}
	p := &Package{ID: newID(), Name: name, Version: version, Size: size, SHA256: hex.EncodeToString(sum.Sum(nil)), Format: "raw", AddedAt: now(), AddedBy: by}
	if h, ok := check.Header(); ok {
		p.Format = "container"
		if p.Name == "" {
			p.Name = h.Name
		}
		if p.Version == "" {
			p.Version = h.Version
		}
		if h.Version != "" && p.Version != h.Version {
			return nil, fmt.Errorf("%w: the package says that it is version %s, not %s", ErrInvalid, h.Version, p.Version)
		}
	}
	if p.Name == "" {
		return nil, fmt.Errorf("%w: a package without a container needs a name", ErrInvalid)
	}
	if err := f.Sync(); err != nil {
		return nil, err
	}
	if err := os.Rename(f.Name(), m.file(p.ID)); err != nil {
		return nil, err
	}
	return m.enter(p)
}

// receive copies an upload, up to the limit, and checks it on the way.
func (m *Manager) receive(f *os.File, r io.Reader, check *firmware.Verifier, sum io.Writer) (int64, error) {
	var bad error
	verify := writerFunc(func(b []byte) (int, error) {
		if bad == nil {
			bad = check.Write(b)
		}
		return len(b), nil
	})
	size, err := io.Copy(io.MultiWriter(f, sum, verify), io.LimitReader(r, m.c.Limit+1))
	if bad == nil {
		bad = check.Finish()
	}
	switch {
	case size > m.c.Limit:
		return 0, fmt.Errorf("%w: the limit is %d bytes", ErrTooLarge, m.c.Limit)
	case err != nil:
		return 0, err
	case size == 0:
		return 0, fmt.Errorf("%w: the package is empty", ErrInvalid)
	case errors.Is(bad, firmware.ErrType):
		return size, nil // for devices that know it
	case bad != nil:
		return 0, fmt.Errorf("%w: %w", ErrInvalid, bad)
	}
	return size, nil
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// enter stores the record of a package whose file is in its place.
func (m *Manager) enter(p *Package) (*Package, error) {
	b, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	full := len(m.packages) >= packagesMost
	m.mu.Unlock()
	if full {
		err = fmt.Errorf("%w for more than %d packages", ErrFull, packagesMost)
	} else {
		err = m.commit(machine.Record{Table: PackageTable, Key: []byte(p.ID), Value: b})
	}
	if err != nil {
		os.Remove(m.file(p.ID))
		return nil, err
	}
	m.mu.Lock()
	m.packages[p.ID] = p
	m.mu.Unlock()
	view := *p
	return &view, nil
}

// Packages returns all packages, newest first.
func (m *Manager) Packages() []Package {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := make([]Package, 0, len(m.packages))
	for _, p := range m.packages {
		list = append(list, m.viewPackage(p))
	}
	slices.SortFunc(list, func(a, b Package) int {
		if c := b.AddedAt.Compare(a.AddedAt); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return list
}

func (m *Manager) viewPackage(p *Package) Package {
	v := *p
	for _, u := range m.updates {
		if u.Package == p.ID {
			v.Updates++
		}
	}
	return v
}

// Package returns one package.
func (m *Manager) Package(id string) (Package, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.packages[id]
	if p == nil {
		return Package{}, ErrNotFound
	}
	return m.viewPackage(p), nil
}

// Resolve finds a package by its id, or by name@version, or by a name that only one package has.
func (m *Manager) Resolve(s string) (Package, error) {
	if p, err := m.Package(s); err == nil {
		return p, nil
	}
	name, version, versioned := strings.Cut(s, "@")
	var found []Package
	for _, p := range m.Packages() {
		if p.Name == name && (!versioned || p.Version == version) {
			found = append(found, p)
		}
	}
	switch {
	case len(found) == 0:
		return Package{}, fmt.Errorf("%w: package %.64q", ErrNotFound, s)
	case len(found) > 1 && found[0].SHA256 != found[1].SHA256:
		return Package{}, fmt.Errorf("%w: %d packages are called %.64q; name one by its id", ErrInvalid, len(found), s)
	}
	return found[0], nil
}

// Remove removes a package that no running update needs.
func (m *Manager) Remove(id string) error {
	m.mu.Lock()
	p := m.packages[id]
	if p == nil {
		m.mu.Unlock()
		return ErrNotFound
	}
	for _, u := range m.updates {
		if u.Package == id && u.State == Running {
			m.mu.Unlock()
			return fmt.Errorf("%w: the update %s is running; cancel it first", ErrInUse, u.ID)
		}
	}
	delete(m.packages, id)
	m.mu.Unlock()
	if err := m.commit(machine.Record{Table: PackageTable, Key: []byte(id)}); err != nil {
		m.mu.Lock()
		m.packages[id] = p
		m.mu.Unlock()
		return err
	}
	if err := os.Remove(m.file(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
