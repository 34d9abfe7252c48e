package network

import (
	"fmt"
	"strings"
	"testing"
)

func TestParseScript(t *testing.T) {
	steps, err := ParseScript("# a comment\nat 12s kill router 5\n\nevery 1m ping 3 -> 9 size 100 # two\nat 5 split 1-3,7 / 4-6\nat 90s node 3 state\nat 1.5 partition 1 / 2")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range steps {
		got = append(got, fmt.Sprintf("%v %v %d: %v", s.At, s.Every, s.Line, s))
	}
	want := "1.5s 0s 7: split 1 / 2|5s 0s 5: split 1-3,7 / 4-6|12s 0s 2: kill 5|1m0s 1m0s 4: ping 3 9 size 100|1m30s 0s 6: node 3 state"
	if g := strings.Join(got, "|"); g != want {
		t.Errorf("%s\nwant\n%s", g, want)
	}
	for line, says := range map[string]string{
		"kill 5":           "a step is",
		"at x kill 5":      "no time",
		"at -1s kill 5":    "no time",
		"every 0 kill 5":   "must not be 0",
		"at 1s explode 5":  "no verb",
		"at 1s move 5":     "it is written",
		"at 1s kill 5 6 7": "it is written",
	} {
		if _, err := ParseScript(line); err == nil || !strings.Contains(err.Error(), says) || !strings.HasPrefix(err.Error(), "line 1: ") {
			t.Errorf("%q: %v", line, err)
		}
	}
}

func TestParseNodes(t *testing.T) {
	for in, want := range map[string]string{"3": "[3]", "1-4,9": "[1 2 3 4 9]", "all": "[1 2 3 4 5 6 7 8 9 10]"} {
		if got, err := ParseNodes(in, 10); err != nil || fmt.Sprint(got) != want {
			t.Errorf("%q: %v %v", in, got, err)
		}
	}
	for _, in := range []string{"0", "11", "x", "4-2", "1-11", "-"} {
		if got, err := ParseNodes(in, 10); err == nil {
			t.Errorf("%q gives %v", in, got)
		}
	}
}
