package access

import (
	"crypto/sha256"
	"time"

	"heddle.example/machine"
)

// LinkLifetime is how long a one-time link works.
const LinkLifetime = 15 * time.Minute

// link is a one-time link. Links live in memory: a restart prints a new one.
type link struct {
	first   bool // makes the first administrator; else enters as role
	role    Role
	expires time.Time
}

// linkUser is the name of who came by a link. No user can have it: it has a space.
const linkUser = "one-time link"

// linksMost bounds the table.
const linksMost = 100

// FirstRunLink returns the token of a link that makes the administrator.
func (m *Manager) FirstRunLink() (string, error) { return m.newLink(link{first: true}) }

// EnterLink returns the token of a link that logs in at once with a role.
func (m *Manager) EnterLink(role Role) (string, error) { return m.newLink(link{role: role}) }

func (m *Manager) newLink(l link) (string, error) {
	secret, key, err := m.secret("")
	if err != nil {
		return "", err
	}
	l.expires = m.now().Add(LinkLifetime)
	m.mu.Lock()
	defer m.mu.Unlock()
	for k, old := range m.links {
		if !m.now().Before(old.expires) || len(m.links) >= linksMost {
			delete(m.links, k)
		}
	}
	m.links[key] = l
	return secret, nil
}

// take uses a link up.
func (m *Manager) take(secret string, first bool) (link, error) {
	key := digest(sha256.Sum256([]byte(secret)))
	m.mu.Lock()
	defer m.mu.Unlock()
	l, ok := m.links[key]
	if !ok || l.first != first || !m.now().Before(l.expires) {
		return link{}, ErrLink
	}
	delete(m.links, key)
	return l, nil
}

// FirstRun makes the first administrator and logs in. A mistake in name or password does not use the link up.
func (m *Manager) FirstRun(secret, name, password string) (string, Principal, error) {
	key := digest(sha256.Sum256([]byte(secret)))
	m.mu.RLock()
	l, ok := m.links[key]
	m.mu.RUnlock()
	if !ok || !l.first || !m.now().Before(l.expires) {
		return "", Principal{}, ErrLink
	}
	if err := checkPassword(password); err != nil {
		return "", Principal{}, err
	}
	if l, err := m.take(secret, true); err != nil {
		return "", Principal{}, err
	} else if _, err := m.AddUser(name, password, Admin); err != nil {
		m.mu.Lock()
		m.links[key] = l
		m.mu.Unlock()
		return "", Principal{}, err
	}
	m.mu.Lock()
	for k, l := range m.links {
		if l.first { // a second administrator is made by the first, not by an old link
			delete(m.links, k)
		}
	}
	m.mu.Unlock()
	return m.begin(name, Admin)
}

// Enter logs in with a link of EnterLink.
func (m *Manager) Enter(secret string) (string, Principal, error) {
	l, err := m.take(secret, false)
	if err != nil {
		return "", Principal{}, err
	}
	return m.begin(linkUser, l.role)
}

func oneRecord(r machine.Record) []machine.Record { return []machine.Record{r} }
