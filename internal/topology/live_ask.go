package topology

import (
	"context"
	"time"

	"heddle.example/machine"
	"heddle.example/thread"
	"heddle.example/thread/info"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/tlv"
	"heddle.example/thread/tmf"
)

// The collector of a live network: the node asks each router for diagnostics, as OpenThread's `meshdiag topology` does
// (mesh_diag.cpp), one after the other, so that a mesh with 32 routers carries a few small datagrams a second for it.

const (
	askEvery  = 5 * time.Second
	askPause  = 60 * time.Millisecond // between two routers
	askMost   = 8 * time.Second       // for an answer
	childMost = 30 * time.Second      // between two questions for the children of a router
)

// report is what a router says of itself. A router that has not answered lately has none.
type report struct {
	at       time.Time
	rloc16   uint16
	ext      [8]byte
	hasExt   bool
	mode     byte
	vendor   string
	stack    string
	route    neighbor.Route
	children []childEntry
	asked    time.Time // for its children
}

// childEntry is one of a router's child table.
type childEntry struct {
	rloc16  uint16
	quality uint8
	mode    byte
}

// own is what the node itself knows.
type ownLook struct {
	role      info.Role
	ext       [8]byte
	rloc16    uint16
	mode      neighbor.Mode
	channel   int
	parent    [8]byte
	parentQ   uint8
	partition uint32
	leader    uint8
	routers   neighbor.RouterSet
	route     neighbor.Route
	children  []childEntry
	exts      map[uint16][8]byte
	sent      uint64
	received  uint64
	retries   uint64
	network   Network
	border    map[uint16]bool
	device    Device
}

var askTypes = []byte{byte(tmf.DiagExtAddress), byte(tmf.DiagAddress16), byte(tmf.DiagMode), byte(tmf.DiagRoute), byte(tmf.DiagChildTable),
	byte(tmf.DiagVendorName), byte(tmf.DiagStackVersion)}

// ask goes round all routers once.
func (l *Live) ask(ctx context.Context) error {
	var own ownLook
	err := l.o.Seat.Do(ctx, func(now machine.Time, n *thread.Node) error { own = l.lookAt(now, n); return nil })
	if err != nil {
		return err
	}
	l.mu.Lock()
	l.own = own
	l.mu.Unlock()
	l.build()
	if !own.attached() {
		return nil
	}
	set := own.routers
	if own.role == info.ChildRole { // an end device knows its parent alone; that one knows all
		if r := l.askOne(ctx, own.rloc16&0xfc00); r != nil {
			set = r.route.Mask
		}
	}
	for id := set.Next(0); id < neighbor.InvalidRouterID; id = set.Next(id + 1) {
		rloc16 := neighbor.RouterRLOC16(id)
		if rloc16 != own.rloc16 {
			l.askOne(ctx, rloc16)
			l.askChildren(ctx, rloc16)
		}
		select {
		case <-time.After(askPause):
		case <-ctx.Done():
			return ctx.Err()
		}
		l.build()
	}
	l.mu.Lock()
	l.rounds++
	for rloc16, r := range l.reports {
		if !set.Has(neighbor.RouterID(rloc16)) || l.clock().Sub(r.at) > 6*askEvery {
			delete(l.reports, rloc16)
		}
	}
	l.mu.Unlock()
	l.build()
	return nil
}

func (o *ownLook) attached() bool { return o.role >= info.ChildRole }

// askOne asks a router and waits for its answer.
func (l *Live) askOne(ctx context.Context, rloc16 uint16) *report {
	b := l.diagnostic(ctx, rloc16, askTypes)
	r := parseReport(b)
	if r == nil || r.rloc16 != rloc16 {
		return nil
	}
	r.at = l.clock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if old := l.reports[rloc16]; old != nil {
		r.asked = old.asked
	}
	l.reports[rloc16] = r
	return r
}

// diagnostic asks a node, and returns its answer, or nothing.
func (l *Live) diagnostic(ctx context.Context, rloc16 uint16, types []byte) []byte {
	answer := make(chan []byte, 1)
	err := l.o.Seat.Do(ctx, func(now machine.Time, n *thread.Node) error {
		return n.DiagnosticAsk(now, 0, rloc16, types, func(_ machine.Time, tlvs []byte) { answer <- append([]byte(nil), tlvs...) })
	})
	if err != nil {
		return nil
	}
	wait := time.NewTimer(askMost)
	defer wait.Stop()
	select {
	case b := <-answer:
		return b
	case <-wait.C:
	case <-ctx.Done():
	}
	return nil
}

