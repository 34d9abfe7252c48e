package follow

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/internal/trace"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

func bytesOf(t *testing.T, m coap.Message) []byte {
	t.Helper()
	b, err := m.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What a device says and hears becomes exchanges: one for each that it begins, and none for what it answers.
func TestOwn(t *testing.T) {
	rd := coap.Options{}.AppendPath("rd")
	place := coap.Options{}.AppendPath("rd/5a")
	token, another := coap.NewToken([]byte{1, 2}), coap.NewToken([]byte{3})
	say := func(typ coap.Type, id uint16, code coap.Code, o coap.Options) coap.Message {
		return coap.Message{Type: typ, ID: id, Code: code, Options: o, Token: token}
	}
	ack := func(typ coap.Type, id uint16, code coap.Code) coap.Message {
		m := coap.Message{Type: typ, ID: id, Code: code}
		if code != coap.Empty {
			m.Token = token
		}
		return m
	}
	note := coap.Options{}.AddUint(coap.Observe, 7)
	type message struct {
		out bool
		m   coap.Message
	}
	for _, c := range []struct {
		name     string
		messages []message
		want     string // the newest first
	}{
		{"a Register", []message{{true, say(coap.CON, 1, coap.POST, rd.AddQuery("ep=lamp"))}, {false, ack(coap.ACK, 1, coap.Created)}}, "Register of lamp: done 2.01 Created"},
		{"once more", []message{{true, say(coap.CON, 1, coap.POST, rd)}, {true, say(coap.CON, 1, coap.POST, rd)}, {false, ack(coap.ACK, 1, coap.Created)}}, "Register of node 3: done 2.01 Created"},
		{"answered apart", []message{{true, say(coap.CON, 1, coap.POST, rd)}, {false, ack(coap.ACK, 1, coap.Empty)}, {false, ack(coap.CON, 900, coap.Created)}, {true, ack(coap.ACK, 900, coap.Empty)}}, "Register of node 3: done 2.01 Created"},
		{"in blocks", []message{{true, say(coap.CON, 1, coap.POST, rd.AddUint(coap.Block1, 0<<4|8|2))}, {false, ack(coap.ACK, 1, coap.Continue)},
			{true, say(coap.CON, 2, coap.POST, rd.AddUint(coap.Block1, 1<<4|2))}, {false, ack(coap.ACK, 2, coap.Created)}}, "Register of node 3: done 2.01 Created"},
		{"refused", []message{{true, say(coap.CON, 1, coap.POST, rd)}, {false, ack(coap.ACK, 1, coap.Forbidden)}}, "Register of node 3: failed 4.03 Forbidden"},
		{"an Update, under way", []message{{true, say(coap.CON, 1, coap.POST, place)}}, "Update of node 3: running "},
		{"a Deregister and a Send", []message{{true, say(coap.CON, 1, coap.POST, coap.Options{}.AppendPath("dp"))}, {false, ack(coap.ACK, 1, coap.Changed)}, {true, say(coap.CON, 2, coap.DELETE, place)}, {false, ack(coap.ACK, 2, coap.Deleted)}},
			"Deregister of node 3: done 2.02 Deleted, Send of node 3: done 2.04 Changed"},
		{"a notification", []message{{true, say(coap.CON, 1, coap.Content, note)}, {false, ack(coap.ACK, 1, coap.Empty)}}, "Notify of node 3: done acknowledged"},
		{"nobody observes any more", []message{{true, say(coap.NON, 1, coap.Content, note)}, {false, ack(coap.RST, 1, coap.Empty)}}, "Notify of node 3: failed rejected"},
		{"two at once", []message{{true, say(coap.CON, 1, coap.Content, note)}, {true, coap.Message{Type: coap.CON, ID: 2, Code: coap.Content, Options: note, Token: another}}, {false, ack(coap.ACK, 1, coap.Empty)}},
			"Notify of node 3: running , Notify of node 3: done acknowledged"},
		{"an answer, and what it observes", []message{{false, say(coap.CON, 1, coap.GET, note)}, {true, ack(coap.ACK, 1, coap.Content)}, {true, say(coap.ACK, 1, coap.Content, note)}}, ""},
		{"of other servers", []message{{true, say(coap.CON, 1, coap.POST, coap.Options{}.AppendPath("bs"))}, {true, say(coap.CON, 2, coap.GET, coap.Options{}.AppendPath("file"))}, {true, say(coap.CON, 3, coap.POST, coap.Options{}.AppendPath("rdx"))}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := New(Options{})
			var now machine.Time
			causes := map[machine.Cause]bool{}
			for _, m := range c.messages {
				now = now.Add(time.Millisecond)
				if cause := f.Device(now, 5, 3, m.out, bytesOf(t, m.m)); cause != 0 {
					causes[cause] = true
				}
			}
			list, err := f.List(t.Context(), "", "", 10)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, x := range list {
				got = append(got, fmt.Sprintf("%s of %s: %s %s", x.Title, x.Endpoint, x.State, x.Code))
			}
			if s := strings.Join(got, ", "); s != c.want || len(causes) != len(list) {
				t.Errorf("%s, %d causes; not %s", s, len(causes), c.want)
			}
		})
	}
}

// A device that gave up says so to nobody; what it sends next is another exchange.
func TestAbandoned(t *testing.T) {
	f := New(Options{})
	update := bytesOf(t, coap.Message{Type: coap.CON, ID: 1, Code: coap.POST, Options: coap.Options{}.AppendPath("rd/5a")})
	f.Device(1, 0, 3, true, update)
	f.Device(1+abandoned, 0, 3, true, update)
	list, _ := f.List(t.Context(), "", "", 10)
	if len(list) != 2 || list[0].State != "running" || list[1].State != "failed" || list[1].Code != "no answer" {
		t.Errorf("%+v", list)
	}
}

// What devices begin displaces nothing that somebody asked for, and neither grows without end.
func TestManyOwn(t *testing.T) {
	f := New(Options{})
	for i := range maxExchanges + 5 {
		f.Asked(1, machine.Cause(i+1), machine.OpID(i+1), "lamp", &server.Operation{Kind: server.Read, Path: lwm2m.MustPath("/3/0")})
	}
	for i := range maxExchanges + 7 {
		f.Device(1, 0, 3, true, bytesOf(t, coap.Message{Type: coap.CON, ID: uint16(i), Code: coap.POST, Options: coap.Options{}.AppendPath("dp")}))
	}
	for i := range 3 * maxExchanges {
		f.Device(1, 0, 3, true, bytesOf(t, coap.Message{Type: coap.NON, ID: uint16(i), Code: coap.Content, Options: coap.Options{}.AddUint(coap.Observe, 1)}))
	}
	asked, _ := f.List(t.Context(), "", trace.Operation, 1000)
	sent, _ := f.List(t.Context(), "", trace.ByDevice, 1000)
	own, _ := f.List(t.Context(), "", trace.Notification, 1000)
	if len(asked) != maxExchanges || len(sent) != maxExchanges || len(own) != maxExchanges || len(f.byID) != len(f.list) || len(f.byMesh) != len(f.list) || len(f.byServer) > len(f.list) {
		t.Errorf("%d asked, %d of devices, %d, %d, %d", len(asked), len(own), len(f.byID), len(f.byMesh), len(f.byServer))
	}
	if asked[0].ID != server.FormatOp(maxExchanges+5) || own[0].ID != fmt.Sprint("d", 4*maxExchanges+7) {
		t.Errorf("newest: %s, %s", asked[0].ID, own[0].ID)
	}
	for i := range 2 * maxObserved {
		f.observe("/3/0/13", bytesOf(t, coap.Message{Type: coap.CON, Code: coap.GET, Token: coap.NewToken([]byte{byte(i >> 8), byte(i)})}))
	}
	if len(f.observed) > maxObserved {
		t.Errorf("%d tokens", len(f.observed))
	}
}

// A simulated mesh may be behind the server's clock. Once that is seen, what a device said did not take the longer for it.
func TestBehind(t *testing.T) {
	const ms = machine.Time(time.Millisecond)
	f := New(Options{})
	const from, behind = 1000 * ms, 800 * ms
	m := coap.Message{Type: coap.CON, ID: 1, Code: coap.POST, Options: coap.Options{}.AppendPath("rd/5a")}
	update := bytesOf(t, m)
	cause := f.Device(from, 0, 3, true, update)
	path := machine.Path{Local: netip.MustParseAddrPort("[2001:db8::1]:5683"), Remote: netip.MustParseAddrPort("[2001:db8::2]:5683")}
	f.Leaves(from+40*ms, cause, 1, opened(path, false, update))
	f.Datagram(0, from+45*ms+behind, 77, false, path, update)
	f.Message(0, from+45*ms+behind, false, path, update)
	m.Type, m.Code = coap.ACK, coap.Changed
	answer := bytesOf(t, m)
	f.Message(0, from+45*ms+behind, true, path, answer)
	f.Datagram(0, from+45*ms+behind, 77, true, path, answer)
	if c := f.Enters(from+49*ms, 1, opened(path, true, answer)); c != cause {
		t.Errorf("the answer has cause %d, not %d", c, cause)
	}
	f.Device(from+60*ms, cause, 3, false, answer)
	x, err := f.Get(t.Context(), "d1")
	if err != nil || x.State != "done" {
		t.Fatalf("%+v %v", x, err)
	}
	// 4 ms were seen from the server back to the mesh, which may be less than they were: its clock is behind by 796 at least.
	if want := int64(60_000); x.Took != want || !x.At.Equal(time.Unix(0, int64(from+796*ms))) {
		t.Errorf("it took %d us, not %d, from %v", x.Took, want, x.At)
	}
	for _, s := range x.Spans {
		t.Logf("%8d-%8d %-9s %-8s %s", s.Begin, s.End, x.Lanes[s.Lane].Name, s.Kind, s.Label)
	}
}

// With the server's clock at hand it is seen as soon as a packet leaves, also of what nobody answers.
func TestBehindByClock(t *testing.T) {
	const ms = machine.Time(time.Millisecond)
	const from, behind = 1000 * ms, 800 * ms
	f := New(Options{Clock: func() machine.Time { return from + 40*ms + behind }})
	note := bytesOf(t, coap.Message{Type: coap.NON, ID: 1, Code: coap.Content, Options: coap.Options{}.AddUint(coap.Observe, 7)})
	cause := f.Device(from, 0, 3, true, note)
	path := machine.Path{Local: netip.MustParseAddrPort("[2001:db8::1]:5683"), Remote: netip.MustParseAddrPort("[2001:db8::2]:5683")}
	f.Leaves(from+40*ms, cause, 1, opened(path, false, note))
	f.Datagram(0, from+45*ms+behind, 77, false, path, note)
	f.Message(0, from+45*ms+behind, false, path, note)
	x, err := f.Get(t.Context(), "d1")
	if err != nil || x.State != "done" || x.Took != 45_000 || !x.At.Equal(time.Unix(0, int64(from+behind))) {
		t.Errorf("%+v %v", x, err)
	}
}
