package shell

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"heddle.example/thread"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/status"
)

// testRand gives the same numbers every time.
type testRand struct{ *rand.Rand }

func (r testRand) Fill(b []byte) {
	for i := range b {
		b[i] = byte(r.Uint32())
	}
}

// testNode returns a node without a radio, in the profile of OpenThread's default build.
func testNode(t *testing.T, profile *thread.Profile) *thread.Node {
	t.Helper()
	n, err := thread.New(thread.Config{
		Rand: testRand{rand.New(rand.NewPCG(1, 2))}, EUI64: ieee802154.ExtAddr{0x18, 0xb4, 0x30, 0, 0, 0, 0, 1}, Profile: profile, History: true, Now: 1e9,
	})
	if err != nil {
		t.Fatal(err)
	}
	n.Expire(1e9)
	return n
}

// A script is the whole transcript of a session as it is on a terminal. Lines that begin with the prompt are typed.
func TestScripts(t *testing.T) {
	names, _ := filepath.Glob("testdata/*.txt")
	if len(names) == 0 {
		t.Fatal("no scripts")
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var all strings.Builder
			profile := &thread.DefaultProfile
			if strings.HasPrefix(filepath.Base(name), "test-") {
				profile = &thread.TestProfile
			}
			s := New(testNode(t, profile), Config{Echo: true, Extra: extra})
			for line := range strings.Lines(string(b)) {
				all.Write(s.Output())
				if typed, ok := strings.CutPrefix(line, prompt); ok {
					s.Input(2e9, 0, []byte(typed))
				}
			}
			all.Write(s.Output())
			got := strings.ReplaceAll(all.String(), "\r\n", "\n")
			if want := string(b) + prompt; got != want {
				t.Error(firstDifference(got, want))
			}
		})
	}
}

// firstDifference shows where two transcripts part.
func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	command := ""
	for i := range max(len(g), len(w)) {
		line := func(l []string) string {
			if i < len(l) {
				return fmt.Sprintf("%q", l[i])
			}
			return "the end"
		}
		if line(g) != line(w) {
			return fmt.Sprintf("line %d, after %q: %s, want %s", i+1, command, line(g), line(w))
		}
		if strings.HasPrefix(g[i], prompt) {
			command = g[i]
		}
	}
	return ""
}

var extra = []Command{
	{"extra", func(s *Shell, a []string) error { s.Line("%d words", len(a)); return nil }},
	{"fails", func(*Shell, []string) error { return errors.New("anything") }},
	{"waits", func(*Shell, []string) error { return status.Pending }},
}

func TestTyping(t *testing.T) {
	for _, c := range []struct{ typed, want string }{
		{"\n", "> \r\n> "},
		{"\r\n\r\n", "> \r\n> \r\n> "},
		{"\r\r", "> \r\n> \r\n> "},
		{"foo\b\b\bstate\n", "> foo\b \b\b \b\b \bstate\r\ndisabled\r\nDone\r\n> "},
		{"\x7fstate\r", "> state\r\ndisabled\r\nDone\r\n> "},
		{"  state\t \n", ">   state\t \r\ndisabled\r\nDone\r\n> "},
		{`st\ate` + "\n", `> st\ate` + "\r\nError 35: InvalidCommand\r\n> "},
		{`extra a\ b \\ c` + "\n", `> extra a\ b \\ c` + "\r\n3 words\r\nDone\r\n> "},
		{"waits\nstate\n", "> waits\r\nstate\r\n"},
		{"extra" + strings.Repeat(" a", 30) + "\n", "> extra" + strings.Repeat(" a", 30) + "\r\n30 words\r\nDone\r\n> "},
		{"extra" + strings.Repeat(" a", 31) + "\n", "> extra" + strings.Repeat(" a", 31) + "\r\nError 7: InvalidArgs\r\n> "},
		{strings.Repeat("x", 700) + "\n", "> " + strings.Repeat("x", 639) + "\r\nError 35: InvalidCommand\r\n> "},
		{"reset\nstate\n", "> "},
		{"state\nreset\nstate\n", "> state\r\ndisabled\r\nDone\r\n> "},
		{"waits\nfactoryreset\n", "> waits\r\n"},
		{"state\x04state", "> state"},
	} {
		s := New(testNode(t, nil), Config{Echo: true, Extra: extra})
		s.Input(2e9, 0, []byte(c.typed))
		if got := string(s.Output()); got != c.want {
			t.Errorf("%q gives %q, want %q", c.typed, got, c.want)
		}
	}
}

