//go:build peers

package e2e

import (
	"testing"

	"heddle.example/e2e/peer"
)

// A simulation is looked at, and touched: as a picture and as a table, a node's prompt, a node killed and revived, time
// paused and stepped. Nothing of LwM2M is on the page.
func TestMeshInTheBrowser(t *testing.T) {
	web := peer.TCPPort(t)
	s := peer.Start(t, "heddle sim", peer.Program(t), "sim", "--nodes", "18", "--kinds", "router=3,fed=1,med=1,sed=2", "--for", "4h", "--seed", "3", "--speed", "60", "--web="+web)
	s.ExpectLine("#/enter/")
	p := peer.Browser(t)
	p.Theme("light")
	p.Open(s.Link("#/enter/"))
	p.Await("the picture", `document.querySelector('.canvas > canvas')`)
	p.SeeIn(".head .sum", "18 nodes, 1 partition")
	if links := p.Value(`[...document.querySelectorAll('nav a')].map(a => a.innerText.trim()).join()`); links != "Topology,Commissioning,Network" {
		t.Errorf("pages %q", links)
	}
	p.Axe("topology, light")
	p.Shot("mesh-picture")

	base := p.Value("location.origin") + "/"
	p.Open(base + "#/topology?view=table")
	p.Await("a row a node", `document.querySelectorAll('.row .open').length === 18`)
	p.Await("a leader", `[...document.querySelectorAll('.row')].some(r => r.innerText.includes('leader'))`)
	p.Click(".row .open")
	p.SeeIn(".panel", "Node 1")
	p.Fill(".prompt input", "state")
	p.Value(`document.querySelector('.prompt input').dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true})), ''`)
	p.SeeIn(".term", "Done")
	p.Axe("topology, a node in the table")

	p.Click(`[aria-label="Kill the node"]`)
	p.SeeIn(".panel", "Revive")
	p.SeeIn(".head .sum", "1 off")
	p.Press("Events")
	p.SeeIn(".events", "1")
	p.Click(".panel header .btn")
	p.Await("it is on again", `document.querySelector('[aria-label="Kill the node"]')`)

	p.Click(`[aria-label="Pause"]`)
	p.Await("it is paused", `document.querySelector('[aria-label="Go on"]')`)
	p.Await("the clock stands", `(() => { const c = document.querySelector('.clock b').innerText; const same = globalThis.before === c; globalThis.before = c; return same })()`)
	before := p.Value(`document.querySelector('.clock b').innerText`)
	p.Click(`[aria-label="Step one frame"]`)
	p.Await("a frame further", `document.querySelector('.clock b').innerText !== '`+before+`'`)

	// The way from a node to another, and the line of time: back, and on.
	p.Open(base + "#/topology/18")
	p.Await("a way can be asked for", `document.querySelector('.way select')`)
	p.Value(`(s => { s.value = '2'; s.dispatchEvent(new Event('change', {bubbles: true})); return '' })(document.querySelector('.way select'))`)
	p.SeeIn(".head .sum", "18 →")
	p.SeeIn(".head .sum", "→ 2,")
	p.Axe("topology, a way is followed")
	p.Value(`document.querySelector('.scrub').dispatchEvent(new KeyboardEvent('keydown', {key: 'Home', bubbles: true})), ''`)
	p.SeeIn(".time", "as it was")
	p.SeeIn(".head .sum", "0 partitions")
	p.Axe("topology, the beginning")
	p.Press("Back to now")
	p.SeeIn(".head .sum", "1 partition")
	at := p.Value(`document.querySelector('.clock b').innerText`)
	p.Value(`document.querySelector('.scrub').dispatchEvent(new KeyboardEvent('keydown', {key: 'PageUp', bubbles: true})), ''`)
	p.Await("it ran on and paused", `document.querySelector('.clock b').innerText > '`+at+`' && document.querySelector('[aria-label="Go on"]')`)

	p.Theme("dark")
	p.Size(360, 800)
	p.Axe("topology, dark and narrow")
	if over := p.Value(`String(document.documentElement.scrollWidth > 361)`); over != "false" {
		t.Error("wider than a phone")
	}
	if c := p.Complaints(); len(c) > 0 {
		t.Errorf("the browser complains: %q", c)
	}
}
