package radio

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"heddle.example/machine"
)

// Flash keeps what a node must not forget in one small file, which is written whole beside the old one and then renamed:
// whoever kills the process finds the old file or the new one. A file of another format (OpenThread's is an image of its
// flash) counts as none.
type Flash struct {
	path string
	sync bool
	rows map[string][]byte // by table, 0, key
}

// FlashOptions say how.
type FlashOptions struct {
	// Sync makes each commit survive a power cut too, at the price of the disk's sync.
	Sync bool
}

const flashMagic = "heddle1\n"

// FlashPath returns where the simulated node id keeps its settings: scripts clean them by that name.
func FlashPath(offset string, id int) string {
	if offset == "" {
		offset = "0"
	}
	return filepath.Join("tmp", fmt.Sprintf("%s_%d.flash", offset, id))
}

// OpenFlash reads a file, if it is there.
func OpenFlash(path string, o FlashOptions) (*Flash, error) {
	f := &Flash{path: path, sync: o.Sync, rows: map[string][]byte{}}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return f, nil
	}
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	f.parse(b)
	return f, nil
}

// parse fills the rows; what is no file of ours, or damaged, leaves none.
func (f *Flash) parse(b []byte) {
	body, ok := bytes.CutPrefix(b, []byte(flashMagic))
	if !ok || len(body) < 4 {
		return
	}
	sum, body := binary.BigEndian.Uint32(body), body[4:]
	if crc32.ChecksumIEEE(body) != sum {
		return
	}
	rows := map[string][]byte{}
	for len(body) >= 4 {
		k, v := int(binary.BigEndian.Uint16(body)), int(binary.BigEndian.Uint16(body[2:]))
		if body = body[4:]; len(body) < k+v {
			return
		}
		rows[string(body[:k])] = slices.Clone(body[k : k+v])
		body = body[k+v:]
	}
	if len(body) == 0 {
		f.rows = rows
	}
}

// Load calls each with every record of a table, in the order of keys.
func (f *Flash) Load(table machine.Table, each func(key, value []byte) error) error {
	prefix := string(table) + "\x00"
	for _, k := range f.keys() {
		if key, ok := strings.CutPrefix(k, prefix); ok {
			if err := each([]byte(key), f.rows[k]); err != nil {
				return err
			}
		}
	}
	return nil
}

// Records returns everything, in a fixed order.
func (f *Flash) Records() []machine.Record {
	var list []machine.Record
	for _, k := range f.keys() {
		table, key, _ := strings.Cut(k, "\x00")
		list = append(list, machine.Record{Table: machine.Table(table), Key: []byte(key), Value: f.rows[k]})
	}
	return list
}

func (f *Flash) keys() []string {
	list := make([]string, 0, len(f.rows))
	for k := range f.rows {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}

// Write makes a commit durable.
func (f *Flash) Write(records []machine.Record) error {
	for _, r := range records {
		k := string(r.Table) + "\x00" + string(r.Key)
		switch {
		case r.Value == nil:
			delete(f.rows, k)
		case len(k) > 0xFFFF || len(r.Value) > 0xFFFF:
			return fmt.Errorf("settings: a record of %d bytes is too long", len(r.Value))
		default:
			f.rows[k] = append([]byte{}, r.Value...)
		}
	}
	return f.store()
}

// Wipe forgets everything, as a factory reset does.
func (f *Flash) Wipe() error {
	clear(f.rows)
	return f.store()
}

func (f *Flash) store() error {
	body := []byte{}
	for _, k := range f.keys() {
		body = binary.BigEndian.AppendUint16(body, uint16(len(k)))
		body = binary.BigEndian.AppendUint16(body, uint16(len(f.rows[k])))
		body = append(append(body, k...), f.rows[k]...)
	}
	b := binary.BigEndian.AppendUint32([]byte(flashMagic), crc32.ChecksumIEEE(body))
	// Scripts that clean up know this name as well.
	swap := strings.TrimSuffix(f.path, ".flash") + ".swap"
	if err := f.writeFile(swap, append(b, body...)); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	if err := os.Rename(swap, f.path); err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	return nil
}

func (f *Flash) writeFile(name string, b []byte) error {
	w, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = w.Write(b)
	if err == nil && f.sync {
		err = w.Sync()
	}
	return errors.Join(err, w.Close())
}
