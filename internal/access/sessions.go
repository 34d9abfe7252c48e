package access

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"time"

	"heddle.example/machine"
)

// A session ends when it was not used for a day, and after thirty days in any case.
const (
	sessionIdle = 24 * time.Hour
	sessionLast = 30 * 24 * time.Hour
	// sessionsMost bounds a user's sessions; a further one ends the oldest.
	sessionsMost = 50
)

type session struct {
	User    string    `json:"user"`
	Role    Role      `json:"role"` // of a session without a user (a demo's link); else the user's role counts
	Created time.Time `json:"created"`

	used time.Time
	key  digest
}

func (m *Manager) loadSessions() error {
	now := m.now()
	return load(m.store, SessionTable, func(key []byte, s *session) error {
		if len(key) == len(s.key) && now.Sub(s.Created) < sessionLast {
			s.key, s.used = digest(key), now
			m.sessions[s.key] = s
		}
		return nil
	})
}

// Login checks a password and begins a session. remote is the address that attempts are counted by.
func (m *Manager) Login(name, password, remote string) (secret string, p Principal, err error) {
	if !m.limit.allow(name, remote) {
		return "", Principal{}, ErrLimited
	}
	m.mu.RLock()
	u := m.users[name]
	m.mu.RUnlock()
	// An unknown name takes as long as a wrong password, so that names cannot be probed.
	stored := decoyHash
	if u != nil {
		stored = u.Password
	}
	if !m.verifyPassword(stored, password) || u == nil {
		m.limit.failed(name, remote)
		return "", Principal{}, ErrLogin
	}
	m.limit.passed(name, remote)
	return m.begin(name, u.Role)
}

// decoyHash is a hash that no password gives.
const decoyHash = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// begin makes a session.
func (m *Manager) begin(user string, role Role) (string, Principal, error) {
	secret, key, err := m.secret("")
	if err != nil {
		return "", Principal{}, err
	}
	now := m.now()
	s := &session{User: user, Role: role, Created: now.UTC(), used: now, key: key}
	m.mu.Lock()
	records := m.trimSessions(user, now)
	m.sessions[key] = s
	m.mu.Unlock()
	if err := m.commit(append(records, record(SessionTable, key[:], s))...); err != nil {
		m.mu.Lock()
		delete(m.sessions, key)
		m.mu.Unlock()
		return "", Principal{}, err
	}
	return secret, Principal{user, role, "cookie"}, nil
}

// Session returns who a session's secret belongs to.
func (m *Manager) Session(secret string) (Principal, bool) {
	key := digest(sha256.Sum256([]byte(secret)))
	now := m.now()
	m.mu.RLock()
	s := m.sessions[key]
	p, ok := m.principal(s, now)
	fresh := ok && now.Sub(s.used) < time.Minute
	m.mu.RUnlock()
	if ok && !fresh {
		m.mu.Lock()
		s.used = now
		m.mu.Unlock()
	}
	return p, ok
}

func (m *Manager) principal(s *session, now time.Time) (Principal, bool) {
	if s == nil || now.Sub(s.Created) >= sessionLast || now.Sub(s.used) >= sessionIdle {
		return Principal{}, false
	}
	role := s.Role
	if u := m.users[s.User]; u != nil {
		role = u.Role
	}
	return Principal{s.User, role, "cookie"}, true
}

// Logout ends a session.
func (m *Manager) Logout(secret string) error {
	key := digest(sha256.Sum256([]byte(secret)))
	m.mu.Lock()
	_, ok := m.sessions[key]
	delete(m.sessions, key)
	m.mu.Unlock()
	if !ok {
		return nil
	}
	return m.commit(record(SessionTable, key[:], nil))
}

// endSessions forgets all sessions of a user and returns the records that make it last. The caller holds the lock.
func (m *Manager) endSessions(user string) []machine.Record {
	return m.dropSessions(func(s *session) bool { return s.User == user })
}

// trimSessions makes room for one more session of a user, and forgets what has run out.
func (m *Manager) trimSessions(user string, now time.Time) []machine.Record {
	var own []*session
	for _, s := range m.sessions {
		if s.User == user {
			own = append(own, s)
		}
	}
	var oldest *session
	if len(own) >= sessionsMost {
		oldest = slices.MinFunc(own, func(a, b *session) int { return a.used.Compare(b.used) })
	}
	return m.dropSessions(func(s *session) bool {
		_, alive := m.principal(s, now)
		return !alive || s == oldest
	})
}

func (m *Manager) dropSessions(which func(*session) bool) (records []machine.Record) {
	for key, s := range m.sessions {
		if which(s) {
			delete(m.sessions, key)
			records = append(records, record(SessionTable, bytes.Clone(key[:]), nil))
		}
	}
	return records
}
