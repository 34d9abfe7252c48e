//go:build peers

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"heddle.example/e2e/peer"
)

// The pages of a border router, with a node of OpenThread that joins by them: the network's dataset, the commissioner, the
// joiner's progress and why a wrong password fails, the live topology, and the way out with its doctor.
func TestLivePagesInTheBrowser(t *testing.T) {
	t.Parallel()
	theirs, err := filepath.Abs(filepath.Join("..", ".set-up", "openthread", "real", "ot-cli-ftd"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(theirs); err != nil {
		t.Fatalf("%s is not built: scripts/set-up-openthread builds it", theirs)
	}
	dir, env, web := t.TempDir(), []string{"PORT_OFFSET=171"}, peer.TCPPort(t)
	b := peer.StartIn(t, dir, env, "heddle border-router", peer.Program(t), "border-router", "--web="+web, "--network-name", "live-pages", "1")
	b.ExpectLine("#/enter/")
	p := peer.Browser(t)
	p.Theme("light")
	p.Open(b.Link("#/enter/"))
	p.SeeIn(".head .sum", "1 node, 1 partition")
	base := p.Value("location.origin") + "/"

	p.Open(base + "#/network")
	p.SeeIn("main", "live-pages")
	if shown := p.Value(`String(/[0-9a-f]{32}/.test(document.querySelector('main').innerText))`); shown != "false" {
		t.Error("a key is shown before anybody wants to see it")
	}
	p.Press("Reveal keys")
	p.Await("the code", `document.querySelector('svg.qr path')`)
	p.Axe("network, light")
	p.Shot("live-network")
	p.Press("Hide keys")

	p.Open(base + "#/commissioning")
	p.Press("Start the commissioner")
	p.SeeIn(".state", "commissioner active")
	n := peer.StartIn(t, dir, env, "ot-cli-ftd", theirs, "2")
	n.Send("eui64")
	n.ExpectLine("18b4300000000002")
	p.Open(base + "#/commissioning/add")
	p.Fill("#eui", "18b4300000000002")
	p.Fill("#pskd", "J01NME")
	p.Await("the label to print", `document.querySelector('svg.qr path')`)
	p.Axe("a joiner is added, light")
	p.Shot("live-add-joiner")
	p.Press("Let it join")
	p.SeeIn("section", "18b4300000000002")
	n.Send("ifconfig up")
	n.Send("joiner start WR0NG1")
	p.SeeIn(".try", "another password")
	n.ExpectLine("Join failed")
	n.Send("joiner start J01NME")
	n.ExpectLine("Join success")
	p.Await("it has joined", `[...document.querySelectorAll('.try')].some(l => l.innerText.includes('joined'))`)
	p.Axe("a device has joined, light")
	p.Shot("live-commissioning")
	n.Send("thread start")

	p.Open(base + "#/topology?view=table")
	p.SeeIn(".head .sum", "2 nodes, 1 partition")
	p.Await("the node of OpenThread, by diagnostics", `document.querySelectorAll('.row .open').length === 2`)
	p.Open(base + "#/topology/2")
	p.SeeIn(".panel", "OPENTHREAD")
	p.Axe("a live node of another maker, light")
	p.Shot("live-topology")
	p.Open(base + "#/topology/1")
	p.Fill(".prompt input", "child list")
	p.Value(`document.querySelector('.prompt input').dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true})), ''`)
	p.SeeIn(".term", "Done")

	p.Open(base + "#/border")
	p.SeeIn("main", "running")
	p.SeeIn("main", "64:ff9b::/96")
	p.Fill("#srv", "http://no.server")
	p.Press("Test every leg")
	p.Await("the doctor's report", `document.querySelectorAll('.legs li').length >= 6`)
	p.SeeIn(".legs", "is no server")
	p.SeeIn(".legs", "prefix")
	p.Axe("border router, light")
	p.Shot("live-border")

	p.Theme("dark")
	p.Size(390, 844)
	for _, page := range []string{"border", "commissioning", "network", "topology"} {
		p.Open(base + "#/" + page)
		p.Await("the page "+page, `document.querySelector('h1') && !document.querySelector('[aria-busy="true"]')`)
		p.Axe(page + ", dark and narrow")
		p.Shot("live-390-" + page)
		if over := p.Value(`String(document.documentElement.scrollWidth > 391)`); over != "false" {
			t.Errorf("%s is wider than a phone", page)
		}
	}
	for _, c := range p.Complaints() {
		if !strings.Contains(c, "404") {
			t.Errorf("the browser complains: %q", c)
		}
	}
}