func TestExit(t *testing.T) {
	for typed, want := range map[string]Exit{"reset\n": Reset, "factoryreset\n": FactoryReset, "\x04": Quit, "\x03": Interrupt, "reset x\n": Stay} {
		s := New(testNode(t, nil), Config{})
		s.Input(2e9, 0, []byte(typed))
		if got := s.Exit(); got != want {
			t.Errorf("%q asks for %d, want %d", typed, got, want)
		}
	}
}

func TestNumbers(t *testing.T) {
	type result struct {
		v   int64
		err error
	}
	bad := result{0, status.InvalidArgs}
	for _, c := range []struct {
		word   string
		u8, i8 result
	}{
		{"0", result{}, result{}},
		{"255", result{255, nil}, bad},
		{"256", bad, bad},
		{"0xff", result{255, nil}, bad},
		{"0X7f", result{127, nil}, result{127, nil}},
		{"-128", bad, result{-128, nil}},
		{"-129", bad, bad},
		{"+5", bad, result{5, nil}},
		{"", bad, bad},
		{"0x", bad, bad},
		{"1a", bad, bad},
		{"18446744073709551616", bad, bad},
		{"0x10000000000000000", bad, bad},
	} {
		u, err := args{c.word}.u8(0)
		i, err2 := args{c.word}.i8(0)
		if (result{int64(u), err}) != c.u8 && c.u8.err == nil || c.u8.err != err || c.i8.err != err2 || err2 == nil && int64(i) != c.i8.v {
			t.Errorf("%q: %d %v, %d %v", c.word, u, err, i, err2)
		}
	}
}

func TestHex(t *testing.T) {
	for _, c := range []struct{ word, want string }{
		{"0102", "0102"}, {"102", "0102"}, {"", "error"}, {"01020304", "01020304"}, {"0102030405", "error"}, {"xx", "error"},
	} {
		got := "error"
		if b, err := (args{c.word}).hex(0, 4); err == nil {
			got = hexOf(b)
		}
		if got != c.want {
			t.Errorf("%q: %s, want %s", c.word, got, c.want)
		}
	}
}

func TestSeconds(t *testing.T) {
	for word, want := range map[string]string{"1": "1s", "0.5": "500ms", "12.345": "12.345s", "0.0001": "0s", "": "0s", "1.2.3": "error", "x": "error"} {
		got := "error"
		if d, err := seconds(word); err == nil {
			got = fmt.Sprint(d)
		}
		if got != want {
			t.Errorf("%q: %s, want %s", word, got, want)
		}
	}
}

func TestClock(t *testing.T) {
	if a, b := clock(93784005, true), duration(59); a != "1d.02:03:04.005" || b != "00:00:59" {
		t.Error(a, b)
	}
}

func FuzzInput(f *testing.F) {
	f.Add([]byte("state\r\nping ::1 1 1\nmacfilter\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := New(testNode(t, nil), Config{Echo: true, Extra: extra})
		s.Input(2e9, 0, b)
	})
}

func TestComplete(t *testing.T) {
	s := New(testNode(t, nil), Config{Extra: extra})
	for line, want := range map[string]string{
		"routers": "routerselectionjitter", "dataset com": "commit", "macfilter ": "addr rss", "x": "", "ext": "extaddr extcommissioner extpanid extra",
		"dataset commit ": "", "udp ": "bind close connect linksecurity open send",
	} {
		if got := strings.Join(s.Complete(line), " "); got != want {
			t.Errorf("%q: %q, want %q", line, got, want)
		}
	}
}
