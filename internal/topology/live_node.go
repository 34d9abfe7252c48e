package topology

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"strconv"
	"time"

	"heddle.example/machine"
	"heddle.example/thread"
	"heddle.example/thread/info"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/tlv"
	"heddle.example/thread/tmf"
)

// Node returns all about a node: what it says of itself when it is asked now.
func (l *Live) Node(ctx context.Context, id int) (*Detail, error) {
	l.mu.Lock()
	if id < 1 || id > len(l.rows) {
		l.mu.Unlock()
		return nil, ErrNode
	}
	d := &Detail{Row: l.rows[id-1], Addresses: []string{}, Multicast: []string{}, Neighbors: []Neighbor{}, Counters: map[string]uint64{}, Energy: map[string]int64{}}
	for _, k := range l.links {
		if k.A != id && k.B != id {
			continue
		}
		other, in, out := k.B, k.QA, k.QB
		if k.B == id {
			other, in, out = k.A, k.QB, k.QA
		}
		o := &l.rows[other-1]
		n := Neighbor{ID: other, Ext: o.Ext, RLOC16: o.RLOC16, Role: k.Kind, In: in, Out: out, RSSI: 127}
		if k.Kind == "child" && d.Parent == other {
			n.Role = "parent"
		}
		d.Neighbors = append(d.Neighbors, n)
	}
	byExt := map[[8]byte]int{}
	for ext, n := range l.ids {
		byExt[ext] = n
	}
	l.mu.Unlock()
	if id == 1 {
		return d, l.o.Seat.Do(ctx, func(now machine.Time, n *thread.Node) error {
			detailOf(now, n, d, func(ext [8]byte) int { return byExt[ext] })
			d.EUI64 = n.EUI64().String()
			return nil
		})
	}
	if rloc16, err := strconv.ParseUint(d.RLOC16, 0, 16); err == nil { // it is part of the network
		l.askDetail(ctx, uint16(rloc16), d)
	}
	return d, nil
}

var detailTypes = []byte{byte(tmf.DiagExtAddress), byte(tmf.DiagMode), byte(tmf.DiagAddresses), byte(tmf.DiagMACCounters), byte(tmf.DiagEUI64),
	byte(tmf.DiagVersion), byte(tmf.DiagVendorName), byte(tmf.DiagVendorModel), byte(tmf.DiagVendorSoftware), byte(tmf.DiagStackVersion)}

// askDetail asks a node for more. A sleepy one may take as long as it sleeps: then what is known must do.
func (l *Live) askDetail(ctx context.Context, rloc16 uint16, d *Detail) {
	ctx, cancel := context.WithTimeout(ctx, 4*time.Second)
	defer cancel()
	b := l.diagnostic(ctx, rloc16, detailTypes)
	if b == nil || !tlv.Valid(b) {
		return
	}
	if v, ok := tlv.Uint8(b, byte(tmf.DiagMode)); ok {
		m := neighbor.Mode(v)
		d.Mode = info.Mode{RxOnWhenIdle: m.RxOn(), FullThread: m.FTD(), FullNetData: m.FullNetworkData()}.String()
	}
	if v, ok := tlv.Find(b, byte(tmf.DiagEUI64)); ok && len(v) == 8 {
		d.EUI64 = hex.EncodeToString(v)
	}
	if v, ok := tlv.Find(b, byte(tmf.DiagAddresses)); ok {
		for ; len(v) >= 16 && len(d.Addresses) < 32; v = v[16:] {
			d.Addresses = append(d.Addresses, netip.AddrFrom16([16]byte(v)).String())
		}
	}
	if v, ok := tlv.Find(b, byte(tmf.DiagMACCounters)); ok { // RFC 1213's names (network_diagnostic_tlvs.hpp)
		for _, name := range []string{"ifInUnknownProtos", "ifInErrors", "ifOutErrors", "ifInUcastPkts", "ifInBroadcastPkts", "ifInDiscards", "ifOutUcastPkts", "ifOutBroadcastPkts", "ifOutDiscards"} {
			if len(v) < 4 {
				break
			}
			d.Counters[name] = uint64(binary.BigEndian.Uint32(v))
			v = v[4:]
		}
		d.Sent, d.Received = d.Counters["ifOutUcastPkts"]+d.Counters["ifOutBroadcastPkts"], d.Counters["ifInUcastPkts"]+d.Counters["ifInBroadcastPkts"]
	}
	for typ, to := range map[tmf.DiagType]*string{tmf.DiagVendorName: &d.Vendor, tmf.DiagVendorModel: &d.Model, tmf.DiagStackVersion: &d.Stack} {
		if v, ok := tlv.Find(b, byte(typ)); ok {
			*to = plain(v)
		}
	}
}

// Route finds the cheapest way by the links' costs, as the routers do.
func (l *Live) Route(_ context.Context, from, to int) (*Path, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range []int{from, to} {
		if id < 1 || id > len(l.rows) {
			return nil, ErrNode
		}
	}
	return cheapest(from, to, l.rows, l.links), nil
}

// cheapest walks the links (Dijkstra): only routers hand on, and a link costs what its worse direction does.
func cheapest(from, to int, rows []Row, links []Link) *Path {
	p := &Path{From: from, To: to, Hops: []int{from}}
	cost, before, done := map[int]int{from: 0}, map[int]int{}, map[int]bool{}
	for {
		at := 0
		for id := 1; id <= len(rows); id++ {
			if c, ok := cost[id]; ok && !done[id] && (at == 0 || c < cost[at]) {
				at = id
			}
		}
		if at == 0 {
			p.Why = "no way is known"
			return p
		}
		done[at] = true
		if at == to {
			break
		}
		if at != from && rows[at-1].RouterID < 0 {
			continue
		}
		for _, k := range links {
			other := k.B
			if k.B == at {
				other = k.A
			} else if k.A != at {
				continue
			}
			q := min(k.QA, k.QB)
			if k.Kind == "child" {
				q = max(k.QA, k.QB)
			}
			if q == 0 {
				continue
			}
			c := cost[at] + int(neighbor.Cost(q))
			if old, ok := cost[other]; !ok || c < old {
				cost[other], before[other] = c, at
			}
		}
	}
	p.Hops = nil
	for at := to; at != from; at = before[at] {
		p.Hops = append([]int{at}, p.Hops...)
	}
	p.Hops, p.Cost, p.Whole = append([]int{from}, p.Hops...), cost[to], true
	return p
}
