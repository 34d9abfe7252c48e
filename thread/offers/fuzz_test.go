package offers

import (
	"bytes"
	"testing"

	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
)

// FuzzData reads anything as network data: nothing panics, and the stable subset is one of itself.
func FuzzData(f *testing.F) {
	f.Add(unhex("08040b02d1da03140040fd110022000000000504180033000702 1140"))
	f.Add(unhex("0b09 81 02 5c01 0d03 1400 01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		n := newBench("child", 0x1401)
		n.quiet = true
		if n.SetNetworkData(n.now, 1, 1, false, b) != nil {
			return
		}
		_ = dump(n.Data())
		for _, a := range []string{"fd11:22::1", "fd00:db8::1", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"} {
			x := ip6.MustParse(a)
			n.ContextFor(x)
			n.OnMesh(x)
			n.IsNAT64(x)
			_, _ = n.Route(x, x)
		}
		for aloc := range uint16(0x50) {
			_, _ = n.Anycast(0xfc00 + aloc)
		}
		n.JoiningAllowed()
		n.AppendCommissioning(nil, b)
		n.Data().RLOC16s(nil)
		n.Data().DNSSRPUnicast(nil, meshLocal)
		n.Data().PrimaryBackboneRouter(0)
		s := netdata.Data(n.Data().Stable(nil))
		if again := s.Stable(nil); !bytes.Equal(again, s) {
			t.Fatalf("%x: stable %x, again %x", b, []byte(s), again)
		}
		n.run(1e9)
	})
}

// FuzzRegister sends anything to a leader's resources. Its data stays well-formed and within its size.
func FuzzRegister(f *testing.F) {
	f.Add(unhex("0a12 0310 0040 fd11002200000000 0504 1800 3300"), unhex("0a00"))
	f.Add(unhex("0a0b 0b09 81 02 5c01 0d03 1800 01"), unhex("0202 1800"))
	f.Fuzz(func(t *testing.T, one, two []byte) {
		l := newBench("leader", 0x0c00)
		l.quiet = true
		if l.SetCommissioning(l.now, unhex("0b02 0001")) != nil {
			t.Fatal("no room")
		}
		l.offerAs(t, 0x1800, onMesh("fd11:22::/64", nil))
		for _, path := range []string{"a/sd", "c/cs", "c/cg"} {
			for _, b := range [][]byte{one, two, one} {
				l.request(path, 0x1800, b)
				l.run(200e9)
				d := l.Data()
				if len(d) > netdata.MaxSize {
					t.Fatal(len(d))
				}
				for i := 0; i < len(d); {
					x, ok := netdata.ReadItem(d, i, len(d))
					if !ok {
						t.Fatalf("%s %x: data %x", path, b, []byte(d))
					}
					if _, ok := x.Fixed(d); !ok && (x.Kind == netdata.KindPrefix || x.Kind == netdata.KindService) {
						t.Fatalf("%s %x: data %x", path, b, []byte(d))
					}
					i = x.End
				}
			}
		}
	})
}
