package topology

import (
	"context"
	"encoding/hex"
	"time"

	"heddle.example/machine"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/mesh"
	"heddle.example/thread/neighbor"
)

// Node returns all about a node.
func (w *World) Node(ctx context.Context, id int) (d *Detail, err error) {
	err = w.do(ctx, func() error {
		n, err := w.member(id)
		if err == nil {
			w.look()
			d = w.detail(n)
		}
		return err
	})
	return d, err
}

func (w *World) detail(n *network.Node) *Detail {
	eui := network.EUI64(n.Number())
	e := n.Energy()
	d := &Detail{Row: w.view.rows[n.Number()-1], EUI64: eui.String(), Z: round(n.Position().Z), Addresses: []string{}, Multicast: []string{},
		Neighbors: []Neighbor{}, Counters: map[string]uint64{}, Energy: map[string]int64{"off": e.Off.Microseconds(),
			"sleep": e.Sleep.Microseconds(), "receive": e.Receive.Microseconds(), "transmit": e.Transmit.Microseconds()}}
	t := n.Thread()
	if t == nil {
		return d
	}
	detailOf(w.net.World.Now(), t, d, func(ext [8]byte) int { return w.view.byExt[ext] })
	return d
}

// detailOf reads what a node knows.
func detailOf(now machine.Time, t *thread.Node, d *Detail, idOf func(ext [8]byte) int) {
	d.Mode, d.Uptime, d.Version = t.Mode().String(), t.Uptime(now).Seconds(), t.NetData().Version(false)
	for _, a := range t.Addresses() {
		d.Addresses = append(d.Addresses, a.Addr.Netip().String())
	}
	for _, a := range t.MulticastAddresses() {
		d.Multicast = append(d.Multicast, a.Netip().String())
	}
	t.Mesh().Resolver.Entries(func(*mesh.CacheEntry) { d.CacheSize++ })
	if t.MAC().Polling() {
		d.PollPeriod = int64(t.MAC().PollPeriod() / time.Millisecond)
	}
	d.Neighbors = neighbors(now, t, idOf)
	countersOf(t, d.Counters)
	p := t.Datasets().Params()
	d.Dataset = Dataset{Channel: int(p.Channel), PANID: hex16(p.PANID), ExtPANID: hex.EncodeToString(p.ExtPANID[:]), Name: p.NetworkName,
		MeshLocal: p.MeshLocalPrefix.String()}
	if ts := t.Datasets().Timestamp(false); ts.Valid() {
		d.Dataset.Timestamp = ts.Seconds()
	}
}

func neighbors(now machine.Time, t *thread.Node, idOf func(ext [8]byte) int) []Neighbor {
	out := []Neighbor{}
	add := func(n *neighbor.Neighbor, role string) {
		out = append(out, Neighbor{ID: idOf(n.Ext), Ext: ieee802154.ExtAddr(n.Ext).String(), RLOC16: hex16(n.RLOC16), Role: role,
			In: n.Link.QualityIn(), Out: n.Link.Out, RSSI: n.Link.RSS(), Age: n.Age(now)})
	}
	if p := &t.Table().Parent; p.State == neighbor.Valid && t.Table().Self.Role == neighbor.RoleChild {
		add(&p.Neighbor, "parent")
	}
	for c := range t.Table().Children(neighbor.InValid) {
		add(&c.Neighbor, "child")
	}
	for r := range t.Table().Routers() {
		if r.State == neighbor.Valid {
			add(&r.Neighbor, "router")
		}
	}
	return out
}

func countersOf(t *thread.Node, c map[string]uint64) {
	m, ip := t.MAC().Counters, t.Mesh().Counters
	for name, v := range map[string]uint32{
		"macTx": m.TxTotal, "macTxRetry": m.TxRetry, "macTxErrCca": m.TxErrCCA, "macTxErrBusy": m.TxErrBusyChannel,
		"macRx": m.RxTotal, "macRxDuplicated": m.RxDuplicated, "macRxErrSecurity": m.RxErrSec, "macRxErrUnknown": m.RxErrUnknownNeighbor,
		"ipTxSuccess": ip.TxSuccess, "ipTxFailure": ip.TxFailure, "ipRxSuccess": ip.RxSuccess, "ipRxFailure": ip.RxFailure,
		"forwarded": ip.Forwarded, "noRoute": ip.NoRoute, "queueFull": ip.QueueFull,
	} {
		c[name] = uint64(v)
	}
}
