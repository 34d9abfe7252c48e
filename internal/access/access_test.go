package access

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"heddle.example/machine"
)

// memory is a store that keeps its rows in a map, and can fail.
type memory struct {
	mu   sync.Mutex
	rows map[string][]byte
	fail error
}

func (s *memory) Append(records []machine.Record, done func(error)) {
	s.mu.Lock()
	if s.fail == nil {
		if s.rows == nil {
			s.rows = map[string][]byte{}
		}
		for _, r := range records {
			k := string(r.Table) + "\x00" + string(r.Key)
			if r.Value == nil {
				delete(s.rows, k)
			} else {
				s.rows[k] = slices.Clone(r.Value)
			}
		}
	}
	err := s.fail
	s.mu.Unlock()
	done(err)
}

func (s *memory) Load(table machine.Table, each func(key, value []byte) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, v := range s.rows {
		if t, key, _ := strings.Cut(k, "\x00"); t == string(table) {
			if err := each([]byte(key), v); err != nil {
				return err
			}
		}
	}
	return nil
}

type world struct {
	t     *testing.T
	store *memory
	now   time.Time
	*Manager
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, store: &memory{}, now: time.Unix(1_790_000_000, 0)}
	w.restart()
	return w
}

func (w *world) restart() {
	w.t.Helper()
	m, err := Open(w.store, Options{Now: func() time.Time { return w.now }, Cheap: true})
	if err != nil {
		w.t.Fatal(err)
	}
	w.Manager = m
}

func want(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("error %v, want %v", err, target)
	}
}

func TestFirstRun(t *testing.T) {
	w := newWorld(t)
	if w.HasAdmin() {
		t.Fatal("a new server has an administrator")
	}
	link, err := w.FirstRunLink()
	want(t, err, nil)
	second, _ := w.FirstRunLink()
	_, _, err = w.FirstRun("guess", "ada", "long enough")
	want(t, err, ErrLink)
	_, _, err = w.FirstRun(link, "ada", "short")
	want(t, err, ErrInvalid) // a mistake does not use the link up
	_, _, err = w.FirstRun(link, "a b", "long enough")
	want(t, err, ErrInvalid)
	_, _, err = w.Enter(link)
	want(t, err, ErrLink)
	secret, p, err := w.FirstRun(link, "ada", "long enough")
	want(t, err, nil)
	if p != (Principal{"ada", Admin, "cookie"}) || !w.HasAdmin() {
		t.Fatalf("principal %+v", p)
	}
	if got, ok := w.Session(secret); !ok || got != p {
		t.Fatalf("session: %+v %v", got, ok)
	}
	for _, l := range []string{link, second} {
		_, _, err = w.FirstRun(l, "eve", "long enough")
		want(t, err, ErrLink)
	}
}

func TestLinksRunOutAndDoNotOutliveTheProgram(t *testing.T) {
	w := newWorld(t)
	link, _ := w.EnterLink(Admin)
	w.now = w.now.Add(LinkLifetime)
	_, _, err := w.Enter(link)
	want(t, err, ErrLink)
	link, _ = w.EnterLink(Operate)
	_, p, err := w.Enter(link)
	want(t, err, nil)
	if p.Role != Operate {
		t.Errorf("role %v", p.Role)
	}
	_, _, err = w.Enter(link)
	want(t, err, ErrLink)
	link, _ = w.EnterLink(Admin)
	w.restart()
	_, _, err = w.Enter(link)
	want(t, err, ErrLink)
}

func TestUsers(t *testing.T) {
	w := newWorld(t)
	_, err := w.AddUser("ada", "correct horse", Admin)
	want(t, err, nil)
	_, err = w.AddUser("ada", "correct horse", Read)
	want(t, err, ErrExists)
	_, err = w.AddUser("bob", "correct horse", None)
	want(t, err, ErrInvalid)
	_, err = w.AddUser("bob", strings.Repeat("x", 300), Read)
	want(t, err, ErrInvalid)
	_, err = w.AddUser("bob", "battery staple", Read)
	want(t, err, nil)
	w.restart()
	_, _, err = w.Login("ada", "battery staple", "1.1.1.1")
	want(t, err, ErrLogin)
	secret, p, err := w.Login("bob", "battery staple", "1.1.1.1")
	want(t, err, nil)
	if p.Role != Read {
		t.Errorf("role %v", p.Role)
	}
	w.restart()
	if _, ok := w.Session(secret); !ok {
		t.Error("a session did not survive a restart")
	}
	want(t, w.SetPassword("bob", "another password"), nil)
	if _, ok := w.Session(secret); ok {
		t.Error("a session survived a new password")
	}
	w.restart()
	if _, ok := w.Session(secret); ok {
		t.Error("after a restart the ended session is back")
	}
	_, _, err = w.Login("bob", "another password", "1.1.1.1")
	want(t, err, nil)
	want(t, w.SetPassword("eve", "another password"), ErrNotFound)
	want(t, w.DeleteUser("ada"), ErrLast)
	want(t, w.DeleteUser("bob"), nil)
	want(t, w.DeleteUser("bob"), ErrNotFound)
	for k, v := range w.store.rows {
		if strings.Contains(string(v), "correct horse") || strings.Contains(string(v), secret) {
			t.Errorf("row %q holds a secret in the clear", k)
		}
	}
}

