//go:build peers

package e2e

import (
	"fmt"
	"testing"

	"heddle.example/e2e/peer"
)

// contentTypes returns the DTLS content types in a datagram (RFC 6347 section 4.1): 22 is a handshake record, 25 one with
// a connection ID of the length that records towards that side have.
func contentTypes(t *testing.T, d peer.Datagram, cid int) (types []byte) {
	for b := d.Data; len(b) >= 13; {
		head := 11
		if b[0] == 25 {
			head += cid
		}
		if len(b) < head+2 {
			t.Fatalf("cut-off record in % x", d.Data)
		}
		n := head + 2 + int(b[head])<<8 + int(b[head+1])
		if n > len(b) {
			t.Fatalf("cut-off record in % x", d.Data)
		}
		types, b = append(types, b[0]), b[n:]
	}
	return types
}

// kill -9 the server and start it: the client's next Update is answered 2.04 in the same DTLS session, without a
// handshake record on the wire, and an observation that was set before still brings values.
func TestKilledServerGoesOnWithTheSameSession(t *testing.T) {
	const ownCID = 8 // what the server gives out
	for _, c := range []struct {
		name   string
		start  func(testing.TB, ...string) *peer.Process
		flags  []string
		cid    string
		server []string
	}{
		{"Leshan 2, CID", peer.Leshan2Client, nil, "true", nil},
		{"Leshan 2, CID both ways", peer.Leshan2Client, []string{"--cid", "4"}, "true", nil},
		{"Leshan 2, no CID", peer.Leshan2Client, []string{"--cid", "off"}, "false", nil},
		{"Leshan 1.5", peer.Leshan1Client, nil, "false", nil},
		{"Leshan 2, CID, five shards", peer.Leshan2Client, nil, "true", []string{"--shards", "5"}},
		{"Leshan 1.5, five shards", peer.Leshan1Client, nil, "false", []string{"--shards", "5"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := peer.HeddleServer(t, c.server...)
			s.Credentials("leshan", "id", key)
			relay := peer.NewRelay(t, s.CoAPS, 1, peer.Faults{})
			device := c.start(t, append(c.flags, "--endpoint", "leshan", "--server", "coaps://"+relay.Addr(), "--identity", "id", "--key", key)...)
			device.Expect("registered")
			want(t, s.AwaitClient("leshan").Body, map[string]string{"security.cid": c.cid})
			observe(t, s, "leshan", device)
			for round := range 3 {
				s.Kill()
				mark := relay.Mark()
				s.Start()
				device.Forget()
				device.Send("update")
				device.Expect("updated")
				for i, d := range relay.Since(mark) {
					cid := ownCID
					if !d.ToServer {
						cid = 4
					}
					for _, typ := range contentTypes(t, d, cid) {
						if typ == 22 {
							t.Errorf("round %d: datagram %d (to server: %v) has a handshake record", round, i, d.ToServer)
						}
					}
				}
				notified(t, s, "leshan", device, fmt.Sprintf("%d.5", 30+round))
				want(t, operate(t, s, "leshan", "read", "/3/0/0", "2.05", nil), map[string]string{"value": "Eclipse Leshan"})
			}
			peer.Tshark{File: peer.WritePcap(t, relay.Since(0)), DecodeAs: []string{"udp.port==" + port(s.CoAPS) + ",dtls"}}.NoneMalformed(t)
		})
	}
}

// A NAT that forgot the device gives it a new port: with a connection ID it is still the same session.
func TestAddressChange(t *testing.T) {
	for _, shards := range []string{"1", "5"} {
		t.Run(shards+" shards", func(t *testing.T) {
			s := peer.HeddleServer(t, "--shards", shards)
			s.Credentials("leshan", "id", key)
			relay := peer.NewRelay(t, s.CoAPS, 1, peer.Faults{})
			device := peer.Leshan2Client(t, "--endpoint", "leshan", "--server", "coaps://"+relay.Addr(), "--identity", "id", "--key", key)
			device.Expect("registered")
			observe(t, s, "leshan", device)
			before := s.AwaitClient("leshan").Body
			relay.Rebind()
			mark := relay.Mark()
			device.Forget()
			device.Send("update")
			device.Expect("updated")
			s.Await("the new address", func() bool {
				return s.AwaitClient("leshan").Body.Field("address") != before.Field("address")
			})
			want(t, s.AwaitClient("leshan").Body, map[string]string{"id": before.Field("id")})
			want(t, operate(t, s, "leshan", "read", "/3/0/9", "2.05", nil), map[string]string{"value": "87"})
			notified(t, s, "leshan", device, "40.5")
			for _, d := range relay.Since(mark) {
				for _, typ := range contentTypes(t, d, 8) {
					if typ == 22 {
						t.Error("a handshake record after the move")
					}
				}
			}
		})
	}
}

// The same story on a link that loses, repeats and reorders.
func TestLeshan2OverABadLink(t *testing.T) {
	for seed := range uint64(1) {
		s := peer.HeddleServer(t)
		s.Credentials("leshan", "id", key)
		relay := peer.NewRelay(t, s.CoAPS, seed, peer.Faults{Loss: 0.1, Duplicate: 0.1, Reorder: 0.1})
		device := peer.Leshan2Client(t, "--endpoint", "leshan", "--server", "coaps://"+relay.Addr(), "--identity", "id", "--key", key)
		device.Expect("registered")
		for i := range 6 {
			want(t, operate(t, s, "leshan", "read", "/3/0/9", "2.05", nil), map[string]string{"value": "87"})
			operate(t, s, "leshan", "write", "/31024/10/1", "2.04", values{"value": i})
			operate(t, s, "leshan", "execute", "/31024/10/2", "2.04", nil)
		}
		// Each Execute ran once, though its datagrams came twice or not at all.
		for range 6 {
			device.Expect("executed", "path=/31024/10/2")
		}
		if e, again := device.Await(0, "executed"); again {
			t.Errorf("seed %d: an Execute ran twice: %v", seed, e)
		}
	}
}
