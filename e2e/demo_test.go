//go:build peers

package e2e

import (
	"os"
	"testing"
	"time"

	"heddle.example/e2e/peer"
)

// `heddle demo` as a person meets it: the printed link opens the list, 25 devices are there with their padlocks, and the
// values move. With HEDDLE_SHOTS it makes the README's pictures.
func TestDemoInTheBrowser(t *testing.T) {
	demo := peer.Heddle(t, "demo", "--coap", "127.0.0.1:0", "--coaps", "127.0.0.1:0", "--web", "localhost:0")
	demo.ExpectLine("Ctrl-C ends.")
	link := demo.Link("#/enter/")
	p := peer.Browser(t)
	p.Size(1440, 900)
	p.Theme("light")
	p.Open(link)
	p.See("25 registered")
	p.SeeIn(`[role="row"]`, "climate-study")
	if n := p.Value(`[...document.querySelectorAll('[role="row"]')].filter(e => e.innerText.includes('PSK, CID')).length`); n == "0" || n == "1" {
		t.Errorf("%s rows with a padlock", n)
	}
	p.Await("batteries are known", `[...document.querySelectorAll('[role="row"]')].filter(e => /\d\s*%/.test(e.innerText)).length > 8`)
	p.Await("messages are counted", `/[1-9][0-9.]*\s*per s/.test(document.body.innerText)`)
	p.Shot("clients")

	p.Value(`location.hash = '#/clients/climate-study/3303/0'`)
	p.SeeIn(`[data-res="/3303/0/5700"]`, "°C")
	p.Await("the chart has points", `!/One point so far|No point/.test(document.body.innerText)`)
	if os.Getenv("HEDDLE_SHOTS") != "" {
		time.Sleep(30 * time.Second) // so that the picture's chart has a shape
	}
	p.Await("the chart has a line", `document.querySelector('.plot canvas')`)
	p.Await("messages come in", `document.body.innerText.includes('NON') || document.body.innerText.includes('CON')`)
	p.Shot("client")

	p.Value(`location.hash = '#/security'`)
	p.SeeIn(`[role="row"]`, "climate-study")
	p.Shot("security")
	meshOfDemo(p)
	if c := p.Complaints(); len(c) > 0 {
		t.Errorf("the pages complained: %q", c)
	}
	if err := demo.Interrupt(); err != nil {
		t.Fatal(err)
	}
	if err := demo.End(peer.Timeout); err != nil {
		t.Errorf("the demo ends with %v", err)
	}
}

// meshOfDemo goes from a client to its node, along its way out, and back; then it follows a read through all layers.
func meshOfDemo(p *peer.Page) {
	p.Value(`location.hash = '#/clients/temp-kitchen'`)
	p.Await("its node", `document.querySelector('a.tag[href^="#/topology/"]')`)
	p.Click(`a.tag[href^="#/topology/"]`)
	p.SeeIn(".panel .lw", "STATE_READY")
	p.SeeIn(".panel .lw", "temp-kitchen")
	p.Press("way out")
	p.SeeIn(".head .sum", "→ 1,")
	p.Axe("topology of the demo")
	p.Shot("demo-topology")
	p.Click(`.panel .lw a[href^="#/clients/"]`)
	p.Await("the client again", `location.hash.startsWith('#/clients/temp-kitchen')`)
	p.Press("Read all objects")
	p.Value(`location.hash = '#/traces?endpoint=temp-kitchen'`)
	p.SeeIn("a.row", "2.05")
	p.Axe("traces")
	p.Click("a.row")
	p.Await("lanes and a hop", `document.querySelectorAll('.lanes .lane').length >= 8 && document.querySelector('.sp.hop')`)
	p.Await("bytes", `document.querySelector('.hex')`)
	p.Await("the page's own part", `[...document.querySelectorAll('.lanes .lane .who b')].some(e => e.innerText === 'Page')`)
	p.Axe("a trace, timeline")
	p.Shot("trace")
	p.Press("List")
	p.Await("the spans as a table", `document.querySelectorAll('.lst tbody tr').length > 8`)
	p.Axe("a trace, list")
	p.Value(`location.hash = '#/traces?endpoint=temp-kitchen&kind=device'`)
	p.SeeIn("a.row", "Register")
	p.Axe("traces of what a device began")
	p.Click("a.row")
	p.Await("lanes and a hop", `document.querySelectorAll('.lanes .lane').length >= 8 && document.querySelector('.sp.hop')`)
	p.Axe("a trace of a device's own")
	p.Value(`location.hash = '#/border'`)
	p.SeeIn("main", "64:ff9b::/96")
	p.Await("mappings name their clients", `document.querySelector('.t a[href^="#/clients/"]')`)
	p.Await("mappings tell whom they lead to", `[...document.querySelectorAll('.t td:nth-child(3)')].some(e => e.innerText.startsWith('198.51.100.10:'))`)
	p.Press("Test every leg")
	p.SeeIn(".legs", "the node resolves one.heddle.example")
	p.SeeIn(".legs", "(coaps) answered the node")
	p.Axe("border router of the demo")
	p.Shot("demo-border")
	p.Theme("dark")
	p.Size(390, 844)
	p.Value(`location.hash = '#/traces?endpoint=temp-kitchen'`)
	p.SeeIn("a.row", "2.05")
	p.Click("a.row")
	p.Await("the list view of a phone", `document.querySelector('.lst tbody tr')`)
	p.Axe("a trace, dark and narrow")
}

// The demo's own check of the main job, of the built program.
func TestDemoCheck(t *testing.T) {
	t.Parallel()
	demo := peer.Heddle(t, "demo", "--check", "--coap", "127.0.0.1:0", "--coaps", "127.0.0.1:0", "--web", "localhost:0")
	for _, line := range []string{"ok      all devices register", "ok      a write for a sleeping device is kept", "ok      bootstrap", "ok      firmware", "All works."} {
		demo.ExpectLine(line)
	}
	if err := demo.End(peer.Timeout); err != nil {
		t.Errorf("heddle demo --check ends with %v", err)
	}
}

// The walk through the whole system, of the built program.
func TestDemoWalk(t *testing.T) {
	t.Parallel()
	demo := peer.Heddle(t, "demo", "--walk", "--check", "--coap", "localhost:0", "--coaps", "localhost:0", "--web", "localhost:0")
	for _, line := range []string{"ok      form a network", "ok      a border router joins it", "ok      commission a device", "ok      reach IPv4",
		"ok      start LwM2M without bootstrap", "ok      start LwM2M with bootstrap", "ok      after a reset", "All works."} {
		demo.ExpectLine(line)
	}
	if err := demo.End(peer.Timeout); err != nil {
		t.Errorf("heddle demo --walk --check ends with %v", err)
	}
}
