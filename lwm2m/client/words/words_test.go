package words_test

import (
	"strings"
	"testing"

	"heddle.example/lwm2m/client/words"
)

func TestParseStart(t *testing.T) {
	d := words.Defaults()
	for _, c := range []struct{ line, uri, identity, err string }{
		{"", "coap://[::1]:5683", "", ""},
		{"-n demo -h server.name -i IDENTITY -s 0011", "coaps://server.name:5684", "IDENTITY", ""},
		{"-n demo -h server.name -b -p 5784 -i BSID -s 0011", "coaps://server.name:5784", "BSID", ""},
		{"-bc -h 10.0.0.1", "coap://10.0.0.1:5685", "", ""},
		{"-b -h [fdaa::1] -i a -s00ff", "coaps://[fdaa::1]:5684", "a", ""},
		{"-h fdaa::1 -t 60 -l 56830", "coap://[fdaa::1]:5683", "", ""},
		{"-h " + strings.Repeat("long.", 30) + "example", "coap://" + strings.Repeat("long.", 30) + "example:5683", "", ""},
		{"-i a -s 001", "", "", "Failed to parse Pre-Shared-Key 001"},
		{"-i a -s zz", "", "", "Failed to parse Pre-Shared-Key zz"},
		{"-p 70000", "", "", "InvalidArgs: -p 70000"},
		{"-n", "", "", "InvalidArgs: -n needs a value"},
		{"-x", "", "", "InvalidArgs: -x"},
		{"demo", "", "", "InvalidArgs: demo"},
		{"-s 00", "", "", "a pre-shared key needs an identity"},
		{"-i a", "", "", "an identity needs a pre-shared key"},
	} {
		o, err := words.ParseStart(strings.Fields(c.line), d)
		if err == nil {
			a, e := o.Account()
			if err = e; e == nil && (a.URI != c.uri || a.Identity != c.identity) {
				t.Errorf("lwstart %s: %s, identity %q", c.line, a.URI, a.Identity)
			}
		}
		if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.HasPrefix(err.Error(), c.err)) {
			t.Errorf("lwstart %s: error %v, want %q", c.line, err, c.err)
		}
	}
}

// All words but a few answer the same when the client is stopped.
func TestStopped(t *testing.T) {
	for _, c := range words.Commands {
		if c.Run == nil {
			continue
		}
		text, err := c.Do(words.Call{}, nil)
		switch {
		case c.Stopped && (err != nil || !strings.HasPrefix(text, "Syntax error")):
			t.Errorf("%s: %q, %v", c.Name, text, err)
		case !c.Stopped && (err != words.ErrNotStarted || text != ""):
			t.Errorf("%s: %q, %v", c.Name, text, err)
		}
	}
	if help := words.Help(); !strings.Contains(help, "lwstart") || !strings.Contains(help, "lwdispb") {
		t.Error(help)
	}
}
