package credentials

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

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
			if r.Value == nil {
				delete(s.rows, string(r.Key))
			} else {
				s.rows[string(r.Key)] = slices.Clone(r.Value)
			}
		}
	}
	err := s.fail
	s.mu.Unlock()
	done(err)
}

func (s *memory) Load(_ machine.Table, each func(key, value []byte) error) error {
	for k, v := range s.rows {
		if err := each([]byte(k), v); err != nil {
			return err
		}
	}
	return nil
}

func open(t *testing.T, s *memory) *Credentials {
	t.Helper()
	c, err := Open(s, func() time.Time { return time.Unix(1_790_000_000, 0) })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func psk(endpoint, identity string) server.Credential {
	return server.Credential{Endpoint: endpoint, Identity: identity, Key: []byte("0123456789abcdef"), Mode: machine.PSK}
}

func TestPutGetDelete(t *testing.T) {
	s := &memory{}
	c := open(t, s)
	var changed []string
	c.OnChange(func(old server.Credential) { changed = append(changed, old.Endpoint+"/"+old.Identity) })
	steps := []struct {
		do   func() error
		want error
	}{
		{func() error { _, err := c.Put(psk("a", "id-a"), false); return err }, nil},
		{func() error { _, err := c.Put(psk("a", "id-a"), true); return err }, ErrExists},
		{func() error { _, err := c.Put(psk("b", "id-a"), false); return err }, ErrConflict},
		{func() error { _, err := c.Put(psk("b", "b"), false); return err }, nil},
		{func() error { _, err := c.Put(psk("a", "new"), false); return err }, nil},
		{func() error { _, err := c.Put(psk("c", "id-a"), false); return err }, nil}, // free again
		{func() error { return c.Delete("b") }, nil},
		{func() error { return c.Delete("b") }, ErrNotFound},
	}
	for i, st := range steps {
		if err := st.do(); !errors.Is(err, st.want) {
			t.Fatalf("step %d: error %v, want %v", i, err, st.want)
		}
	}
	if got, want := strings.Join(changed, " "), "a/id-a b/b"; got != want {
		t.Errorf("told of %q, want %q", got, want)
	}
	for range 2 {
		got := ""
		for _, r := range c.List("", "", 10) {
			got += r.Endpoint + "=" + r.Identity + " "
		}
		if got != "a=new c=id-a " || c.Len() != 2 {
			t.Errorf("table %q", got)
		}
		if r, ok := c.ByIdentity([]byte("new")); !ok || r.Endpoint != "a" || string(r.Key) != "0123456789abcdef" || r.Mode != machine.PSK {
			t.Errorf("by identity: %+v %v", r, ok)
		}
		if _, ok := c.ByIdentity([]byte("b")); ok {
			t.Error("a deleted identity is known")
		}
		c = open(t, s)
	}
}

func TestCheck(t *testing.T) {
	long := strings.Repeat("x", 200)
	for name, cr := range map[string]server.Credential{
		"no endpoint":       psk("", "i"),
		"long endpoint":     psk(long, "i"),
		"control character": psk("a\n", "i"),
		"not UTF-8":         psk("a\xff", "i"),
		"no identity":       psk("a", ""),
		"long identity":     psk("a", long),
		"short key":         {Endpoint: "a", Identity: "i", Key: []byte("1234567"), Mode: machine.PSK},
		"long key":          {Endpoint: "a", Identity: "i", Key: []byte(long), Mode: machine.PSK},
		"no mode":           {Endpoint: "a", Identity: "i", Key: []byte("0123456789abcdef")},
	} {
		if err := Check(cr); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := Check(psk("Käfer 7", "urn:x")); err != nil {
		t.Error(err)
	}
}

func TestNotStored(t *testing.T) {
	s := &memory{}
	c := open(t, s)
	c.Put(psk("a", "old"), false)
	s.fail = errors.New("disk full")
	if _, err := c.Put(psk("a", "new"), false); !errors.Is(err, s.fail) {
		t.Fatalf("error %v", err)
	}
	if r, _ := c.Get("a"); r.Identity != "old" {
		t.Errorf("after the failed change the identity is %q", r.Identity)
	}
	if _, err := c.PutAll([]server.Credential{psk("a", "x"), psk("b", "old")}, Replace); err == nil {
		t.Error("a bulk that was not stored succeeded")
	}
	if r, ok := c.ByIdentity([]byte("old")); !ok || r.Endpoint != "a" || c.Len() != 1 {
		t.Errorf("after the failed bulk: %+v %v, %d rows", r, ok, c.Len())
	}
	// A removed key stops working even if the removal cannot be stored.
	if err := c.Delete("a"); err == nil || c.Len() != 0 {
		t.Errorf("delete: %v, %d rows", err, c.Len())
	}
}

func TestPutAll(t *testing.T) {
	items := []server.Credential{psk("a", "1"), psk("b", "2"), psk("c", "1"), psk("a", "3"), psk("d", "")}
	for _, tt := range []struct {
		on   OnConflict
		want string
	}{
		{Fail, "added 2 replaced 0 skipped 0 errors 2 3 4"},
		{Replace, "added 2 replaced 1 skipped 0 errors 2 4"},
		{Skip, "added 2 replaced 0 skipped 1 errors 2 4"},
	} {
		c := open(t, &memory{})
		res, err := c.PutAll(items, tt.on)
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprintf("added %d replaced %d skipped %d errors", res.Added, res.Replaced, res.Skipped)
		for _, e := range res.Errors {
			got += fmt.Sprint(" ", e.Index)
		}
		if got != tt.want {
			t.Errorf("%v: %s, want %s", tt.on, got, tt.want)
		}
	}
}

func TestSearch(t *testing.T) {
	c := open(t, &memory{})
	for _, e := range []string{"lamp-2", "Meter-1", "lamp-1", "valve"} {
		c.Put(psk(e, "id-"+e+"-X"), false)
	}
	for _, tt := range []struct{ after, text, want string }{
		{"", "", "Meter-1 lamp-1 lamp-2 "}, {"lamp-1", "", "lamp-2 valve "}, {"", "LAMP", "lamp-1 lamp-2 "}, {"", "e-x", "valve "}, {"zzz", "", ""},
	} {
		got := ""
		for _, r := range c.List(tt.after, tt.text, 3) {
			got += r.Endpoint + " "
		}
		if got != tt.want {
			t.Errorf("List(%q, %q) = %q, want %q", tt.after, tt.text, got, tt.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("a"), encode(&row{endpoint: "a", identity: "i", key: "0123456789abcdef", created: 1, mode: machine.PSK}))
	f.Add([]byte{}, []byte{version, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255})
	f.Fuzz(func(t *testing.T, key, value []byte) {
		if r, err := decode(key, value); err == nil && string(encode(r)) != string(value) {
			t.Errorf("%x decodes and encodes to %x", value, encode(r))
		}
	})
}

func BenchmarkPutAll10000(b *testing.B) {
	items := make([]server.Credential, 10_000)
	for i := range items {
		items[i] = psk(fmt.Sprint("device-", i*7919%10_000), fmt.Sprint("id-", i))
	}
	for b.Loop() {
		c, _ := Open(&memory{}, time.Now)
		if res, err := c.PutAll(items, Fail); err != nil || res.Added != len(items) {
			b.Fatal(res, err)
		}
	}
}
