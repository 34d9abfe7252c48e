package topology

import (
	"encoding/binary"
	"fmt"

	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/lowpan"
	"heddle.example/thread/mle"
)

// keyring opens what is on the air: with the network's keys, for who has them.
type keyring struct {
	mac, mle *ieee802154.Key
	source   ieee802154.ExtAddr // of the frame's sender
	room     [ieee802154.MaxPSDU]byte
}

// anyContext stands for what the network data would say: only ports and protocols are looked at, which need no address.
type anyContext struct{}

func (anyContext) ContextByID(id uint8) (lowpan.Context, bool) {
	return lowpan.Context{ID: id, Prefix: ip6.PrefixOf(ip6.Address{0xfd, id}, 64)}, true
}
func (anyContext) ContextFor(ip6.Address) (lowpan.Context, bool) { return lowpan.Context{}, false }

// caption says what kind of frame it is, and what it carries.
func caption(h *ieee802154.Frame, k *keyring) (kind, text string) {
	switch h.Type {
	case ieee802154.Ack:
		if h.Pending {
			return "ack", "Acknowledgement, more is coming"
		}
		return "ack", "Acknowledgement"
	case ieee802154.Beacon:
		return "beacon", "Beacon"
	case ieee802154.Command:
		if h.Command == ieee802154.BeaconRequest {
			return "beacon", "Beacon request"
		}
		return "poll", "Data poll"
	}
	payload := h.Payload
	if h.Secured() {
		var ok bool
		if k.mac == nil || h.Security.Mode != ieee802154.KeyIDMode1 {
			return "data", "Data under another key"
		}
		if payload, ok = h.Open(k.room[:], k.mac, k.source); !ok {
			return "data", "Data"
		}
	}
	if len(payload) == 0 {
		return "data", "Keep-alive"
	}
	link := lowpan.LinkOf(h.Src, h.Dst)
	via := ""
	if lowpan.KindOf(payload) == lowpan.Mesh {
		m, n, err := lowpan.ParseMesh(payload)
		if err != nil {
			return "data", "Data"
		}
		link, payload = m.Link(), payload[n:]
		via = fmt.Sprintf(", %04x to %04x", m.Src, m.Dst)
	}
	if lowpan.KindOf(payload) == lowpan.Fragment {
		f, n, err := lowpan.ParseFragment(payload)
		if err != nil {
			return "fragment", "Fragment" + via
		}
		if f.Offset > 0 {
			return "fragment", fmt.Sprintf("Fragment from byte %d of %d%s", f.Offset, f.Size, via)
		}
		_, what := datagram(payload[n:], link, f.Size, k)
		return "fragment", fmt.Sprintf("First fragment of %d B, %s%s", f.Size, what, via)
	}
	kind, text = datagram(payload, link, 0, k)
	return kind, text + via
}

// datagram looks into an IPv6 datagram.
func datagram(payload []byte, link lowpan.Link, size int, k *keyring) (kind, text string) {
	b, used, err := lowpan.AppendDecompressed(nil, payload, link, anyContext{}, size)
	if err != nil || used > len(payload) {
		return "data", "IPv6"
	}
	h, err := ip6.ParseHeader(b)
	if err != nil {
		return "data", "IPv6"
	}
	next, rest := h.Next, append(b[ip6.HeaderSize:len(b):len(b)], payload[used:]...)
	for next == ip6.HopByHop && len(rest) > 8 && len(rest) >= 8*(int(rest[1])+1) {
		next, rest = ip6.Protocol(rest[0]), rest[8*(int(rest[1])+1):]
	}
	switch {
	case next == ip6.UDP && len(rest) >= ip6.UDPSize:
		from, to := binary.BigEndian.Uint16(rest), binary.BigEndian.Uint16(rest[2:])
		if from == mlePort && to == mlePort {
			if c, ok := mle.Peek(k.mle, h.Src, h.Dst, rest[ip6.UDPSize:]); ok {
				return "mle", c.String()
			}
			return "mle", "MLE"
		}
		return "data", fmt.Sprintf("%s, UDP %d to %d", portName(from, to), from, to)
	case next == ip6.ICMP6 && len(rest) > 0:
		return "data", map[byte]string{1: "Destination unreachable", 2: "Packet too big", 3: "Time exceeded", 128: "Echo request", 129: "Echo reply"}[rest[0]]
	case next == ip6.TCP:
		return "data", "TCP"
	}
	return "data", "IPv6"
}

const mlePort = 19788

// portName names what UDP ports stand for.
func portName(from, to uint16) string {
	for _, p := range []uint16{to, from} {
		switch p {
		case 61631:
			return "TMF"
		case 5683, 5783:
			return "CoAP"
		case 5684, 5784:
			return "CoAP over DTLS"
		case 53:
			return "DNS"
		case 123:
			return "SNTP"
		case 1000, 49191:
			return "Joining"
		}
	}
	return "Data"
}