// askChildren has a router list its children with their extended addresses, now and then: the answers are events.
func (l *Live) askChildren(ctx context.Context, rloc16 uint16) {
	l.mu.Lock()
	r := l.reports[rloc16]
	due := r != nil && len(r.children) > 0 && (l.clock().Sub(r.asked) > childMost || l.unnamed(r) && l.clock().Sub(r.asked) > askEvery)
	if due {
		r.asked = l.clock()
	}
	l.mu.Unlock()
	if due {
		_ = l.o.Seat.Do(ctx, func(now machine.Time, n *thread.Node) error {
			_, err := n.DiagnosticQuery(now, 0, rloc16, []byte{byte(tmf.DiagChild)})
			return err
		})
	}
}

func (l *Live) unnamed(r *report) bool {
	for _, c := range r.children {
		if _, ok := l.exts[c.rloc16]; !ok {
			return true
		}
	}
	return false
}

// heard takes in the answers to askChildren. It is called in the node's owner.
func (l *Live) heard(_ machine.Time, a machine.Action) {
	d, ok := a.Value.(*info.Diagnostic)
	if !ok || d.Err != nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for typ, v := range tlv.All(d.TLVs) {
		if typ == byte(tmf.DiagChild) && len(v) >= 11 { // flags, RLOC16, extended address (network_diagnostic_tlvs.hpp)
			if len(l.exts) > 4096 {
				clear(l.exts)
			}
			l.exts[uint16(v[1])<<8|uint16(v[2])] = [8]byte(v[3:11])
		}
	}
}

// parseReport reads a router's answer. What it says about itself is not trusted further than the picture.
func parseReport(b []byte) *report {
	if b == nil || !tlv.Valid(b) {
		return nil
	}
	r := &report{}
	var ok bool
	if r.rloc16, ok = tlv.Uint16(b, byte(tmf.DiagAddress16)); !ok {
		return nil
	}
	if v, ok := tlv.Find(b, byte(tmf.DiagExtAddress)); ok && len(v) == 8 {
		r.ext, r.hasExt = [8]byte(v), true
	}
	r.mode, _ = tlv.Uint8(b, byte(tmf.DiagMode))
	if v, ok := tlv.Find(b, byte(tmf.DiagVendorName)); ok {
		r.vendor = plain(v)
	}
	if v, ok := tlv.Find(b, byte(tmf.DiagStackVersion)); ok {
		r.stack = plain(v)
	}
	if v, ok := tlv.Find(b, byte(tmf.DiagRoute)); ok {
		if route, err := neighbor.ParseRoute(v); err == nil {
			r.route = route
		}
	}
	if v, ok := tlv.Find(b, byte(tmf.DiagChildTable)); ok {
		for ; len(v) >= 3; v = v[3:] { // 5 bits time-out, 2 link quality, 9 child id; mode
			x := uint16(v[0])<<8 | uint16(v[1])
			r.children = append(r.children, childEntry{r.rloc16 | x&0x1ff, uint8(x >> 9 & 3), v[2]})
		}
	}
	return r
}

// plain keeps what can be shown of a name.
func plain(v []byte) string {
	out := make([]rune, 0, len(v))
	for _, r := range string(v) {
		if r >= ' ' && r != 0x7f && r != 0xfffd && len(out) < 64 {
			out = append(out, r)
		}
	}
	return string(out)
}

// lookAt reads the node's own tables.
func (l *Live) lookAt(now machine.Time, n *thread.Node) (o ownLook) {
	if l.o.Device != nil {
		o.device = l.o.Device()
	}
	o.role, o.ext, o.channel, o.mode = info.Role(n.MLE().Role()), n.MAC().Ext(), int(n.MAC().Channel()), n.MLE().Mode()
	p := n.Datasets().Params()
	o.network = Network{Channel: int(p.Channel), PANID: hex16(p.PANID), Name: p.NetworkName}
	c := n.MAC().Counters
	o.sent, o.received, o.retries = uint64(c.TxTotal), uint64(c.RxTotal), uint64(c.TxRetry)
	if !o.attached() {
		return o
	}
	o.rloc16 = n.MLE().RLOC16()
	d := n.MLE().LeaderData()
	o.partition, o.leader = d.PartitionID, d.LeaderRouterID
	t := n.Table()
	o.exts = map[uint16][8]byte{}
	if o.role == info.ChildRole {
		o.parent, o.parentQ = t.Parent.Ext, t.Parent.Link.QualityIn()
		o.exts[t.Parent.RLOC16] = t.Parent.Ext
	} else {
		o.routers = t.RouterSet()
		if r, err := neighbor.ParseRoute(t.AppendRoute(nil, nil)); err == nil {
			o.route = r
		}
		for c := range t.Children(neighbor.InValid) {
			o.children = append(o.children, childEntry{c.RLOC16, c.Link.QualityIn(), c.Mode.Wire()})
			o.exts[c.RLOC16] = c.Ext
		}
	}
	for r := range t.Routers() {
		if r.State == neighbor.Valid {
			o.exts[r.RLOC16] = r.Ext
		}
	}
	o.border = borders(n)
	return o
}
