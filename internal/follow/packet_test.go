package follow

import (
	"context"
	"net/netip"
	"testing"

	"heddle.example/lwm2m/server"
	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

func FuzzUDP(f *testing.F) {
	h := ip6.Header{HopLimit: 64, Src: ip6.MustParse("fd11::1"), Dst: ip6.MustParse("fdaa::10")}
	f.Add(ip6.AppendUDP(nil, h, 5683, 49152, []byte("hello")))
	f.Add([]byte("\x45\x00\x00\x21\x00\x00\x40\x00\x40\x11\x00\x00\xc0\xa8\xff\x01\xc6\x33\x64\x0a\xc0\x00\x16\x33\x00\x0d\x00\x00hello"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if u, ok := udpOf(b); ok && (len(u.payload) > len(b)-28 || u.four != u.from.Addr().Is4()) {
			t.Errorf("%x: %+v", b, u)
		}
	})
}

// Only the newest are remembered, and what a stranger sends costs nothing.
func TestLimits(t *testing.T) {
	f := New(Options{})
	path := machine.Path{Local: netip.MustParseAddrPort("10.0.0.1:5683"), Remote: netip.MustParseAddrPort("10.0.0.2:49152")}
	for i := range 1000 {
		id := machine.OpID(i + 1)
		cause := machine.Cause(i + 1)
		f.Message(0, 1, true, path, []byte{0x40, 1, byte(i >> 8), byte(i)})
		f.Asked(1, cause, id, "demo", &server.Operation{Kind: server.Read})
		for range 20 {
			f.Datagram(0, 1, cause, true, path, []byte{0x40, 1, byte(i >> 8), byte(i)})
			f.Message(0, 1, true, path, []byte{0x40, 1, byte(i >> 8), byte(i)})
		}
		f.Datagram(0, 1, 0, false, path, []byte{1, 2, 3})
		f.Message(0, 1, false, path, []byte{1, 2, 3})
		f.Ended(2, id, &server.Outcome{Err: server.ErrTimeout})
	}
	if len(f.list) != maxExchanges || len(f.byID) != maxExchanges || len(f.byMesh) != maxExchanges || len(f.byServer) != maxExchanges {
		t.Error(len(f.list), len(f.byID), len(f.byMesh), len(f.byServer))
	}
	if len(f.order) > maxExpected || len(f.expected) > maxExpected || len(f.plain[0]) > maxPlain {
		t.Error(len(f.order), len(f.expected), len(f.plain[0]))
	}
	list, err := f.List(context.Background(), "", "", 10)
	if err != nil || len(list) != 10 || list[0].State != "failed" || list[0].Title != "Read /" {
		t.Errorf("%v %+v", err, list)
	}
	for i := range f.list {
		if n := len(f.list[i].spans); n > maxSpans {
			t.Error(n)
		}
	}
}
