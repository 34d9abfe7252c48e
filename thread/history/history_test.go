package history

import (
	"encoding/hex"
	"fmt"
	"testing"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
)

func TestList(t *testing.T) {
	l := List[int]{max: 3}
	for i := range 8 {
		l.Add(machine.Time(i), i)
		got := ""
		for e := range l.All() {
			got += fmt.Sprint(e.Value, e.At == machine.Time(e.Value), " ")
		}
		want := ""
		for j := i; j >= 0 && j > i-3; j-- {
			want += fmt.Sprint(j, true, " ")
		}
		if got != want {
			t.Errorf("after %d: %s, want %s", i, got, want)
		}
	}
}

func TestNetworkDataChanged(t *testing.T) {
	h := New()
	data := func(s string) netdata.Data { b, _ := hex.DecodeString(s); return b }
	h.NetworkDataChanged(1, data("03140040fd110022000000000504180033000702"+"1140"), ip6.Network{0xfd})
	h.NetworkDataChanged(2, data("03140040fd110022000000000504180033000702"+"1140"), ip6.Network{0xfd})
	h.NetworkDataChanged(3, data("03140040fd11002200000000050418003100"+"07021140"+"0b08"+"81025c030d021800"), ip6.Network{0xfd})
	h.NetworkDataChanged(4, nil, ip6.Network{0xfd})
	got := ""
	for e := range h.Prefixes.All() {
		got += fmt.Sprintf("%d %v %04x %v\n", e.At, e.Value.Prefix, e.Value.Flags(), e.Value.Removed)
	}
	for e := range h.Servers.All() {
		got += fmt.Sprintf("%d %v %v %v\n", e.At, e.Value.Addr, e.Value.Sequence, e.Value.Removed)
	}
	if want := `4 fd11:22:0:0::/64 3100 true
3 fd11:22:0:0::/64 3100 false
3 fd11:22:0:0::/64 3300 true
1 fd11:22:0:0::/64 3300 false
4 fd00:0:0:0:0:ff:fe00:fc11 3 true
3 fd00:0:0:0:0:ff:fe00:fc11 3 false
`; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestRouters(t *testing.T) {
	h := New()
	costs := map[uint8]uint8{5: 1, 9: 0}
	look := func() {
		h.RoutersChanged(1, func(id uint8) bool { _, ok := costs[id]; return ok }, func(id uint8) (uint8, uint8) {
			if costs[id] == 0 {
				return NoNextHop, 0
			}
			return 5, costs[id]
		})
	}
	look()
	look()
	costs[9] = 3
	look()
	costs[9] = 2
	look()
	delete(costs, 5)
	look()
	got := ""
	for e := range h.Routers.All() {
		got += fmt.Sprint(e.Value, " ")
	}
	if want := "{1 5 63 0 0} {3 9 5 3 2} {2 9 5 0 3} {0 9 63 0 0} {0 5 5 0 1} "; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func FuzzMessage(f *testing.F) {
	f.Add([]byte("`\x00\x00\x00\x00\x08\x11\x40"), true)
	f.Fuzz(func(t *testing.T, b []byte, sent bool) {
		h := New()
		h.Message(1, b, Message{}, sent)
		if h.Rx.Len()+h.Tx.Len() > 1 {
			t.Fatal("twice")
		}
	})
}
