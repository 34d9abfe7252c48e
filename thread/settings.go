package thread

import (
	"bytes"
	"sort"

	"heddle.example/machine"
)

// settings are what must outlive a reset. They are few and short, so the node keeps them in memory, in the order of their
// keys, and a change is one Persist action an input.
type settings struct {
	list  []setting
	dirty []machine.Record // of this input
	seq   machine.Seq      // of the commit that dirty will be
}

type setting struct {
	key   string
	value []byte
}

func (s *settings) load(from Store) error {
	if from == nil {
		return nil
	}
	err := from.Load(SettingsTable, func(key, value []byte) error {
		s.list = append(s.list, setting{string(key), bytes.Clone(value)})
		return nil
	})
	sort.Slice(s.list, func(i, j int) bool { return s.list[i].key < s.list[j].key })
	return err
}

func (s *settings) find(key string) (int, bool) {
	i := sort.Search(len(s.list), func(i int) bool { return s.list[i].key >= key })
	return i, i < len(s.list) && s.list[i].key == key
}

// LoadSetting returns a setting, or nil. It is not to be changed.
func (n *Node) LoadSetting(key string) []byte {
	if i, ok := n.settings.find(key); ok {
		return n.settings.list[i].value
	}
	return nil
}

// EachSetting calls each with every setting whose key begins with prefix, in order.
func (n *Node) EachSetting(prefix string, each func(key string, value []byte)) {
	first, _ := n.settings.find(prefix)
	for _, s := range append([]setting(nil), n.settings.list[first:]...) {
		if len(s.key) < len(prefix) || s.key[:len(prefix)] != prefix {
			return
		}
		each(s.key, s.value)
	}
}

// StoreSetting changes a setting; a nil value deletes it. It returns the commit that holds the change: a transmission that
// must not leave before says so.
func (n *Node) StoreSetting(key string, value []byte) machine.Seq {
	s := &n.settings
	i, ok := s.find(key)
	switch {
	case ok && value == nil:
		s.list = append(s.list[:i], s.list[i+1:]...)
	case ok && bytes.Equal(s.list[i].value, value):
		return s.seq
	case ok:
		s.list[i].value = bytes.Clone(value)
	case value == nil:
		return s.seq
	default:
		s.list = append(s.list, setting{})
		copy(s.list[i+1:], s.list[i:])
		s.list[i] = setting{key, bytes.Clone(value)}
	}
	return n.record(key, value)
}

// record has a setting written to disk with this input's commit.
func (n *Node) record(key string, value []byte) machine.Seq {
	s := &n.settings
	var record machine.Record
	record.Table, record.Key = SettingsTable, []byte(key)
	if value != nil {
		record.Value = append([]byte{}, value...)
	}
	if len(s.dirty) == 0 {
		s.seq = n.out.Nest().NextSeq()
	}
	for j := range s.dirty {
		if string(s.dirty[j].Key) == key {
			s.dirty[j] = record
			return s.seq
		}
	}
	s.dirty = append(s.dirty, record)
	return s.seq
}

// wipe deletes all settings, as a factory reset does.
func (n *Node) wipe() {
	for len(n.settings.list) > 0 {
		n.StoreSetting(n.settings.list[0].key, nil)
	}
}

// flushSettings asks for what has changed during this input to be made durable.
func (n *Node) flushSettings() {
	if len(n.settings.dirty) == 0 {
		return
	}
	n.out.Push(machine.Action{Kind: machine.Persist, Seq: n.settings.seq, Records: n.settings.dirty, Cause: n.cause})
	for _, r := range n.settings.dirty {
		n.unsettled.keys = append(n.unsettled.keys, pendingKey{n.settings.seq, string(r.Key)})
	}
	n.settings.dirty = nil
}
