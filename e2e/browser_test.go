//go:build peers

package e2e

import (
	"strings"
	"testing"

	"heddle.example/e2e/peer"
)

// The whole story on the page: the first-run link makes the administrator, credentials are added, a Leshan client appears
// with its padlock, is read, written, observed and executed, and its credentials are deleted.
func TestStoryInTheBrowser(t *testing.T) {
	s := peer.HeddleServer(t)
	link := s.Link("#/first-run/")
	p := peer.Browser(t)
	p.Theme("light")
	p.Open(link)
	p.See("Make the administrator")
	p.Fill("#pass", "correct horse")
	p.Fill("#again", "correct horse")
	p.Press("Make administrator")
	p.See("Clients")

	// Add new client security configuration. The dialog then waits for the device.
	p.Press("Security")
	p.Await("the page Security", `location.hash.startsWith('#/security')`)
	p.Open("http://" + p.Value("location.host") + "/#/security/new")
	p.See("Add new client security configuration")
	p.Fill("#ep", "leshan")
	secret := p.Value(`document.querySelector('#key').value`)
	if len(secret) != 32 || p.Value(`document.querySelector('#key').type`) != "password" || strings.Contains(p.Value(`document.body.innerText`), secret) {
		t.Errorf("the generated key is %q; it must be 128 bits, and hidden", secret)
	}
	p.Press("Add configuration")
	p.See("Waiting for leshan")
	p.Shot("story-waiting")
	wrong := peer.Leshan2Client(t, "--endpoint", "leshan", "--server", "coaps://"+s.CoAPS, "--identity", "leshan", "--key", "ff"+secret[2:])
	p.See("Refused:")
	p.See("wrong key")
	if err := wrong.Stop(); err != nil {
		t.Log(err)
	}
	device := peer.Leshan2Client(t, "--endpoint", "leshan", "--server", "coaps://"+s.CoAPS, "--identity", "leshan", "--key", secret)
	device.Expect("registered")
	p.See("leshan has registered")
	p.Press("Open leshan")
	p.Await("the client's page", `location.hash.startsWith('#/clients/leshan')`)
	p.See("PSK")

	at := func(path string) { p.Value(`location.hash = '#/clients/leshan` + path + `'`) }
	row := func(path string) string { return `[data-res="` + path + `"]` }
	at("/3/0")
	p.Await("the device object", `document.querySelector('section h2')?.innerText === 'Device'`)
	p.Press("Read")
	p.SeeIn(row("/3/0/0"), "Eclipse Leshan")
	p.Shot("story-read")

	at("/31024/10")
	p.Await("the test object", `document.querySelector('`+row("/31024/10/1")+`')`)
	p.Click(row("/31024/10/1") + ` [aria-label^="Write"]`)
	p.Fill(row("/31024/10/1")+" input", "256")
	p.Click(row("/31024/10/1") + " .edit .primary")
	p.SeeIn(row("/31024/10/1"), "255") // the range, said before anything is sent
	p.Fill(row("/31024/10/1")+" input", "77")
	p.Click(row("/31024/10/1") + " .edit .primary")
	device.Expect("written", "path=/31024/10/1", "value=77")
	p.SeeIn(row("/31024/10/1"), "77")
	p.Click(row("/31024/10/2") + ` [aria-label^="Execute"]`)
	device.Expect("executed", "path=/31024/10/2")
	p.SeeIn(row("/31024/10/2"), "2.04")

	at("/3303/0")
	p.Await("the temperature", `document.querySelector('`+row("/3303/0/5700")+`')`)
	p.Click(row("/3303/0/5700") + ` [aria-label^="Observe"]`)
	p.Await("it is observed", `document.querySelector('`+row("/3303/0/5700")+` [aria-pressed="true"]')`)
	for _, value := range []string{"23.5", "24.25"} { // the value changes on the screen, without a click
		device.Send("set /3303/0/5700 %s", value)
		p.SeeIn(row("/3303/0/5700"), value)
	}
	p.SeeIn("aside, .log", "/3303/0/5700")
	p.Shot("story-observed")

	// Without its credentials the device is gone, and cannot come back.
	p.Open("http://" + p.Value("location.host") + "/#/security")
	p.SeeIn(`[role="row"]`, "leshan")
	p.Press("More for leshan")
	p.Press("Delete")
	p.See("Delete the configuration of leshan?")
	p.Press("Delete")
	p.Await("the configuration is gone", `!document.querySelector('[data-cred]')`)
	s.Await("the device is gone", func() bool { return s.REST("GET", "/api/v1/clients/leshan", nil).Status == 404 })
	if c := p.Complaints(); len(c) > 0 {
		t.Errorf("the page complained: %q", c)
	}
}

