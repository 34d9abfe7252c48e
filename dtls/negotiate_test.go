package dtls

import (
	"strings"
	"testing"
	"time"

	"heddle.example/machine"
)

// answerTo sends a hello made by hand, twice, the second time with the server's cookie, and returns what it answers.
func answerTo(t *testing.T, cfg Config, m *clientHello) (w *world, answer string, hello *serverHello) {
	t.Helper()
	return answerToEngine(t, newWorld(t, 80, Config{}, cfg), m)
}

func answerToEngine(t *testing.T, w *world, m *clientHello) (_ *world, answer string, hello *serverHello) {
	t.Helper()
	m.random = make([]byte, 32)
	var got []byte
	w.filter = func(d *datagram) bool { got = d.data; return false }
	for seq := range uint16(2) {
		body := m.append(nil)
		b := appendRecordHeader(nil, contentHandshake, version10, 0, uint64(seq), nil, messageHeaderLen+len(body))
		b = append(appendMessageHeader(b, typeClientHello, len(body), seq, 0, len(body)), body...)
		w.server.e.Receive(w.now, 0, machine.Path{Local: serverAddr, Remote: clientAddr}, b)
		w.drain(w.server)
		if got == nil {
			t.Fatal("no answer")
		}
		if seq == 0 {
			var v helloVerifyRequest
			if !v.decode(got[recordHeaderLen+messageHeaderLen:]) || len(v.cookie) > 32 {
				t.Fatalf("HelloVerifyRequest %x", got)
			}
			m.cookie = v.cookie
		}
	}
	answer = describe(got)
	if strings.HasPrefix(answer, "ServerHello") {
		var r record
		var f fragment
		r.decode(got, 0)
		f.decode(r.body)
		hello = new(serverHello)
		if !hello.decode(f.body) {
			t.Fatalf("ServerHello %x", f.body)
		}
	}
	return w, answer, hello
}

func baseHello() clientHello {
	return clientHello{version: version12, suites: []byte{0xC0, 0xA8}, compressions: []byte{0}}
}

// What a server answers to hellos of all kinds.
func TestNegotiation(t *testing.T) {
	const hello = "ServerHello(1)@0.1"
	for _, c := range []struct {
		name   string
		change func(m *clientHello)
		want   string
		check  func(h *serverHello) bool
	}{
		{"bare", func(m *clientHello) {}, hello, func(h *serverHello) bool {
			x := &h.ext
			return !x.ems && !x.hasCID && !x.hasCIDDraft && !x.renegotiation && x.maxFragment == 0 && !x.rrc && x.pointFormats == nil
		}},
		{"DTLS 1.0", func(m *clientHello) { m.version = version10 }, "Alert(70)@0.1", nil},
		{"DTLS 1.3 in the legacy way", func(m *clientHello) { m.version = 0xFEFC }, hello, func(h *serverHello) bool { return h.version == version12 }},
		{"TLS 1.2", func(m *clientHello) { m.version = 0x0303 }, "Alert(70)@0.1", nil},
		{"no common suite", func(m *clientHello) { m.suites = []byte{0xC0, 0x2B} }, "Alert(40)@0.1", nil},
		{"no null compression", func(m *clientHello) { m.compressions = []byte{1} }, "Alert(47)@0.1", nil},
		{"client's order", func(m *clientHello) { m.suites = []byte{0xC0, 0x2B, 0x00, 0xA8, 0xC0, 0xA8} }, hello,
			func(h *serverHello) bool { return h.suite == PSKWithAES128GCM }},
		{"no common group", func(m *clientHello) { m.suites, m.ext.groups = []byte{0xD0, 0x01}, []byte{0, 24} }, "Alert(40)@0.1", nil},
		{"no common group, but another suite", func(m *clientHello) { m.suites, m.ext.groups = []byte{0xD0, 0x01, 0xC0, 0xA8}, []byte{0, 24} },
			hello, func(h *serverHello) bool { return h.suite == PSKWithAES128CCM8 }},
		{"groups left out", func(m *clientHello) { m.suites = []byte{0xD0, 0x01} }, hello, func(h *serverHello) bool { return h.suite == ECDHEPSKWithAES128GCM }},
		{"point formats", func(m *clientHello) {
			m.suites, m.ext.pointFormats = []byte{0xD0, 0x01}, []byte{0}
		}, hello, func(h *serverHello) bool { return h.ext.pointFormats != nil }},
		{"signalling suite", func(m *clientHello) { m.suites = []byte{0xC0, 0xA8, 0x00, 0xFF} }, hello, func(h *serverHello) bool { return h.ext.renegotiation && len(h.ext.renegotiated) == 0 }},
		{"renegotiation_info", func(m *clientHello) { m.ext.renegotiation = true }, hello, func(h *serverHello) bool { return h.ext.renegotiation }},
		{"renegotiation_info of an earlier handshake", func(m *clientHello) { m.ext.renegotiation, m.ext.renegotiated = true, make([]byte, 12) }, "Alert(47)@0.1", nil},
		{"extended master secret", func(m *clientHello) { m.ext.ems = true }, hello, func(h *serverHello) bool { return h.ext.ems }},
		{"max_fragment_length", func(m *clientHello) { m.ext.maxFragment = 2 }, hello, func(h *serverHello) bool { return h.ext.maxFragment == 2 }},
		{"connection ID", func(m *clientHello) { m.ext.hasCID = true }, hello, func(h *serverHello) bool { return h.ext.hasCID && len(h.ext.cid) == 8 }},
		{"connection ID of the drafts", func(m *clientHello) { m.ext.hasCIDDraft = true }, hello, func(h *serverHello) bool { return h.ext.hasCIDDraft && len(h.ext.cidDraft) == 8 }},
		{"both connection IDs", func(m *clientHello) { m.ext.hasCID, m.ext.hasCIDDraft = true, true }, hello,
			func(h *serverHello) bool { return h.ext.hasCID && !h.ext.hasCIDDraft }},
		{"return routability", func(m *clientHello) { m.ext.hasCID, m.ext.rrc = true, true }, hello, func(h *serverHello) bool { return h.ext.rrc }},
		{"return routability without connection ID", func(m *clientHello) { m.ext.rrc = true }, hello, func(h *serverHello) bool { return !h.ext.rrc }},
		{"server name", func(m *clientHello) { m.ext.serverName = []byte("192.0.2.1") }, hello, nil},
		{"unknown session id", func(m *clientHello) { m.sessionID = make([]byte, 32) }, hello, func(h *serverHello) bool { return string(h.sessionID) != string(make([]byte, 32)) }},
	} {
		m := baseHello()
		c.change(&m)
		w, answer, h := answerTo(t, Config{CIDLen: 8}, &m)
		if !strings.HasPrefix(answer, c.want) {
			t.Errorf("%s: answer %s, want %s", c.name, answer, c.want)
			continue
		}
		if c.check != nil && !c.check(h) {
			t.Errorf("%s: %+v", c.name, h)
		}
		if h == nil && (w.server.e.slab.live != 0 || last[*Refused](w.server) == nil) {
			t.Errorf("%s: something is left, or the operator was not told", c.name)
		}
	}
}

