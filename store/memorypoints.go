package store

import (
	"bytes"
	"cmp"
	"maps"
	"slices"

	"heddle.example/machine"
)

// memoryPointsMost bounds the points of a store in memory, whatever MaxBytes says.
const memoryPointsMost = 64 << 20

// memoryPoints are the blocks of a store in memory.
type memoryPoints struct {
	options *Points
	series  map[string]map[string]*memorySeries // by owner and name
	order   []*memorySeries                     // one for each block, oldest first
	bytes   int64
}

type memorySeries struct {
	owner, name string
	blocks      []Block
}

func (m *memoryPoints) init(o *Points) {
	if o != nil {
		p := *o
		p.setDefaults()
		if p.MaxBytes <= 0 || p.MaxBytes > memoryPointsMost {
			p.MaxBytes = memoryPointsMost
		}
		m.options, m.series = &p, map[string]map[string]*memorySeries{}
	}
}

func (m *memoryPoints) add(owner, record []byte) {
	set := pointSet{points: m.options}
	set.add(0, owner, record)
	for _, p := range sortedSeries(set.series) {
		of := m.series[string(p.owner)]
		if of == nil {
			of = map[string]*memorySeries{}
			m.series[string(p.owner)] = of
		}
		s := of[string(p.name)]
		if s == nil {
			if len(of) >= m.options.PerOwner {
				continue
			}
			s = &memorySeries{owner: string(p.owner), name: string(p.name)}
			of[s.name] = s
		}
		var last Block
		if n := len(s.blocks); n > 0 {
			last = s.blocks[n-1]
			m.bytes -= int64(len(last.Data)) + blockOverhead
			s.blocks = s.blocks[:n-1]
		}
		for i, b := range m.options.Packer.Pack(last, p.points) {
			if i > 0 || last.Data == nil {
				m.order = append(m.order, s)
			}
			s.blocks = append(s.blocks, b)
			m.bytes += int64(len(b.Data)) + blockOverhead
		}
	}
	for m.bytes > m.options.MaxBytes && len(m.order) > 0 {
		m.drop(m.order[0])
		m.order = m.order[1:]
	}
}

// drop takes away the oldest block of a series.
func (m *memoryPoints) drop(s *memorySeries) {
	m.bytes -= int64(len(s.blocks[0].Data)) + blockOverhead
	if s.blocks = s.blocks[1:]; len(s.blocks) > 0 {
		return
	}
	delete(m.series[s.owner], s.name)
	if len(m.series[s.owner]) == 0 {
		delete(m.series, s.owner)
	}
}

// forget takes away all blocks of an owner.
func (m *memoryPoints) forget(owner string) {
	m.order = slices.DeleteFunc(m.order, func(s *memorySeries) bool { return s.owner == owner })
	for _, s := range m.series[owner] {
		for _, b := range s.blocks {
			m.bytes -= int64(len(b.Data)) + blockOverhead
		}
	}
	delete(m.series, owner)
}

func (m *memory) Series(owner []byte) ([][]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var names [][]byte
	for name := range m.points.series[string(owner)] {
		names = append(names, []byte(name))
	}
	slices.SortFunc(names, bytes.Compare)
	return names, nil
}

func (m *memory) Blocks(owner, name []byte, from, to int64, each func(Block) error) error {
	m.mu.Lock()
	var list []Block
	if s := m.points.series[string(owner)][string(name)]; s != nil {
		for _, b := range s.blocks {
			if b.First <= to && b.Last >= from {
				list = append(list, b)
			}
		}
	}
	m.mu.Unlock()
	slices.SortStableFunc(list, func(a, b Block) int { return cmp.Compare(a.First, b.First) })
	for _, b := range list {
		if err := each(b); err != nil {
			return err
		}
	}
	return nil
}

// memorySnapshot is a copy.
type memorySnapshot struct {
	records []machine.Record
	blocks  []StoredBlock
}

func (m *memory) Snapshot() (Snapshot, error) {
	s := &memorySnapshot{}
	tables, _ := m.Tables()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, t := range tables {
		for _, k := range slices.Sorted(maps.Keys(m.tables[t])) {
			s.records = append(s.records, machine.Record{Table: t, Key: []byte(k), Value: m.tables[t][k]})
		}
	}
	for _, owner := range slices.Sorted(maps.Keys(m.points.series)) {
		for _, name := range slices.Sorted(maps.Keys(m.points.series[owner])) {
			for _, b := range m.points.series[owner][name].blocks {
				s.blocks = append(s.blocks, StoredBlock{[]byte(owner), []byte(name), m.points.options.today(), b})
			}
		}
	}
	return s, nil
}

func (s *memorySnapshot) Close() error { return nil }

func (s *memorySnapshot) Records(skip func(machine.Table) bool, each func(machine.Record) error) error {
	for _, r := range s.records {
		if skip(r.Table) {
			continue
		}
		if err := each(r); err != nil {
			return err
		}
	}
	return nil
}

func (s *memorySnapshot) Blocks(each func(StoredBlock) error) error {
	for _, b := range s.blocks {
		if err := each(b); err != nil {
			return err
		}
	}
	return nil
}
