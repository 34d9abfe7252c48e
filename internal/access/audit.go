package access

import (
	"encoding/binary"
	"time"

	"heddle.example/machine"
)

// Entry is one line of the audit log: who did what to what, from where, and how it went.
type Entry struct {
	ID     uint64    `json:"id"`
	At     time.Time `json:"at"`
	User   string    `json:"user"`
	Via    string    `json:"via"`
	Remote string    `json:"remote"`
	Action string    `json:"action"` // such as "credential.put"
	Target string    `json:"target,omitempty"`
	Status int       `json:"status"` // the HTTP status of the answer
}

// auditKeep is how many entries are kept.
const auditKeep = 5000

// auditLog is a ring of the newest entries.
type auditLog struct {
	ring []Entry
	last uint64 // id of the newest entry; the first is 1
}

// add puts an entry in its place, which its id gives: a missing one (its commit was lost) stays empty.
func (l *auditLog) add(e Entry) {
	at := int((e.ID - 1) % auditKeep)
	for len(l.ring) <= at {
		l.ring = append(l.ring, Entry{})
	}
	if l.ring[at].ID < e.ID {
		l.ring[at] = e
	}
	l.last = max(l.last, e.ID)
}

func auditKey(id uint64) []byte { return binary.BigEndian.AppendUint64(nil, id) }

func (m *Manager) loadAudit() error {
	return load(m.store, auditTable, func(_ []byte, e *Entry) error {
		if e.ID > 0 {
			m.audit.add(*e)
		}
		return nil
	})
}

// Audit notes that something was done. Nothing waits for the disk: what the entry is about has been committed before it,
// and commits are in order.
func (m *Manager) Audit(e Entry) {
	m.mu.Lock()
	e.ID, e.At = m.audit.last+1, m.now().UTC()
	m.audit.add(e)
	m.mu.Unlock()
	records := []machine.Record{record(auditTable, auditKey(e.ID), &e)}
	if e.ID > auditKeep {
		records = append(records, record(auditTable, auditKey(e.ID-auditKeep), nil))
	}
	m.store.Append(records, func(error) {})
}

// AuditLog returns up to limit entries with an id below before (0: the newest), newest first.
func (m *Manager) AuditLog(limit int, before uint64) []Entry {
	m.mu.RLock()
	defer m.mu.RUnlock()
	id := m.audit.last
	if before > 0 {
		id = min(id, before-1)
	}
	list := []Entry{}
	for ; id > 0 && id+auditKeep > m.audit.last && len(list) < limit && (id-1)%auditKeep < uint64(len(m.audit.ring)); id-- {
		if e := m.audit.ring[(id-1)%auditKeep]; e.ID == id {
			list = append(list, e)
		}
	}
	return list
}