// A hello in fragments is dropped: to reassemble it, something would have to be stored for an unverified client.
func TestFragmentedHello(t *testing.T) {
	w := newWorld(t, 81, Config{}, Config{})
	body := make([]byte, 60)
	b := appendRecordHeader(nil, contentHandshake, version10, 0, 0, nil, messageHeaderLen+30)
	b = append(appendMessageHeader(b, typeClientHello, len(body), 0, 0, 30), body[:30]...)
	w.server.e.Receive(w.now, 0, machine.Path{Local: serverAddr, Remote: clientAddr}, b)
	w.drain(w.server)
	if len(w.lines) != 0 || w.server.e.slab.used != 0 {
		t.Errorf("answered: %v", w.lines)
	}
}

// What a client does with answers that it must not accept: it stops, and says why.
func TestBadServerHello(t *testing.T) {
	for _, c := range []struct {
		name   string
		cfg    Config
		change func(h *serverHello)
		alert  string
	}{
		{"good", Config{}, func(h *serverHello) {}, ""},
		{"version", Config{}, func(h *serverHello) { h.version = version10 }, "Alert(70)"},
		{"suite not offered", Config{}, func(h *serverHello) { h.suite = PSKWithAES128GCM }, "Alert(47)"},
		{"unknown suite", Config{}, func(h *serverHello) { h.suite = 0x1301 }, "Alert(47)"},
		{"compression", Config{}, func(h *serverHello) { h.compression = 1 }, "Alert(47)"},
		{"renegotiation_info", Config{}, func(h *serverHello) { h.ext.renegotiation, h.ext.renegotiated = true, make([]byte, 12) }, "Alert(47)"},
		{"fragment length not asked for", Config{}, func(h *serverHello) { h.ext.maxFragment = 1 }, "Alert(47)"},
		{"another fragment length", Config{MaxFragment: 1024}, func(h *serverHello) { h.ext.maxFragment = 1 }, "Alert(47)"},
		{"draft connection ID not asked for", Config{}, func(h *serverHello) { h.ext.hasCIDDraft = true }, "Alert(110)"},
		{"connection ID not asked for", Config{DisableCID: true}, func(h *serverHello) { h.ext.hasCID = true }, "Alert(110)"},
		{"return routability without connection ID", Config{}, func(h *serverHello) { h.ext.rrc = true }, "Alert(110)"},
		{"extended master secret not asked for", Config{DisableEMS: true}, func(h *serverHello) { h.ext.ems = true }, "Alert(110)"},
		{"groups", Config{}, func(h *serverHello) { h.ext.groups = []byte{0, 23} }, "Alert(110)"},
		{"point formats without curves", Config{}, func(h *serverHello) { h.ext.pointFormats = []byte{0} }, "Alert(110)"},
	} {
		w := newWorld(t, 82, c.cfg, Config{})
		w.filter = func(*datagram) bool { return false }
		w.dial(ClientConfig{Suites: []Suite{PSKWithAES128CCM8}})
		h := serverHello{version: version12, random: make([]byte, 32), suite: PSKWithAES128CCM8}
		c.change(&h)
		body := h.append(nil)
		b := appendRecordHeader(nil, contentHandshake, version12, 0, 0, nil, messageHeaderLen+len(body))
		b = append(appendMessageHeader(b, typeServerHello, len(body), 0, 0, len(body)), body...)
		n := len(w.lines)
		w.client.e.Receive(w.now, 0, machine.Path{Local: clientAddr, Remote: serverAddr}, b)
		w.drain(w.client)
		said := strings.Join(w.lines[n:], " ")
		if (c.alert == "") != (said == "") || !strings.Contains(said, c.alert) {
			t.Errorf("%s: %q", c.name, said)
		}
		if ended := last[*Closed](w.client) != nil; ended != (c.alert != "") {
			t.Errorf("%s: ended %v", c.name, ended)
		}
	}
}

