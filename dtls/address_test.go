package dtls

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"heddle.example/machine"
)

// rebind gives the client a new address, as a NAT does.
func (w *world) rebind(a netip.AddrPort) { w.client.addr = a }

// natWorld is a world whose client's datagrams leave from its current address, whatever it believes.
func natWorld(t *testing.T, client, server Config, c ClientConfig) (w *world, ce, se *Established) {
	w = newWorld(t, 50, client, server)
	w.filter = func(d *datagram) bool {
		if d.to == serverAddr {
			d.from = w.client.addr
		}
		return true
	}
	ce, se = w.connect(c)
	return w, ce, se
}

// natDeliver hands datagrams for any address of the client to it under the local address that it knows.
func (w *world) natDeliver() {
	for i := 0; i < len(w.queue); i++ {
		if w.queue[i].to == w.client.addr {
			d := w.queue[i]
			w.queue = slices.Delete(w.queue, i, i+1)
			i--
			w.client.e.Receive(w.now, 0, machine.Path{Local: clientAddr, Remote: d.from}, d.data)
			w.drain(w.client)
		}
	}
}

// step delivers everything that is under way, at once.
func (w *world) step() {
	for n := 0; len(w.queue) > 0; n++ {
		if n > 100 {
			w.t.Fatal("no rest")
		}
		w.natDeliver()
		for len(w.queue) > 0 && w.queue[0].to == serverAddr {
			d := w.queue[0]
			w.queue = w.queue[1:]
			w.server.e.Receive(w.now, 0, machine.Path{Local: d.to, Remote: d.from}, d.data)
			w.drain(w.server)
		}
		if len(w.queue) > 0 && w.queue[0].to != w.client.addr && w.queue[0].to != serverAddr {
			w.queue = w.queue[1:] // to an address that is no longer there
		}
	}
}

// Without RRC the outer machine is asked to prove the address. RFC 9146 section 6.
func TestAddressChange(t *testing.T) {
	for _, draft := range []bool{false, true} {
		t.Run(fmt.Sprintf("draft=%v", draft), func(t *testing.T) {
			w, ce, se := natWorld(t, Config{DisableRRC: true}, Config{CIDLen: 8}, ClientConfig{DraftCID: draft})
			if se.Draft != draft || ce.Draft != draft || len(se.OwnCID) != 8 {
				t.Fatalf("%+v", se)
			}
			w.rebind(otherAddr)
			w.write(w.client, ce.Session, "from elsewhere")
			size := len(w.queue[0].data)
			w.step()
			newPath := machine.Path{Local: serverAddr, Remote: otherAddr}
			if w.server.lastData() != "from elsewhere" {
				t.Fatal("not delivered")
			}
			if r := last[*Received](w.server); r.Path.Remote != otherAddr || r.Path.Security.Session != se.Session {
				t.Errorf("path %+v", r.Path)
			}
			ch := last[*Challenge](w.server)
			if ch == nil || ch.Session != se.Session || ch.Fresh || ch.Path.Remote != otherAddr {
				t.Fatalf("challenge %+v", ch)
			}
			// Not adopted yet: Write goes to the old address.
			w.write(w.server, se.Session, "to the old address")
			if d := w.queue[len(w.queue)-1]; d.to != clientAddr {
				t.Errorf("sent to %v", d.to)
			}
			w.queue = nil
			// At most three times what came from there.
			sent := 0
			for {
				err := w.server.e.WriteTo(w.now, 0, se.Session, newPath, []byte("challenge"), 0)
				if err != nil {
					if err != ErrUnproved {
						t.Error(err)
					}
					break
				}
				w.drain(w.server)
				sent += len(w.queue[len(w.queue)-1].data)
			}
			if sent > 3*size || sent < 2*size {
				t.Errorf("%d bytes sent for %d received", sent, size)
			}
			if err := w.server.e.WriteTo(w.now, 0, se.Session, machine.Path{Local: serverAddr, Remote: netip.MustParseAddrPort("10.9.8.7:1")}, nil, 0); err != ErrUnproved {
				t.Errorf("WriteTo an address that nobody came from: %v", err)
			}
			w.step()
			if w.client.lastData() != "challenge" {
				t.Error("the challenge did not arrive")
			}
			w.server.e.Proved(w.now, 0, se.Session, newPath)
			w.drain(w.server)
			m := last[*Moved](w.server)
			if m == nil || m.Old.Remote != clientAddr || m.New.Remote != otherAddr {
				t.Fatalf("moved %+v", m)
			}
			w.write(w.server, se.Session, "to the new address")
			w.step()
			if w.client.lastData() != "to the new address" {
				t.Error("not delivered")
			}
			if p, _, _ := w.server.e.Lookup(se.Session); p.Remote != otherAddr {
				t.Errorf("adopted %v", p.Remote)
			}
		})
	}
}

