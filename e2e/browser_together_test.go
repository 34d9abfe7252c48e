//go:build peers

package e2e

import (
	"testing"

	"heddle.example/e2e/peer"
)

// Several values of different objects in one request: read, written and observed together; and a value that the device
// sends by itself is marked as such.
func TestSeveralValuesInTheBrowser(t *testing.T) {
	s := peer.HeddleServer(t)
	device := peer.Leshan2Client(t, "--endpoint", "leshan", "--server", "coap://"+s.CoAP)
	device.Expect("registered")
	s.AwaitClient("leshan")
	p := peer.Browser(t)
	base := administrator(p, s)
	row := func(path string) string { return `[data-res="` + path + `"]` }

	p.Open(base + "#/clients/leshan/31024/10")
	p.SeeIn(row("/31024/10/1"), "ago") // an instance that was opened is read
	p.Press("More for /31024/10")
	p.Press("Select several values")
	p.Click(row("/31024/10/1") + ` input[type="checkbox"]`)
	p.SeeIn(".bar", "1 value")
	p.Open(base + "#/clients/leshan/3/0")
	p.Await("what was selected is kept", `document.querySelector('.bar')?.innerText.includes('/31024/10/1')`)
	p.Await("the device object", `document.querySelector('`+row("/3/0/9")+` input[type="checkbox"]')`)
	p.Click(row("/3/0/9") + ` input[type="checkbox"]`)
	p.SeeIn(".bar", "2 values")
	p.Axe("a selection")

	device.Send("set /3/0/9 41")
	device.Expect("set")
	p.Click(".bar .btns .btn:nth-child(1)")
	p.SeeIn(row("/3/0/9"), "41")
	p.SeeIn(".log", "FETCH")
	p.Click(".bar .btns .btn:nth-child(3)")
	p.SeeIn(".o", "observed together")
	p.SeeIn(".o", "/3/0/9, /31024/10/1")
	device.Send("set /3/0/9 40")
	p.SeeIn(row("/3/0/9"), "40") // nobody asked
	p.Click(".bar .btns .btn:nth-child(2)")
	p.Await("the editor", `document.querySelector('.bar form input')`)
	p.Fill(".bar form input", "99")
	p.Click(".bar .btns .primary")
	device.Expect("written", "path=/31024/10/1", "value=99")
	p.Shot("story-together")
	p.Press("Stop")
	p.Await("the observation has ended", `!document.querySelector('.o')`)
	p.Press("Stop selecting")

	p.Open(base + "#/clients/leshan/3303/0")
	p.Await("the temperature", `document.querySelector('`+row("/3303/0/5700")+`')`)
	device.Send("set /3303/0/5700 31.5")
	device.Expect("set")
	device.Send("send /3303/0/5700")
	p.SeeIn(row("/3303/0/5700"), "31.5")
	p.Await("it is marked", `document.querySelector('`+row("/3303/0/5700")+` [aria-label="sent by the device itself"]')`)
	if c := p.Complaints(); len(c) > 0 {
		t.Errorf("the page complained: %q", c)
	}
}
