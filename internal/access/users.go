package access

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"time"
)

// User is a person who logs in with a password.
type User struct {
	Name     string    `json:"name"`
	Role     Role      `json:"role"`
	Password string    `json:"password"` // hash
	Created  time.Time `json:"created"`
}

// namePattern keeps names readable in logs, links and tables.
var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)

func (m *Manager) loadUsers() error {
	return load(m.store, userTable, func(_ []byte, u *User) error {
		m.users[u.Name] = u
		return nil
	})
}

// HasAdmin reports whether someone can administer the server.
func (m *Manager) HasAdmin() bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.admins() > 0
}

func (m *Manager) admins() (n int) {
	for _, u := range m.users {
		if u.Role == Admin {
			n++
		}
	}
	return n
}

// Users returns all users by name.
func (m *Manager) Users() []User {
	m.mu.RLock()
	defer m.mu.RUnlock()
	list := make([]User, 0, len(m.users))
	for _, u := range m.users {
		list = append(list, *u)
	}
	slices.SortFunc(list, func(a, b User) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// AddUser makes a user.
func (m *Manager) AddUser(name, password string, role Role) (User, error) {
	if !namePattern.MatchString(name) {
		return User{}, fmt.Errorf("%w: a user name has 1 to 64 letters, digits, dots, dashes, underscores or @, and begins with a letter or digit", ErrInvalid)
	}
	if role == None {
		return User{}, fmt.Errorf("%w: a user needs a role: read, operate or admin", ErrInvalid)
	}
	if err := checkPassword(password); err != nil {
		return User{}, err
	}
	hash, err := m.hashPassword(password)
	if err != nil {
		return User{}, err
	}
	u := &User{Name: name, Role: role, Password: hash, Created: m.now().UTC()}
	m.mu.Lock()
	if _, ok := m.users[name]; ok {
		m.mu.Unlock()
		return User{}, fmt.Errorf("%w: user %s", ErrExists, name)
	}
	m.users[name] = u
	m.mu.Unlock()
	if err := m.commit(record(userTable, []byte(name), u)); err != nil {
		m.mu.Lock()
		delete(m.users, name)
		m.mu.Unlock()
		return User{}, err
	}
	return *u, nil
}

// SetPassword gives a user a new password and ends the user's sessions.
func (m *Manager) SetPassword(name, password string) error {
	if err := checkPassword(password); err != nil {
		return err
	}
	hash, err := m.hashPassword(password)
	if err != nil {
		return err
	}
	m.mu.Lock()
	old := m.users[name]
	if old == nil {
		m.mu.Unlock()
		return fmt.Errorf("%w: no user %s", ErrNotFound, name)
	}
	u := *old
	u.Password = hash
	m.users[name] = &u
	records := append(m.endSessions(name), record(userTable, []byte(name), &u))
	m.mu.Unlock()
	return m.commit(records...)
}

// DeleteUser removes a user and ends the user's sessions.
func (m *Manager) DeleteUser(name string) error {
	m.mu.Lock()
	u := m.users[name]
	if u == nil {
		m.mu.Unlock()
		return fmt.Errorf("%w: no user %s", ErrNotFound, name)
	}
	if u.Role == Admin && m.admins() == 1 {
		m.mu.Unlock()
		return ErrLast
	}
	delete(m.users, name)
	records := append(m.endSessions(name), record(userTable, []byte(name), nil))
	m.mu.Unlock()
	return m.commit(records...)
}
