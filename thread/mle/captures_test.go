package mle

import (
	"bytes"
	"fmt"
	"testing"

	"heddle.example/thread/captures"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/keys"
	"heddle.example/thread/lowpan"
	"heddle.example/thread/meshcop"
)

// recorded is an MLE datagram of a recording.
type recorded struct {
	where    string
	node     int
	channel  uint8
	src, dst ip6.Address
	payload  []byte
}

type noContexts struct{}

func (noContexts) ContextByID(uint8) (lowpan.Context, bool)      { return lowpan.Context{}, false }
func (noContexts) ContextFor(ip6.Address) (lowpan.Context, bool) { return lowpan.Context{}, false }

// recordings returns all MLE datagrams of all recordings, put together from their fragments.
func recordings(t testing.TB) (all []recorded) {
	t.Helper()
	for _, name := range captures.Names {
		frames, err := captures.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		parts := map[string][]byte{}
		for i, c := range frames {
			var f ieee802154.Frame
			if f.Parse(c.PSDU) != nil || f.Type != ieee802154.Data {
				continue
			}
			payload := f.Payload
			if f.Secured() {
				var ok bool
				if payload, ok = openFrame(&f, c.Node); !ok {
					continue
				}
			}
			link := lowpan.LinkOf(f.Src, f.Dst)
			ip, done := assemble(parts, payload, link, fmt.Sprint(c.Node, f.Dst))
			if !done {
				continue
			}
			p, err := ip6.ParsePacket(ip)
			if err != nil || !p.IsUDP(Port) {
				continue
			}
			all = append(all, recorded{fmt.Sprintf("%s frame %d", name, i), c.Node, c.Channel, p.Src, p.Dst, ip[p.At+8:]})
		}
	}
	return all
}

func openFrame(f *ieee802154.Frame, node int) ([]byte, bool) {
	source := ieee802154.ExtAddr{0x11, 0x22, 0x33, 0, 0, 0, 0, byte(node)}
	for _, nk := range []meshcop.NetworkKey{captures.Key, captures.Key2} {
		key := keys.Derive(nk, uint32(f.Security.KeyIndex)-1).MAC
		if f.Security.Mode == ieee802154.KeyIDMode2 {
			key, source = ieee802154.NewKey(keys.Mode2Raw), keys.Mode2Source
		}
		if b, ok := f.Open(make([]byte, 127), key, source); ok {
			return b, true
		}
	}
	return nil, false
}

func assemble(parts map[string][]byte, b []byte, link lowpan.Link, from string) ([]byte, bool) {
	switch lowpan.KindOf(b) {
	case lowpan.Compressed:
		ip, used, err := lowpan.AppendDecompressed(nil, b, link, noContexts{}, 0)
		return append(ip, b[used:]...), err == nil
	case lowpan.Fragment:
		h, n, err := lowpan.ParseFragment(b)
		if err != nil {
			return nil, false
		}
		id := fmt.Sprint(from, h.Tag)
		if h.Offset == 0 {
			ip, used, err := lowpan.AppendDecompressed(nil, b[n:], link, noContexts{}, h.Size)
			if err != nil {
				return nil, false
			}
			parts[id] = append(ip, b[n+used:]...)
		} else if h.Offset == len(parts[id]) {
			parts[id] = append(parts[id], b[n:]...)
		}
		return parts[id], len(parts[id]) == h.Size
	}
	return nil, false
}

// open opens a recorded message with the keys of its network.
func (r recorded) open() (h header, x Message, key *ieee802154.Key, err error) {
	if r.payload[0] == noSecurity {
		x, err = ParseMessage(r.payload[1:])
		return h, x, nil, err
	}
	h, sealed, err := parseHeader(r.payload)
	if err != nil {
		return h, x, nil, err
	}
	for _, nk := range []meshcop.NetworkKey{captures.Key, captures.Key2} {
		key = keys.Derive(nk, h.KeySequence).MLE
		if b, ok := h.open(nil, key, r.src, r.dst, sealed); ok {
			x, err = ParseMessage(b)
			return h, x, key, err
		}
	}
	return h, x, nil, fmt.Errorf("wrong MIC")
}

