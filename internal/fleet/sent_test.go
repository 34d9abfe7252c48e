package fleet

import (
	"context"
	"net/netip"
	"strings"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/machine"
)

// What a device sends by itself is shown with the times that it gave, and is a sign of life. Its messages are put into
// words, as those of composites are.
func TestSentValues(t *testing.T) {
	r := newRig(t)
	r.register("lamp", `</3/0>,</3303/0>`)
	release, _ := r.Watch("lamp")
	defer release()
	r.srv.Watch(r.now, "lamp", true)
	reader, _ := r.hub.Follow(nil)
	defer reader.Close()
	r.now = r.now.Add(10 * time.Second)
	from := machine.Path{Local: netip.MustParseAddrPort("[::1]:5683"), Remote: netip.AddrPortFrom(netip.MustParseAddr("::ffff:198.51.100.7"), 10_000+r.peers)}
	send := func(m coap.Message) {
		b, err := m.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		r.srv.Receive(r.now, 1, from, b)
		r.drain()
	}
	send(coap.Message{Type: coap.CON, Code: coap.POST, ID: 500, Token: coap.NewToken([]byte{9}), Options: coap.Options{}.AppendPath("dp").SetFormat(coap.SenMLJSON),
		Payload: []byte(`[{"bn":"/3303/0/5700","bt":1790000000,"t":2,"v":20.5},{"t":5,"v":21}]`)})
	known := r.Known("lamp")
	if len(known) != 1 || known[0].Source != "send" || known[0].Value.String() != "21.0" || known[0].At != 1_790_000_005_000_000_000 {
		t.Errorf("known: %+v", known)
	}
	if s := r.Series("lamp", known[0].Path, 0); len(s) != 2 || s[0].At != 1_790_000_002_000_000_000 || s[0].Value != 20.5 {
		t.Errorf("the chart has %+v", s)
	}
	if c, ok := r.Client("lamp", false); !ok || machine.Time(c.LastSeen) != r.now {
		t.Errorf("last seen %v, now %v", c.LastSeen, r.now)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	var got string
	for !strings.Contains(got, `"path":"/3303/0/5700"`) {
		events, err := reader.Next(ctx)
		if err != nil {
			t.Fatalf("no event: %v in %s", err, got)
		}
		for _, e := range events {
			if e.Kind == "value" {
				got += string(e.Data())
			}
		}
	}
	if !strings.Contains(got, `"value":21,"type":"float","at":"2026-09-21T14:13:25`) || !strings.Contains(got, `"source":"send"`) {
		t.Errorf("the event is %s", got)
	}
	var words []string
	for _, m := range r.Messages("lamp", 10) {
		words = append(words, m.Summary+": "+m.Decoded)
	}
	if got := strings.Join(words, "; "); !strings.Contains(got, "Send: /3303/0/5700 = 20.5") {
		t.Errorf("the messages are %q", got)
	}
}