func TestSessionsEnd(t *testing.T) {
	w := newWorld(t)
	w.AddUser("ada", "correct horse", Admin)
	secret, _, err := w.Login("ada", "correct horse", "::1")
	want(t, err, nil)
	for range 29 {
		w.now = w.now.Add(sessionIdle - time.Second)
		if _, ok := w.Session(secret); !ok {
			t.Fatal("a session in use ended")
		}
	}
	w.now = w.now.Add(2 * sessionIdle)
	if _, ok := w.Session(secret); ok {
		t.Error("an idle session did not end")
	}
	secret, _, _ = w.Login("ada", "correct horse", "::1")
	want(t, w.Logout(secret), nil)
	want(t, w.Logout(secret), nil)
	if _, ok := w.Session(secret); ok {
		t.Error("log-out did not end the session")
	}
	var first string
	for i := range sessionsMost + 1 {
		w.now = w.now.Add(time.Second)
		s, _, _ := w.Login("ada", "correct horse", "::1")
		if i == 0 {
			first = s
		}
	}
	if _, ok := w.Session(first); ok || len(w.sessions) != sessionsMost {
		t.Errorf("oldest alive: %v; %d sessions, want %d", ok, len(w.sessions), sessionsMost)
	}
}

func TestLoginAttemptsAreLimited(t *testing.T) {
	w := newWorld(t)
	w.AddUser("ada", "correct horse", Admin)
	for range failsOfUser {
		_, _, err := w.Login("ada", "guess number", "6.6.6.6")
		want(t, err, ErrLogin)
	}
	_, _, err := w.Login("ada", "correct horse", "6.6.6.6")
	want(t, err, ErrLimited)
	_, _, err = w.Login("ada", "correct horse", "7.7.7.7") // the real Ada is not locked out
	want(t, err, nil)
	for i := range failsOfAddress {
		w.Login(fmt.Sprint("user", i), "guess number", "8.8.8.8")
	}
	_, _, err = w.Login("ada", "correct horse", "8.8.8.8")
	want(t, err, ErrLimited)
	w.now = w.now.Add(failsForget)
	_, _, err = w.Login("ada", "correct horse", "6.6.6.6")
	want(t, err, nil)
	for i := range 3 * failsTracked {
		w.limit.failed("x", fmt.Sprint(i))
	}
	if n := len(w.limit.fails); n > failsTracked+2 {
		t.Errorf("%d attempts are tracked, the limit is %d", n, failsTracked)
	}
}

func TestTokens(t *testing.T) {
	w := newWorld(t)
	secret, tok, err := w.CreateToken("ci", Operate, time.Time{}, "ada")
	want(t, err, nil)
	if !strings.HasPrefix(secret, TokenPrefix) || tok.Digest != "" {
		t.Errorf("secret %q, token %+v", secret, tok)
	}
	w.now = w.now.Add(time.Second)
	short, _, err := w.CreateToken("short", Read, w.now.Add(time.Hour), "ada")
	want(t, err, nil)
	_, _, err = w.CreateToken("late", Read, w.now, "ada")
	want(t, err, ErrInvalid)
	_, _, err = w.CreateToken(" ", Read, time.Time{}, "ada")
	want(t, err, ErrInvalid)
	w.restart()
	p, ok := w.Token(secret)
	if !ok || p != (Principal{"token ci", Operate, "token"}) {
		t.Fatalf("principal %+v %v", p, ok)
	}
	if _, ok := w.Token(secret + "x"); ok {
		t.Error("a wrong secret was accepted")
	}
	w.restart()
	if _, ok := w.Token(secret); !ok {
		t.Error("after its use was noted a token is not known any more")
	}
	if list := w.Tokens(); len(list) != 2 || !list[0].Used.Equal(w.now) || list[0].Digest != "" {
		t.Errorf("tokens %+v", list)
	}
	w.now = w.now.Add(time.Hour)
	if _, ok := w.Token(short); ok {
		t.Error("an expired token was accepted")
	}
	_, err = w.RevokeToken(tok.ID)
	want(t, err, nil)
	_, err = w.RevokeToken(tok.ID)
	want(t, err, ErrNotFound)
	if _, ok := w.Token(secret); ok {
		t.Error("a revoked token was accepted")
	}
}

func TestNothingIsPromisedThatIsNotStored(t *testing.T) {
	w := newWorld(t)
	w.store.fail = errors.New("disk on fire")
	if _, err := w.AddUser("ada", "correct horse", Admin); err == nil || w.HasAdmin() {
		t.Errorf("user: error %v, has administrator %v", err, w.HasAdmin())
	}
	if _, _, err := w.CreateToken("ci", Read, time.Time{}, ""); err == nil || len(w.Tokens()) != 0 {
		t.Errorf("token: error %v", err)
	}
}

func TestAudit(t *testing.T) {
	w := newWorld(t)
	if got := w.AuditLog(10, 0); len(got) != 0 {
		t.Fatalf("a new log has %v", got)
	}
	for i := range auditKeep + 10 {
		w.Audit(Entry{User: "ada", Action: "credential.put", Target: fmt.Sprint(i + 1)})
	}
	for range 2 {
		got := w.AuditLog(3, 0)
		if len(got) != 3 || got[0].ID != auditKeep+10 || got[2].Target != fmt.Sprint(auditKeep+8) {
			t.Fatalf("newest: %+v", got)
		}
		if got := w.AuditLog(100, 15); len(got) != 4 || got[0].ID != 14 || got[3].ID != 11 {
			t.Fatalf("oldest: %+v", got)
		}
		w.restart()
	}
	w.Audit(Entry{User: "bob"})
	if got := w.AuditLog(1, 0); got[0].User != "bob" || got[0].ID != auditKeep+11 {
		t.Errorf("after a restart: %+v", got)
	}
}

func TestRoles(t *testing.T) {
	for _, r := range []Role{Read, Operate, Admin} {
		if got, err := ParseRole(r.String()); err != nil || got != r {
			t.Errorf("%v: %v %v", r, got, err)
		}
	}
	_, err := ParseRole("root")
	want(t, err, ErrInvalid)
}
