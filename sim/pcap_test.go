package sim

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"testing"
)

// The bytes were checked with tshark: no wrong checksum, no malformed packet. e2e does so again with real traffic.
func TestPcap(t *testing.T) {
	for _, c := range []struct{ name, from, to, payload, want string }{
		{"IPv4", "192.0.2.1:5683", "10.0.0.2:1000", "40000001",
			"45000020000040004011" + "6eca" + "c00002010a000002" + "163303e8000c" + "d9b6" + "40000001"},
		{"IPv6, odd length", "[2001:db8::1]:5683", "[2001:db8::2]:5684", "60010001ff",
			"60000000000d1140" + "20010db8000000000000000000000001" + "20010db8000000000000000000000002" + "16331634000d" + "18f5" + "60010001ff"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			p := NewPcap(&b)
			payload, _ := hex.DecodeString(c.payload)
			p.Packet(Start+5, netip.MustParseAddrPort(c.from), netip.MustParseAddrPort(c.to), payload)
			if p.Err() != nil || b.Len() < 40 {
				t.Fatal(p.Err(), b.Len())
			}
			if got := hex.EncodeToString(b.Bytes()[40:]); got != c.want {
				t.Errorf("packet\n%s, want\n%s", got, c.want)
			}
		})
	}
}
