package nd

import (
	"bytes"
	"encoding/hex"
	"testing"

	"heddle.example/thread/ip6"
)

// advert is what an OpenThread border router sends at first: its on-link prefix and its route to the mesh's.
var advert, _ = hex.DecodeString("86000000" + "00020000" + "00000000" + "00000000" +
	"030440c0" + "00000708" + "00000708" + "00000000" + "fd11223344557788" + "0000000000000000" +
	"18024000" + "00000708" + "fd00000000010001")

func TestRouterAdvert(t *testing.T) {
	h, options, err := ParseRouterAdvert(advert)
	if err != nil || h.Managed || h.Other || !h.SNAC || h.Lifetime != 0 || h.Preference != 0 {
		t.Fatal(h, err)
	}
	b := AppendRouterAdvert(nil, &h)
	Options(options, func(typ uint8, o []byte) bool {
		switch typ {
		case TypePrefix:
			p, ok := ParsePrefixInfo(o)
			if !ok || !p.OnLink || !p.Autonomous || p.PD || p.Valid != 1800 || p.Prefix.String() != "fd11:2233:4455:7788::/64" {
				t.Error(p)
			}
			b = p.Append(b)
		case TypeRoute:
			r, ok := ParseRouteInfo(o)
			if !ok || r.Preference != 0 || r.Lifetime != 1800 || r.Prefix.String() != "fd00:0:1:1::/64" {
				t.Error(r)
			}
			b = r.Append(b)
		}
		return true
	})
	if !bytes.Equal(b, advert) {
		t.Errorf("%x", b)
	}
}

func TestRouteInfoSizes(t *testing.T) {
	for prefix, n := range map[string]int{"::/0": 8, "fc00::/7": 16, "fd00::/64": 16, "64:ff9b::/96": 24} {
		r := RouteInfo{Prefix: ip6.MustParsePrefix(prefix), Preference: -1, Lifetime: 7}
		b := r.Append(nil)
		if got, ok := ParseRouteInfo(b); len(b) != n || !ok || got != r {
			t.Error(prefix, len(b), got)
		}
	}
}

func TestNeighbors(t *testing.T) {
	a := ip6.MustParse("fe80::7")
	if got, err := ParseNeighborSolicit(AppendNeighborSolicit(nil, a)); err != nil || got != a {
		t.Error(got, err)
	}
	b := AppendNeighborAdvert(nil, a)
	if got, err := ParseNeighborAdvert(b); err != nil || got != a {
		t.Error(got, err)
	}
	if _, err := ParseNeighborSolicit(b); err == nil {
		t.Error("an advertisement is no solicitation")
	}
	if !IsRouterSolicit(AppendLink(AppendRouterSolicit(nil), TypeSourceLink, []byte{2, 0, 0, 0, 0, 1})) {
		t.Error("solicitation")
	}
	b = AppendLink(nil, TypeTargetLink, []byte{1, 2, 3, 4, 5, 6, 7, 8})
	if len(b) != 16 || b[1] != 2 {
		t.Errorf("%x", b)
	}
}

func TestDNSServers(t *testing.T) {
	b := AppendDNSServers(nil, 60, ip6.MustParse("fd00::53"), ip6.MustParse("fd00::54"))
	l, a, ok := ParseDNSServers(b)
	if !ok || l != 60 || len(a) != 32 || a[31] != 0x54 {
		t.Error(l, a, ok)
	}
}

func TestNAT64Prefix(t *testing.T) {
	for _, prefix := range []string{"64:ff9b::/96", "2001:db8::/32", "2001:db8:1:2::/64"} {
		p := NAT64Prefix{ip6.MustParsePrefix(prefix), 1800}
		if got, ok := ParseNAT64(p.Append(nil)); !ok || got != p {
			t.Error(prefix, got, ok)
		}
	}
	if _, ok := ParseNAT64([]byte{38, 2, 0, 7, 15: 0}); ok {
		t.Error("there is no such length")
	}
}

func FuzzND(f *testing.F) {
	f.Add(advert)
	f.Add(AppendNeighborAdvert(nil, ip6.MustParse("fe80::7")))
	f.Add(AppendDNSServers(AppendRouterAdvert(nil, &RouterHeader{Preference: 1}), 60, ip6.MustParse("fd00::53")))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = ParseNeighborAdvert(b)
		_, _ = ParseNeighborSolicit(b)
		h, options, err := ParseRouterAdvert(b)
		if err != nil {
			return
		}
		if again, _, err := ParseRouterAdvert(AppendRouterAdvert(nil, &h)); err != nil || again != h {
			t.Fatal(h, again)
		}
		Options(options, func(typ uint8, o []byte) bool {
			if p, ok := ParsePrefixInfo(o); ok {
				if again, ok := ParsePrefixInfo(p.Append(nil)); !ok || again != p {
					t.Fatal(p, again)
				}
			}
			if r, ok := ParseRouteInfo(o); ok {
				if again, ok := ParseRouteInfo(r.Append(nil)); !ok || again != r {
					t.Fatal(r, again)
				}
			}
			_, _, _ = ParseDNSServers(o)
			if p, ok := ParseNAT64(o); ok {
				if again, ok := ParseNAT64(p.Append(nil)); !ok || again != p {
					t.Fatal(p, again)
				}
			}
			return true
		})
	})
}
