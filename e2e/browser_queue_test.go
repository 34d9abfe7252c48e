//go:build peers

package e2e

import (
	"net/http"
	"testing"
	"time"

	"heddle.example/e2e/peer"
)

// What is asked of a sleeping device waits on its page, in order, with cancel; it arrives when the device wakes, and the
// page says so by itself.
func TestQueueInTheBrowser(t *testing.T) {
	s := peer.HeddleServer(t)
	device := peer.Leshan2Client(t, "--endpoint", "door", "--server", "coap://"+s.CoAP, "--queue", "on", "--lifetime", "3600", "--period", "3600000")
	device.Expect("registered")
	s.AwaitClient("door")
	if a := s.REST("PUT", "/api/v1/clients/door/queue", values{"window": 1}); a.Status != http.StatusNoContent {
		t.Fatalf("awake window: %d %s", a.Status, a.Raw)
	}
	p := peer.Browser(t)
	base := administrator(p, s)
	p.Open(base + "#/clients")
	p.SeeIn(`[role="row"]`, "door")
	p.SeeIn(".st", "asleep")

	row := func(path string) string { return `[data-res="` + path + `"]` }
	p.Open(base + "#/clients/door/31024/10")
	p.SeeIn(".tags", "asleep")
	p.Await("the test object", `document.querySelector('`+row("/31024/10/1")+`')`)
	p.Click(row("/31024/10/1") + ` [aria-label^="Write"]`)
	p.Fill(row("/31024/10/1")+" input", "42")
	p.SeeIn(row("/31024/10/1")+" .edit .primary", "Queue write")
	p.Click(row("/31024/10/1") + " .edit .primary")
	p.SeeIn(row("/31024/10/1"), "Queued, will be sent when it wakes")
	p.SeeIn(".q", "1 operation waits")
	p.SeeIn(".q", "/31024/10/1")
	p.SeeIn(".q", "expires in")
	p.Click(`[title="Read the instance, r"]`)
	p.SeeIn(".q", "2 operations wait")
	p.Click(row("/31024/10/2") + ` [aria-label^="Execute"]`)
	p.SeeIn(".q", "3 operations wait")
	p.SeeIn(".q li:nth-child(1)", "Write")
	p.SeeIn(".q li:nth-child(2)", "Read")
	p.SeeIn(".q li:nth-child(3)", "Execute")
	p.Axe("a queue")
	p.Shot("story-queued")

	// What is taken back is not sent.
	p.Press("Cancel the execute")
	p.SeeIn(".q", "2 operations wait")

	// It is all there after a look elsewhere, and in the list.
	p.Open(base + "#/clients")
	p.SeeIn(`[role="row"]`, "2 waiting")
	p.Open(base + "#/clients/door/31024/10")
	p.SeeIn(".q", "2 operations wait")
	p.SeeIn(row("/31024/10/1"), "Queued, will be sent when it wakes")

	// The device wakes by itself.
	device.Forget()
	device.Send("update")
	device.Expect("written", "path=/31024/10/1", "value=42")
	p.SeeIn(row("/31024/10/1"), "42")
	p.Await("nothing waits any more", `!document.querySelector('.q')`)
	p.SeeIn(".log", "awake")
	if e, ok := device.Await(500*time.Millisecond, "executed", "path=/31024/10/2"); ok {
		t.Errorf("what was cancelled was sent: %v", e)
	}
	p.SeeIn(".tags", "asleep")
	p.SeeIn(".log", "asleep; later requests wait")
	p.Shot("story-woken")
	if c := p.Complaints(); len(c) > 0 {
		t.Errorf("the page complained: %q", c)
	}
}
