//go:build peers

package e2e

import (
	"strings"
	"testing"

	"heddle.example/e2e/peer"
)

// administrator makes the first administrator on the page, and returns the address of the page.
func administrator(p *peer.Page, s interface{ Link(string) string }) (base string) {
	p.Theme("light")
	p.Open(s.Link("#/first-run/"))
	p.See("Make the administrator")
	p.Fill("#pass", "correct horse")
	p.Fill("#again", "correct horse")
	p.Press("Make administrator")
	p.Await("the page is there", `document.querySelector('.side')`)
	return "http://" + p.Value("location.host") + "/"
}

// The bootstrap part of the walk through: a configuration is made on the page, with both tabs, keys of its own and the dry
// run beside them; a device that is started with the line that the page gives is bootstrapped, message by message before
// one's eyes, registers with the credentials that it was given, and is read.
func TestBootstrapInTheBrowser(t *testing.T) {
	bootstrap := peer.UDPPort(t)
	s := peer.HeddleServer(t, "--bootstrap", "--bootstrap-coap", "off", "--bootstrap-coaps", bootstrap)
	p := peer.Browser(t)
	base := administrator(p, s)

	p.Press("Bootstrap")
	p.See("No bootstrap configuration yet")
	p.See("Unknown devices are refused")
	p.Press("Add new client bootstrap configuration")
	p.Await("the dialog", `document.querySelector('dialog #bep')`)
	p.See("LWM2M Bootstrap Server")
	p.See("LWM2M Server")
	p.SeeIn("aside", "fields to complete")
	p.Fill("#bep", "demo")
	p.SeeIn("#beph", "New.")

	// What is typed is checked, and the messages follow.
	p.SeeIn("aside", "valid")
	p.SeeIn(".seq", "/bs?ep=demo&pct=112")
	p.SeeIn(".seq", "Write Security")
	p.SeeIn(".seq", "Finish")
	p.Press("LWM2M Server")
	p.Await("the second tab", `document.querySelector('#s0life')`)
	p.Fill("#s0life", "0")
	p.SeeIn(".form", "A whole number of seconds")
	p.Fill("#s0life", "240")
	p.SeeIn(".det", "coaps://")
	p.SeeIn(".form", "The device is added to Security too")
	given := p.Value(`document.querySelector('#s0key').value`)
	p.Press("LWM2M Bootstrap Server")
	p.Await("the first tab", `document.querySelector('#rkey')`)
	key := p.Value(`document.querySelector('#rkey').value`)
	if len(key) != 32 || len(given) != 32 || key == given || p.Value(`document.querySelector('#rkey').type`) != "password" {
		t.Errorf("the keys are %q and %q; they must be generated, different, and hidden", key, given)
	}
	if text := p.Value(`document.querySelector('dialog').innerText`); strings.Contains(text, key) || strings.Contains(text, given) {
		t.Error("a key can be read on the page before it was revealed")
	}
	p.Axe("bootstrap dialog")
	p.Shot("story-bootstrap-dialog")
	p.Press("Reveal the key")
	p.Press("heddle client")
	p.SeeIn(".cmds code", key)
	line := strings.Fields(p.Value(`document.querySelector('.cmds code').innerText`))
	p.Press("Add configuration")
	p.See("Stored. Waiting for demo")

	// The line of the page, word for word, and no wait before the device begins.
	if len(line) < 3 || line[0] != "heddle" || line[1] != "client" {
		t.Fatalf("the page's line is %q", line)
	}
	t.Log(strings.ReplaceAll(strings.Join(line, " "), key, "KEY"))
	peer.Heddle(t, append(line[1:], "--hold-off", "0")...)
	p.SeeIn("aside", "demo: done in")
	p.SeeIn(".steps", "PUT")
	p.SeeIn(".steps", "2.04")
	p.Shot("story-bootstrapped")
	p.Press("Close")
	p.SeeIn(`[role="row"]`, "done in")

	// It is on the LwM2M server with what it was given.
	p.Open(base + "#/clients/demo/3/0")
	p.See("PSK")
	p.Await("the device object", `document.querySelector('section h2')?.innerText === 'Device'`)
	p.Press("Read")
	p.SeeIn(`[data-res="/3/0/0"]`, s.Read("demo", "/3/0/0"))
	want(t, s.AwaitClient("demo").Body, map[string]string{"security.identity": "demo", "lifetime": "240"})
	p.Open(base + "#/security")
	p.SeeIn(`[role="row"]`, "demo")

	// A duplicate has its own names and keys; a group gives each device its own.
	p.Open(base + "#/bootstrap/copy/demo")
	p.Await("the duplicate", `document.querySelector('dialog #bep')?.value === ''`)
	p.Fill("#bep", "light-*")
	p.SeeIn("aside", "valid")
	p.Press("LWM2M Server")
	p.See("Each device is given a key of its own.")
	p.Press("Add configuration")
	p.See("Stored. Waiting for light-*")
	p.Press("Close")
	p.SeeIn(`[role="row"]`, "light-*")
	if again := s.REST("GET", "/api/v1/bootstrap/configurations/light-*/keys", nil); strings.Contains(again.Raw, key) {
		t.Error("the duplicate has the key of the first")
	}

	// Changed without a look at its keys, it keeps them.
	before := s.REST("GET", "/api/v1/bootstrap/configurations/demo/keys", nil).Raw
	p.Open(base + "#/bootstrap/edit/demo")
	p.Await("the configuration", `document.querySelector('dialog #bep')?.value === 'demo'`)
	p.Press("LWM2M Server")
	p.Await("the second tab", `document.querySelector('#s0life')`)
	p.Fill("#s0life", "600")
	p.SeeIn("aside", "valid")
	p.Press("Change")
	p.Await("the dialog is gone", `!document.querySelector('dialog')`)
	s.Await("the change is stored", func() bool {
		return strings.Contains(s.REST("GET", "/api/v1/bootstrap/configurations/demo", nil).Raw, `"lifetime":600`)
	})
	if after := s.REST("GET", "/api/v1/bootstrap/configurations/demo/keys", nil).Raw; after != before {
		t.Error("a change of the lifetime has changed the keys")
	}
	if c := p.Complaints(); len(c) > 0 {
		t.Errorf("the page complained: %q", c)
	}
}

