package cli

import (
	"strings"
	"testing"
)

// played plays what the editor shows, as a terminal would.
func played(s string) string {
	var lines []string
	var line []rune
	at := 0
	for _, r := range s {
		switch r {
		case '\r':
			at = 0
		case '\n':
			lines, line, at = append(lines, strings.TrimRight(string(line), " ")), nil, 0
		case '\b':
			at--
		default:
			if at == len(line) {
				line = append(line, r)
			} else {
				line[at] = r
			}
			at++
		}
	}
	return strings.Join(append(lines, strings.TrimRight(string(line), " ")), "\n")
}

func TestLineEditor(t *testing.T) {
	complete := func(line string) (fit []string) {
		for _, w := range []string{"state", "start", "router"} {
			if strings.HasPrefix(w, line) {
				fit = append(fit, w)
			}
		}
		return fit
	}
	for _, c := range []struct{ name, typed, lines, shows string }{
		{"plain", "state\n", "state\n", "state\n"},
		{"CR LF", "a\r\nb\r\n", "a\nb\n", "a\nb\n"},
		{"backspace", "stx\x7fate\r", "state\n", "state\n"},
		{"nothing to erase", "\x7f\x7fa\r", "a\n", "a\n"},
		{"left and insert", "stte\x1b[D\x1b[Da\r", "state\n", "state\n"},
		{"home, delete, end", "xstat\x01\x1b[3~\x05e\r", "state\n", "state\n"},
		{"to the end", "state now\x1b[D\x1b[D\x1b[D\x1b[D\x0b\r", "state\n", "state\n"},
		{"a word", "router state\x17\x17state\r", "state\n", "state\n"},
		{"all", "router\x15state\r", "state\n", "state\n"},
		{"recall", "one\rtwo\r\x1b[A\x1b[A\x1b[B\r", "one\ntwo\ntwo\n", "one\ntwo\ntwo\n"},
		{"recall the new line", "one\rtw\x1b[A\x1b[Bo\r", "one\ntwo\n", "one\ntwo\n"},
		{"complete", "rou\t\r", "router \n", "router\n"},
		{"complete as far as it goes", "s\t\t\r", "sta\n", "sta\nstate  start\n> sta\n"},
		{"nothing fits", "x\t\r", "x\n", "x\n"},
		{"UTF-8", "\u00fcber\x7f\r", "\u00fcbe\n", "\u00fcbe\n"},
		{"Ctrl-D on an empty line", "\x04", "\x04", ""},
		{"Ctrl-D deletes", "ab\x01\x04\r", "b\n", "b\n"},
		{"unknown sequence", "a\x1b[5~b\r", "ab\n", "ab\n"},
	} {
		e := &lineEditor{complete: complete}
		var lines, shows string
		for i := range len(c.typed) { // one byte at a time, as a slow typist
			l, s := e.take([]byte{c.typed[i]})
			lines += string(l)
			shows += string(s)
		}
		if lines != c.lines || played(shows) != c.shows {
			t.Errorf("%s: reads %q, shows %q", c.name, lines, played(shows))
		}
	}
	e := &lineEditor{complete: complete}
	e.take([]byte("sta"))
	if got := string(e.around([]byte("Join success\r\n"))); got != "\r\x1b[KJoin success\r\n> sta" {
		t.Errorf("around: %q", got)
	}
	// What is typed plainly is echoed as OpenThread echoes it.
	e = &lineEditor{complete: complete}
	if _, echo := e.take([]byte("ab\x7f\r\n")); string(echo) != "ab\b \b\r\n" {
		t.Errorf("echo %q", echo)
	}
}

func TestAsOpenThread(t *testing.T) {
	for called, want := range map[string]string{"/x/ot-cli-ftd": "node 1", "ot-cli-mtd": "node --device mtd 1", "/usr/bin/heddle": "1"} {
		if got := strings.Join(asOpenThread(called, []string{"1"}), " "); got != want {
			t.Errorf("%s: %s", called, got)
		}
	}
}