// With RRC the engine does it alone (RFC 9853 section 5.1).
func TestReturnRoutability(t *testing.T) {
	for _, itsCID := range []int{0, 8} {
		w, ce, se := natWorld(t, Config{CIDLen: itsCID}, Config{CIDLen: 8}, ClientConfig{})
		if !ce.RRC || !se.RRC {
			t.Fatal("not negotiated")
		}
		w.rebind(otherAddr)
		w.write(w.client, ce.Session, "from elsewhere")
		w.step()
		if m := last[*Moved](w.server); m == nil || m.New.Remote != otherAddr || count[*Challenge](w.server) != 0 {
			t.Fatalf("moved %+v\n%s", m, w.transcript())
		}
		w.write(w.server, se.Session, "back")
		w.step()
		if w.client.lastData() != "back" {
			t.Error("not delivered")
		}
	}
}

// A challenge that nobody answers changes nothing; it is repeated, then given up, then tried again with the next
// record.
func TestReturnRoutabilityLost(t *testing.T) {
	w, ce, se := natWorld(t, Config{}, Config{CIDLen: 8}, ClientConfig{})
	w.rebind(otherAddr)
	w.write(w.client, ce.Session, "a long record, so that there is a budget for all three challenges")
	w.step2(3)
	n := w.n
	for range 5 {
		w.now = w.now.Add(2 * time.Second)
		w.server.e.Expire(w.now)
		w.drain(w.server)
	}
	if w.n != n+2 {
		t.Errorf("%d challenges", w.n-n+1)
	}
	w.queue = nil
	if p, _, _ := w.server.e.Lookup(se.Session); p.Remote != clientAddr {
		t.Errorf("adopted %v without proof", p.Remote)
	}
	w.now = w.now.Add(time.Minute)
	w.write(w.client, ce.Session, "again")
	w.step()
	if p, _, _ := w.server.e.Lookup(se.Session); p.Remote != otherAddr {
		t.Errorf("not adopted: %v", p.Remote)
	}
}

// step2 delivers datagrams to the server only.
func (w *world) step2(max int) {
	for range max {
		if len(w.queue) == 0 || w.queue[0].to != serverAddr {
			break
		}
		d := w.queue[0]
		w.queue = w.queue[1:]
		w.server.e.Receive(w.now, 0, machine.Path{Local: d.to, Remote: d.from}, d.data)
		w.drain(w.server)
	}
	w.queue = nil
}

// Only the newest record counts: an old one that comes late from elsewhere, a copy, and a forged one do not.
func TestAddressNotChanged(t *testing.T) {
	w, ce, se := natWorld(t, Config{DisableRRC: true}, Config{CIDLen: 8}, ClientConfig{})
	w.write(w.client, ce.Session, "late")
	late := w.queue[0]
	w.queue = nil
	w.write(w.client, ce.Session, "newer")
	newer := w.queue[0]
	w.step()
	from := func(a netip.AddrPort, b []byte) {
		w.server.e.Receive(w.now, 0, machine.Path{Local: serverAddr, Remote: a}, b)
		w.drain(w.server)
	}
	from(otherAddr, late.data)
	if w.server.lastData() != "late" {
		t.Error("a late record was not delivered")
	}
	from(otherAddr, newer.data)
	forged := append([]byte(nil), newer.data...)
	forged[10] += 5 // sequence number
	from(otherAddr, forged)
	if count[*Challenge](w.server) != 0 {
		t.Error("challenged")
	}
	w.server.e.Proved(w.now, 0, se.Session, machine.Path{Local: serverAddr, Remote: otherAddr})
	w.drain(w.server)
	if p, _, _ := w.server.e.Lookup(se.Session); p.Remote != clientAddr {
		t.Error("adopted without having been asked")
	}
	// A candidate is forgotten when the newest record comes from the old address again.
	w.rebind(otherAddr)
	w.write(w.client, ce.Session, "there")
	w.step()
	w.rebind(clientAddr)
	w.write(w.client, ce.Session, "here")
	w.step()
	w.server.e.Proved(w.now, 0, se.Session, machine.Path{Local: serverAddr, Remote: otherAddr})
	w.drain(w.server)
	if count[*Challenge](w.server) != 1 || count[*Moved](w.server) != 0 {
		t.Errorf("%d challenges, %d moves", count[*Challenge](w.server), count[*Moved](w.server))
	}
}

// Without a connection ID a record from elsewhere belongs to nobody.
func TestNoMoveWithoutCID(t *testing.T) {
	w, ce, se := natWorld(t, Config{}, Config{}, ClientConfig{})
	w.rebind(otherAddr)
	w.write(w.client, ce.Session, "from elsewhere")
	w.step()
	if w.server.lastData() == "from elsewhere" || count[*Challenge](w.server) != 0 {
		t.Error("delivered")
	}
	w.rebind(clientAddr)
	w.exchange(ce.Session, se.Session)
}