// A plaintext alert, which anybody could send, does not stop a handshake that goes on.
func TestSpoofedAlert(t *testing.T) {
	alert := []byte{21, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40}
	w := newWorld(t, 83, Config{}, Config{})
	w.filter = func(d *datagram) bool {
		w.client.e.Receive(w.now, 0, machine.Path{Local: clientAddr, Remote: serverAddr}, alert)
		w.server.e.Receive(w.now, 0, machine.Path{Local: serverAddr, Remote: clientAddr}, alert)
		return true
	}
	id := w.dial(ClientConfig{})
	w.run(time.Second)
	w.filter = nil
	se := last[*Established](w.server)
	if se == nil {
		t.Fatal(w.transcript())
	}
	w.exchange(id, se.Session)
	// One that is followed by silence is believed after a second.
	w.filter = func(*datagram) bool { return false }
	w.dial(ClientConfig{})
	w.run(20 * time.Second)
	w.client.e.Receive(w.now, 0, machine.Path{Local: clientAddr, Remote: serverAddr}, alert)
	w.run(time.Second)
	if c := last[*Closed](w.client); c == nil || c.Reason != (AlertError{alertHandshakeFailure}) {
		t.Errorf("%+v", c)
	}
}

// The server name goes out unless it is an IP literal (RFC 6066 section 3).
func TestServerName(t *testing.T) {
	for name, want := range map[string]bool{"server.example": true, "192.0.2.1": false, "2001:db8::1": false, "": false} {
		w := newWorld(t, 84, Config{}, Config{})
		sent := false
		w.filter = func(d *datagram) bool {
			sent = sent || name != "" && strings.Contains(string(d.data), name)
			return true
		}
		w.connect(ClientConfig{ServerName: name})
		if sent != want {
			t.Errorf("%q: sent %v", name, sent)
		}
	}
}

// Configurations that cannot work are refused with a word that helps.
func TestConfigErrors(t *testing.T) {
	for _, c := range []Config{{}, {Rand: newTestRand(1), CIDLen: 5}, {Rand: newTestRand(1), MaxFragment: 600}, {Rand: newTestRand(1), Suites: []Suite{0x1301}}} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v accepted", c)
		}
	}
	w := newWorld(t, 85, Config{}, Config{})
	path := w.client.pathTo(serverAddr)
	for _, c := range []ClientConfig{{}, {Key: make([]byte, 65)}, {Key: []byte("k"), Identity: strings.Repeat("x", 257)}, {Key: []byte("k"), Suites: []Suite{1}}} {
		if _, err := w.client.e.Dial(w.now, 0, path, c); err == nil {
			t.Errorf("%+v accepted", c)
		}
	}
	if _, err := w.client.e.Dial(w.now, 0, machine.Path{}, ClientConfig{Key: []byte("k")}); err == nil {
		t.Error("Dial to nowhere")
	}
}