// axe-core finds nothing on any page, in both themes, wide and narrow, and no page is wider than its window.
func TestPagesAreAccessible(t *testing.T) {
	s := peer.HeddleServer(t, "--bootstrap", "--bootstrap-coap", peer.UDPPort(t), "--bootstrap-coaps", peer.UDPPort(t))
	a := s.REST("PUT", "/api/v1/bootstrap/configurations/seen", values{"account": values{"mode": "psk", "identity": "BSID-seen", "key": key}, "delete": []string{"/0", "/1"},
		"servers": []values{{"uri": "coaps://" + s.CoAPS, "mode": "psk", "identity": "id-seen", "key": key, "shortServerId": 123, "lifetime": 300, "muteSend": false}}})
	if a.Status/100 != 2 {
		t.Fatalf("bootstrap configuration: %d %s", a.Status, a.Raw)
	}
	addPackage(t, s, "lamp", "2.0", 5000)
	s.REST("PUT", "/api/v1/clients/seen/notes", values{"note": "under the stairs", "tags": []string{"cellar", "pilot"}})
	for _, ep := range []string{"seen", "never"} {
		s.Credentials(ep, "id-"+ep, key)
	}
	device := peer.Leshan2Client(t, "--endpoint", "seen", "--server", "coaps://"+s.CoAPS, "--identity", "id-seen", "--key", key)
	device.Expect("registered")
	s.AwaitClient("seen")
	s.Operate("seen", "read", "/3/0", nil)
	s.REST("POST", "/api/v1/clients/seen/observations", map[string]any{"path": "/3303/0/5700"})
	device.Send("set /3303/0/5700 23.5")
	link := s.Link("#/first-run/")
	p := peer.Browser(t)
	p.Open(link)
	p.See("Make the administrator")
	p.Axe("first run")
	p.Fill("#pass", "correct horse")
	p.Fill("#again", "correct horse")
	p.Press("Make administrator")
	p.See("Clients")
	base := "http://" + p.Value("location.host") + "/"
	for _, window := range []struct {
		name          string
		width, height int64
	}{{"wide", 1600, 1000}, {"narrow", 360, 740}} {
		p.Size(window.width, window.height)
		for _, theme := range []string{"light", "dark"} {
			p.Theme(theme)
			for _, page := range []struct{ name, hash, ready string }{
				{"clients", "#/clients", `document.querySelector('[data-row="0"]')`},
				{"client", "#/clients/seen/3/0", `document.body.innerText.includes('Eclipse Leshan')`},
				{"client observed", "#/clients/seen/3303/0", `document.body.innerText.includes('23.5')`},
				{"security", "#/security", `document.querySelectorAll('[data-cred]').length === 2`},
				{"add", "#/security/new", `document.querySelector('dialog #ep')`},
				{"history", "#/clients/seen/3303/0?chart", `(b => { if (b && !b.dataset.pressed) { b.dataset.pressed = 1; b.click() } return document.querySelector('.obs [aria-label="Earlier"]') })(document.querySelector('.obs .seg button:nth-child(2)'))`},
				{"bootstrap", "#/bootstrap", `document.querySelector('[data-conf]')`},
				{"bootstrap dialog", "#/bootstrap/edit/seen", `document.querySelector('.seq')`},
				{"bootstrap default", "#/bootstrap/default", `document.querySelector('.seq')`},
				{"firmware", "#/firmware", `document.querySelector('.t')`},
				{"firmware add", "#/firmware/add", `document.querySelector('dialog #fwname')`},
				{"firmware start", "#/firmware/start", `document.querySelector('dialog #fwp')`},
				{"server", "#/server", `document.querySelector('.figs')`},
				{"objects", "#/objects", `document.querySelector('[data-obj]')`},
				{"object", "#/objects/31024", `document.querySelector('.right .t')`},
				{"users", "#/access/users", `document.querySelector('.t')`},
				{"audit", "#/access/audit", `document.querySelector('.t')`},
			} {
				name := page.name + ", " + theme + ", " + window.name
				p.Open("about:blank")
				p.Open(base + page.hash)
				p.Await(name+" is there", page.ready)
				p.Axe(name)
				p.Shot("page-" + strings.ReplaceAll(name, ", ", "-"))
				if p.Value("document.documentElement.scrollWidth > innerWidth") == "true" {
					t.Errorf("%s: the page is wider than its window: %s", name, p.Value(`[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth).slice(0, 8).map(e => e.tagName + '.' + e.className + ' ' + e.getBoundingClientRect().right).join(', ')`))
				}
			}
		}
	}
	if c := p.Complaints(); len(c) > 0 {
		t.Errorf("the pages complained: %q", c)
	}
}