// Every MLE message of real nodes opens, is read, and written and sealed again it is the same to the byte.
func TestCaptures(t *testing.T) {
	commands := map[Command]int{}
	for _, r := range recordings(t) {
		h, x, key, err := r.open()
		if err != nil {
			t.Errorf("%s: %v", r.where, err)
			continue
		}
		commands[x.Command]++
		b := []byte{noSecurity}
		if key != nil {
			b = make([]byte, 1+headerLen)
		}
		b = append(b, byte(x.Command))
		for rest := x.TLVs; len(rest) > 0; {
			typ, value, next, err := NextTLV(rest)
			if err != nil {
				t.Fatalf("%s: %v: %v in % x", r.where, x.Command, err, x.TLVs)
			}
			one := Message{x.Command, rest[:len(rest)-len(next)]}
			again, err := rewrite(&one, typ)
			if err != nil {
				t.Errorf("%s: %v: TLV %d: %v: % x", r.where, x.Command, typ, err, value)
			}
			b = append(b, again...)
			rest = next
		}
		if key != nil {
			if h.index != keyIndex(h.KeySequence) {
				t.Errorf("%s: key index %d of sequence %d", r.where, h.index, h.KeySequence)
			}
			b = h.seal(b, key, r.src, r.dst)
		}
		if !bytes.Equal(b, r.payload) {
			t.Errorf("%s: %v\n got % x\nwant % x", r.where, x.Command, b, r.payload)
		}
	}
	for c, least := range map[Command]int{
		Advertisement: 10, DataRequest: 1, DataResponse: 1,
		ParentRequest: 20, ParentResponse: 5, ChildIDRequest: 5, ChildIDResponse: 5, ChildUpdateRequest: 1,
		ChildUpdateResponse: 1, DiscoveryRequest: 10, DiscoveryResponse: 1,
	} {
		if commands[c] < least {
			t.Errorf("only %d of %v", commands[c], c)
		}
	}
	t.Log(commands)
}

// rewrite reads the one TLV of a message by its type and writes it again.
func rewrite(x *Message, typ TLV) ([]byte, error) {
	raw := func() ([]byte, error) {
		v, err := x.Find(typ)
		return AppendTLV(nil, typ, v), err
	}
	switch typ {
	case TLVSourceAddress, TLVAddress16, TLVVersion, TLVPANID, TLVSupervisionInterval:
		v, err := x.uint16(typ)
		return append16(nil, typ, v), err
	case TLVMode:
		v, err := x.Mode()
		return AppendMode(nil, v), err
	case TLVTimeout, TLVLinkFrameCounter, TLVMLEFrameCounter, TLVCSLTimeout:
		v, err := x.uint32(typ)
		return append32(nil, typ, v), err
	case TLVScanMask, TLVLinkMargin, TLVStatus:
		v, err := x.uint8(typ)
		return append8(nil, typ, v), err
	case TLVChallenge, TLVResponse:
		v, err := x.challenge(typ)
		return AppendTLV(nil, typ, v), err
	case TLVRoute:
		v, err := x.Route()
		return AppendRoute(nil, v), err
	case TLVLeaderData:
		v, err := x.LeaderData()
		return AppendLeaderData(nil, v), err
	case TLVConnectivity:
		v, err := x.Connectivity()
		return AppendConnectivity(nil, v), err
	case TLVRequest:
		v, err := x.RequestedTLVs()
		var types []TLV
		for _, t := range v {
			types = append(types, TLV(t))
		}
		return AppendRequest(nil, types...), err
	case TLVActiveTimestamp, TLVPendingTimestamp:
		v, err := x.Timestamp(typ)
		return AppendTimestamp(nil, typ, v), err
	case TLVChannel, TLVCSLChannel:
		_, c, err := x.Channel(typ)
		return AppendChannel(nil, typ, c), err
	case TLVCSLClockAccuracy:
		a, u, err := x.CSLClockAccuracy()
		return AppendCSLClockAccuracy(nil, a, u), err
	case TLVNetworkData, TLVAddressRegistration, TLVActiveDataset, TLVPendingDataset, TLVDiscovery:
		return raw()
	}
	b, _ := raw()
	return b, fmt.Errorf("a TLV that is not known")
}
