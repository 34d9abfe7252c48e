package usernat

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"heddle.example/thread/ip6"
)

func ping(src, dst ip6.Address, hop uint8, id, seq uint16, payload string) []byte {
	return ip6.AppendICMP(nil, ip6.Header{HopLimit: hop, Src: src, Dst: dst}, ip6.ICMPHeader{Type: ip6.EchoRequest, ID: id, Sequence: seq}, []byte(payload))
}

// needEcho ends a test where this computer lets nobody ping. The tests with peers open ping sockets first.
func needEcho(t *testing.T, n *bench) {
	if how, ok := n.Status().Echo, n.Status().EchoOK; !ok {
		t.Skip("no echo requests here:", how)
	}
}

func TestEcho(t *testing.T) {
	n := start(t, nil)
	needEcho(t, n)
	for i, dst := range []ip6.Address{loopback4, six} {
		n.Send(ping(node, dst, 64, 5, uint16(i), "sixteen bytes ok"))
		n.Send(ping(other, dst, 64, 5, uint16(i), "sixteen bytes of another"))
		for _, to := range []ip6.Address{node, other} {
			p := n.next()
			x, _ := ip6.ParsePacket(p)
			m, _ := ip6.ParseICMP(p[ip6.HeaderSize:])
			if to := to; says(p) != fmt.Sprintf("%v > %v icmp 129/0", dst, to) || m.ID != 5 || m.Sequence != uint16(i) || x.HopLimit != 63 {
				t.Errorf("%s, id %d, sequence %d, hop limit %d", says(p), m.ID, m.Sequence, x.HopLimit)
			}
		}
	}
	if s := n.Status(); s.Total != 0 || s.Sent != 4 || s.Received != 4 {
		t.Errorf("%+v", s)
	}
}

func TestEchoTranslated(t *testing.T) {
	n := start(t, nil)
	needEcho(t, n)
	v4 := []byte{0x45, 0, 0, 32, 0, 1, 0, 0, 64, 1, 0, 0, 192, 168, 255, 1, 127, 0, 0, 1, 8, 0, 0, 0, 0, 9, 0, 1, 'a', 'b', 'c', 'd'}
	sum := ^ip6.Sum(0, v4[:20])
	v4[10], v4[11] = byte(sum>>8), byte(sum)
	sum = ^ip6.Sum(0, v4[20:])
	v4[22], v4[23] = byte(sum>>8), byte(sum)
	n.Send(v4)
	p := n.next()
	if back, ok := fromV4(p); !ok || says(back) != "0:0:0:0:0:ffff:7f00:1 > 0:0:0:0:0:ffff:c0a8:ff01 icmp 129/0" || string(p[28:]) != "abcd" || p[25] != 9 || p[8] != 64 {
		t.Errorf("%x", p)
	}
}

// A translator's long echo request comes in fragments: type and checksum are those of the whole.
func TestEchoTranslatedInFragments(t *testing.T) {
	n := start(t, nil)
	needEcho(t, n)
	m := append([]byte{8, 0, 0, 0, 0, 9, 0, 1}, make([]byte, 2000)...)
	for i := range m[8:] {
		m[8+i] = byte(i)
	}
	binary.BigEndian.PutUint16(m[2:], ^ip6.Sum(0, m))
	for at := 0; at < len(m); at += 1000 {
		part := m[at:min(at+1000, len(m))]
		v4 := append([]byte{0x45, 0, 0, 0, 0, 7, byte(at / 8 >> 8), byte(at / 8), 64, 1, 0, 0, 192, 168, 255, 1, 127, 0, 0, 1}, part...)
		if at+1000 < len(m) {
			v4[6] |= 0x20 // more follow
		}
		binary.BigEndian.PutUint16(v4[2:], uint16(len(v4)))
		binary.BigEndian.PutUint16(v4[10:], ^ip6.Sum(0, v4[:20]))
		n.Send(v4)
	}
	p := n.next()
	if len(p) != 20+len(m) || p[20] != 0 || !bytes.Equal(p[24:], m[4:]) || ip6.Sum(0, p[20:]) != 0xffff {
		t.Errorf("%d bytes: %x", len(p), p)
	}
}

// What nobody answers is forgotten, and one node cannot take all there is.
func TestEchoLimits(t *testing.T) {
	n := start(t, func(c *Config) { c.Echo, c.PerNode, c.Flows = time.Hour, 3, 1000 })
	needEcho(t, n)
	tab := n.echoes[1]
	p := &packet{h: ip6.Header{Src: node}, v4: true}
	full := 0
	for range 5 {
		if _, no := n.putEcho(tab, p, ip6.ICMPHeader{}, 48); no {
			full++
		}
	}
	if full != 2 || n.Status().Total != 3 {
		t.Errorf("%d of 5 refused, %d flows", full, n.Status().Total)
	}
	for i := range tab.slots {
		tab.slots[i].sent -= n.c.Echo // an hour later
	}
	if _, no := n.putEcho(tab, p, ip6.ICMPHeader{}, 48); no || n.flows != 1 {
		t.Errorf("full: %t, flows %d", no, n.flows)
	}
}
