package notes

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"heddle.example/machine"
	"heddle.example/store"
)

func open(t *testing.T, s Store) *Notes {
	t.Helper()
	n, err := Open(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func put(t *testing.T, n *Notes, endpoint, text string, tags ...string) {
	t.Helper()
	if _, err := n.Put(endpoint, Note{text, tags}); err != nil {
		t.Fatal(err)
	}
}

// What was written is there after a restart, whole and in its stored form, and what was removed is not.
func TestKeptOverARestart(t *testing.T) {
	s := store.Memory()
	n := open(t, s)
	put(t, n, "lamp", "  behind the\nboiler ", "cellar", "attic", "cellar")
	put(t, n, "pump", "", "cellar")
	put(t, n, "gone", "soon", "x")
	put(t, n, "gone", "")
	n = open(t, s)
	if got := n.Get("lamp"); got.Text != "behind the\nboiler" || !slices.Equal(got.Tags, []string{"attic", "cellar"}) {
		t.Errorf("lamp: %q", got)
	}
	if got := n.Get("gone"); !got.empty() {
		t.Errorf("gone: %q", got)
	}
	if got := n.Tags(); !slices.Equal(got, []Tag{{"attic", 1}, {"cellar", 2}}) {
		t.Errorf("tags: %v", got)
	}
	if got := n.Tagged("cellar", "", 10); !slices.Equal(got, []string{"lamp", "pump"}) {
		t.Errorf("tagged: %v", got)
	}
	if got := n.Tagged("cellar", "lamp", 10); !slices.Equal(got, []string{"pump"}) {
		t.Errorf("tagged after lamp: %v", got)
	}
}

func TestRetag(t *testing.T) {
	n := open(t, store.Memory())
	put(t, n, "a", "note", "old", "both")
	put(t, n, "b", "", "new")
	changed, err := n.Retag([]string{"b", "a", "c", "a"}, []string{"new"}, []string{"old"})
	if err != nil || !slices.Equal(changed, []string{"a", "c"}) {
		t.Fatalf("changed %v, %v", changed, err)
	}
	if got := n.Get("a"); got.Text != "note" || !slices.Equal(got.Tags, []string{"both", "new"}) {
		t.Errorf("a: %q", got)
	}
	if _, err := n.Retag([]string{"c"}, nil, []string{"new"}); err != nil || !n.Get("c").empty() || n.Has("c", "new") {
		t.Errorf("c: %q, %v", n.Get("c"), err)
	}
}

func TestRefused(t *testing.T) {
	n := open(t, store.Memory())
	many := make([]string, TagsMost+1)
	for i := range many {
		many[i] = strings.Repeat("t", i+1)
	}
	for name, c := range map[string]struct {
		endpoint string
		note     Note
	}{
		"no endpoint":   {"", Note{Text: "x"}},
		"long endpoint": {strings.Repeat("e", EndpointMost+1), Note{Text: "x"}},
		"long note":     {"lamp", Note{Text: strings.Repeat("x", NoteMost+1)}},
		"control":       {"lamp", Note{Text: "a\x1b[2J"}},
		"not UTF-8":     {"lamp", Note{Text: "a\xff"}},
		"space in tag":  {"lamp", Note{Tags: []string{"a b"}}},
		"comma in tag":  {"lamp", Note{Tags: []string{"a,b"}}},
		"empty tag":     {"lamp", Note{Tags: []string{""}}},
		"long tag":      {"lamp", Note{Tags: []string{strings.Repeat("t", TagMost+1)}}},
		"many tags":     {"lamp", Note{Tags: many}},
	} {
		if _, err := n.Put(c.endpoint, c.note); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(n.Tags()) != 0 {
		t.Error("something refused was kept")
	}
}

// failing is a disk that is full.
type failing struct{ store.Store }

func (failing) Append(_ []machine.Record, done func(error)) { done(store.ErrFull) }

// What could not be stored is not shown either.
func TestNotStored(t *testing.T) {
	n := open(t, failing{store.Memory()})
	if _, err := n.Put("lamp", Note{Text: "x"}); !errors.Is(err, store.ErrFull) || !n.Get("lamp").empty() {
		t.Errorf("%v, %q", err, n.Get("lamp"))
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encode(Note{"text", []string{"a", "b"}}))
	f.Add([]byte{version, 200})
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := decode(b)
		if err != nil {
			return
		}
		again, err := decode(encode(n))
		if err != nil || again.Text != n.Text || !slices.Equal(again.Tags, n.Tags) {
			t.Errorf("%q became %q, %v", n, again, err)
		}
	})
}