// A bootstrap server alone shows the pages that it has. Devices that no configuration names are given a default that was
// made on its page, and register with the server elsewhere that it names.
func TestBootstrapServerAloneInTheBrowser(t *testing.T) {
	elsewhere := peer.HeddleServer(t)
	coap := peer.UDPPort(t)
	s := peer.Heddle(t, "bootstrap-server", "--coap", coap, "--coaps", "off", "--web", peer.TCPPort(t), "--data", t.TempDir())
	s.ExpectLine("Ready.")
	p := peer.Browser(t)
	base := administrator(p, s)
	p.Await("its own page", `location.hash === '#/bootstrap'`)
	if rail := p.Value(`[...document.querySelectorAll('.side nav a')].map(a => a.innerText.trim()).join()`); rail != "Bootstrap,Server,Objects,Access" {
		t.Errorf("the pages are %s", rail)
	}
	p.Open(base + "#/server")
	p.SeeIn(".rows", "bootstrap server")

	p.Open(base + "#/bootstrap")
	p.See("Unknown devices are refused")
	p.Press("Give them a default")
	p.See("Configuration for unknown devices")
	p.Press("LWM2M Server")
	p.Await("the second tab", `document.querySelector('#s0uri')`)
	p.Press("None")
	p.Fill("#s0uri", "coap://"+elsewhere.CoAP)
	p.SeeIn("aside", "valid")
	p.Press("Store")
	p.See("Unknown devices are given 1 server")

	port := coap[strings.LastIndexByte(coap, ':')+1:]
	peer.Heddle(t, "client", "-n", "stranger", "-h", "127.0.0.1", "-b", "-p", port, "--hold-off", "0")
	p.SeeIn(".log", "stranger")
	p.SeeIn(".log", "done in")
	p.Click(".log .s1")
	p.SeeIn(".steps", "DELETE")
	p.SeeIn(".log", "by the configuration for unknown devices")
	want(t, elsewhere.AwaitClient("stranger").Body, map[string]string{"security.mode": "none"})
	p.Shot("story-bootstrap-alone")

	p.Press("Switch off")
	p.See("Refuse unknown devices from now on?")
	p.Press("Switch off")
	p.See("Unknown devices are refused")
	peer.Heddle(t, "client", "-n", "another", "-h", "127.0.0.1", "-b", "-p", port, "--hold-off", "0")
	p.SeeIn(".log", "another")
	p.SeeIn(".log", "refused")
	if c := p.Complaints(); len(c) > 0 {
		t.Errorf("the page complained: %q", c)
	}
}
