package store

import (
	"slices"
	"sync"

	"heddle.example/machine"
)

// memory is a Store that forgets everything with the program.
type memory struct {
	mu     sync.Mutex
	tables map[machine.Table]map[string][]byte
	points memoryPoints
	stats  Stats
	closed bool
}

// Memory returns a store that keeps everything in memory: for tests, and for a program without a data directory.
func Memory() Store { return MemoryWith(nil) }

// MemoryWith is Memory with a table of points.
func MemoryWith(points *Points) Store {
	m := &memory{tables: map[machine.Table]map[string][]byte{}}
	m.points.init(points)
	return m
}

func (m *memory) Append(records []machine.Record, done func(error)) {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		done(ErrClosed)
		return
	}
	for _, r := range records {
		if m.points.options.holds(r.Table) {
			if r.Value == nil {
				m.points.forget(string(r.Key))
			} else {
				m.points.add(r.Key, r.Value)
			}
			continue
		}
		t := m.tables[r.Table]
		if t == nil {
			t = map[string][]byte{}
			m.tables[r.Table] = t
		}
		if r.Value == nil {
			delete(t, string(r.Key))
		} else {
			t[string(r.Key)] = append([]byte{}, r.Value...)
		}
	}
	m.stats.Appends++
	m.stats.Commits++
	m.stats.Records += uint64(len(records))
	m.mu.Unlock()
	done(nil)
}

func (m *memory) Load(table machine.Table, each func(key, value []byte) error) error {
	m.mu.Lock()
	t := m.tables[table]
	keys := make([]string, 0, len(t))
	values := make(map[string][]byte, len(t))
	for k, v := range t {
		keys = append(keys, k)
		values[k] = v
	}
	m.mu.Unlock()
	slices.Sort(keys)
	for _, k := range keys {
		if err := each([]byte(k), values[k]); err != nil {
			return err
		}
	}
	return nil
}

func (m *memory) Tables() ([]machine.Table, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var names []machine.Table
	for t := range m.tables {
		names = append(names, t)
	}
	slices.Sort(names)
	return names, nil
}

func (m *memory) Flush()        {}
func (m *memory) Failed() error { return nil }

func (m *memory) Stats() Stats {
	m.mu.Lock()
	defer m.mu.Unlock()
	s := m.stats
	s.BlockBytes = m.points.bytes
	return s
}

func (m *memory) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}
