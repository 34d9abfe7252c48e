package netdata

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"heddle.example/thread/ip6"
	"heddle.example/thread/tlv"
)

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// The data that the leader of the recording address-query spreads, and services beside it.
const recorded = "0804 0b02d1da" + "0314 0040 fd11002200000000 0504 1800 3300 0702 1140" + "0b09 81 02 5c01 0d03 1400 01"

func TestData(t *testing.T) {
	d := Data(unhex(recorded))
	var got []string
	for p := range d.OnMeshPrefixes() {
		got = append(got, fmt.Sprintf("prefix %v %04x %v %04x", p.Prefix, p.Flags(), p.Stable, p.RLOC16))
	}
	for s := range d.Services() {
		got = append(got, fmt.Sprintf("service %d %d %x %x %v %04x", s.ID, s.Enterprise, s.Data, s.ServerData, s.Stable, s.RLOC16))
	}
	for c := range d.Contexts() {
		got = append(got, fmt.Sprintf("context %v %d %v %v", c.Prefix, c.ID, c.Compress, c.Stable))
	}
	c, _ := d.Commissioning()
	got = append(got, fmt.Sprintf("commissioning %x", c), fmt.Sprintf("locators %04x", d.RLOC16s(nil)), fmt.Sprintf("stable %x", d.Stable(nil)))
	want := []string{
		"prefix fd11:22:0:0::/64 3300 true 1800",
		"service 1 44970 5c01 01 true 1400",
		"context fd11:22:0:0::/64 1 true true",
		"commissioning 0b02d1da",
		"locators [1800 1400]",
		"stable 03140040fd11002200000000" + "0504fffe3300" + "07021140" + "0b0981025c010d03fc1101",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if v, ok := tlv.Find(c, 11); !ok || !bytes.Equal(v, []byte{0xd1, 0xda}) {
		t.Errorf("session %x", v)
	}
}

// What an Editor appends is what Data reads.
func TestEditor(t *testing.T) {
	var e Editor
	p := ip6.MustParsePrefix("fd11:22::/64")
	x := e.AppendPrefix(0, p.Bits, p.Addr[:])
	e.Bytes = append(e.Bytes, KindBorderRouter<<1, 4, 0xff, 0xfe, 0x33, 0x00)
	e.Resize(&x, 6)
	e.SetStable(x.At, true)
	e.SetStable(x.Sub, true)
	e.SetRLOC(0x1800)
	if !bytes.Equal(e.Bytes, unhex("0310 0040 fd11002200000000 0504 1800 3300")) {
		t.Errorf("%x", e.Bytes)
	}
	if err := Validate(e.Bytes, 0x1800); err != nil {
		t.Error(err)
	}
	if Validate(e.Bytes, 0x1801) == nil || Validate(append(e.Bytes, e.Bytes...), 0x1800) == nil {
		t.Error("somebody else's entry, or a prefix twice, was taken")
	}
	if !e.DropPrefix(p) || len(e.Bytes) != 0 || e.DropPrefix(p) {
		t.Errorf("%x", e.Bytes)
	}
}

// FuzzWire reads anything: nothing panics, and the stable subset is one of itself.
func FuzzWire(f *testing.F) {
	f.Add(unhex(recorded))
	f.Add(unhex("0b09 81 02 5c01 0d03 1400 01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		d := Data(b)
		for range d.OnMeshPrefixes() {
		}
		for range d.ExternalRoutes() {
		}
		for range d.Services() {
		}
		for range d.Contexts() {
		}
		d.RLOC16s(nil)
		d.BorderRouters(nil)
		d.DNSSRPAnycast(nil)
		d.DNSSRPUnicast(nil, ip6.Network{0xfd})
		d.PrimaryBackboneRouter(0)
		_ = Validate(d, 0x1400)
		s := Data(d.Stable(nil))
		if again := s.Stable(nil); !bytes.Equal(again, s) {
			t.Fatalf("%x: stable %x, again %x", b, []byte(s), again)
		}
	})
}
