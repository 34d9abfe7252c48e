package thread

import (
	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/linkmetrics"
	"heddle.example/thread/mle"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/radio"
	"heddle.example/thread/status"
)

// LinkMetricsReport is the value of an Event: what a neighbour measured of us, or why it did not.
type LinkMetricsReport struct {
	From   ip6.Address
	Status linkmetrics.Status
	Values linkmetrics.Values
}

// LinkMetricsManaged is the value of an Event: a neighbour's answer to LinkMetricsSeries or LinkMetricsProbing.
type LinkMetricsManaged struct {
	From   ip6.Address
	Status linkmetrics.Status
}

// LinkMetricsAck is the value of an Event: the metrics of an enhanced acknowledgement.
type LinkMetricsAck struct {
	RLOC16 uint16
	Ext    ieee802154.ExtAddr
	Values linkmetrics.Values
}

// measures is what a node has of link metrics besides the links'.
type measures struct {
	manager *linkmetrics.Manager // nil: off
}

// linkMetrics takes in a message of link metrics.
func (n *Node) linkMetrics(now machine.Time, c mle.Command, from *neighbor.Neighbor, value []byte, lqi uint8, rssi int8) {
	to := ip6.LinkLocal(from.Ext)
	switch c {
	case mle.DataResponse:
		if v, s, ok := linkmetrics.ParseReport(value); ok {
			n.event(0, &LinkMetricsReport{From: to, Status: s, Values: v})
		}
	case mle.LinkMetricsManagementResponse:
		s, ok := linkmetrics.ParseStatus(value)
		switch {
		case !ok:
		case n.measures.manager != nil:
			n.measures.manager.Answered(from.Ext, s)
		default:
			n.event(0, &LinkMetricsManaged{From: to, Status: s})
		}
	case mle.LinkMetricsManagementRequest:
		if s, ok := linkmetrics.Of(from).Manage(value); ok {
			n.updateProbes(now)
			n.mle.SendLinkMetrics(now, to, mle.LinkMetricsManagementResponse, linkmetrics.AppendStatus(nil, s))
		}
	case mle.LinkProbe:
		if l, ok := from.Metrics.(*linkmetrics.Link); ok {
			l.HeardProbe(value, lqi, rssi)
		}
	}
}

// appendLinkMetrics answers a query for link metrics.
func appendLinkMetrics(dst []byte, from *neighbor.Neighbor, query []byte, lqi uint8, rssi int8) ([]byte, bool) {
	if l, ok := from.Metrics.(*linkmetrics.Link); ok {
		return l.AppendReport(dst, query, lqi, rssi)
	}
	return new(linkmetrics.Link).AppendReport(dst, query, lqi, rssi)
}

// updateProbes tells the radio what its enhanced acks carry.
func (n *Node) updateProbes(now machine.Time) {
	var list []radio.Probing
	n.eachNeighbor(func(b *neighbor.Neighbor) {
		if l, ok := b.Metrics.(*linkmetrics.Link); ok && l.Given() != 0 {
			m := l.Given()
			list = append(list, radio.Probing{Short: b.RLOC16, Ext: b.Ext, LQI: m&linkmetrics.LQI != 0,
				Margin: m&linkmetrics.Margin != 0, RSSI: m&linkmetrics.RSSI != 0})
		}
	})
	n.mac.SetProbes(now, list)
}

func (n *Node) eachNeighbor(f func(b *neighbor.Neighbor)) {
	if n.table.Self.Role == neighbor.RoleChild && n.table.Parent.State == neighbor.Valid {
		f(&n.table.Parent.Neighbor)
	}
	if n.config.MTD {
		return
	}
	for c := range n.table.Children(neighbor.InValid) {
		f(&c.Neighbor)
	}
	for r := range n.table.Routers() {
		if r.State == neighbor.Valid {
			f(&r.Neighbor)
		}
	}
}

// measurable returns the neighbour at a link-local address, if it knows link metrics.
func (n *Node) measurable(to ip6.Address) (*neighbor.Neighbor, error) {
	if !to.IsLinkLocalUnicast() {
		return nil, status.UnknownNeighbor
	}
	b := n.table.FindExt(to.IID().Ext(), neighbor.InValid)
	switch {
	case b == nil:
		return nil, status.UnknownNeighbor
	case b.Version < neighbor.Version1p2:
		return nil, status.NotCapable
	}
	return b, nil
}

// LinkMetricsQuery asks a neighbour how it hears us, now (series 0) or over a series of frames. The answer is an Event with
// *LinkMetricsReport.
func (n *Node) LinkMetricsQuery(now machine.Time, cause machine.Cause, to ip6.Address, series uint8, m linkmetrics.Metrics) error {
	return n.try(now, cause, func() error {
		if _, err := n.measurable(to); err != nil {
			return err
		}
		if series != 0 && m != 0 {
			return status.InvalidArgs
		}
		n.mle.SendLinkMetricsQuery(now, to, linkmetrics.AppendQuery(nil, series, m))
		return nil
	})
}

// LinkMetricsSeries has a neighbour measure a series of our frames, or, without frames, end that. The answer is an Event with
// *LinkMetricsManaged.
func (n *Node) LinkMetricsSeries(now machine.Time, cause machine.Cause, to ip6.Address, series uint8, f linkmetrics.Frames, m linkmetrics.Metrics) error {
	return n.try(now, cause, func() error {
		if _, err := n.measurable(to); err != nil {
			return err
		}
		if series == 0 {
			return status.InvalidArgs
		}
		n.mle.SendLinkMetrics(now, to, mle.LinkMetricsManagementRequest, linkmetrics.AppendSeries(nil, series, f, m))
		return nil
	})
}

// LinkMetricsProbing has a neighbour put metrics into its enhanced acks, which come as Events with *LinkMetricsAck; none ends
// that.
func (n *Node) LinkMetricsProbing(now machine.Time, cause machine.Cause, to ip6.Address, on bool, m linkmetrics.Metrics) error {
	return n.try(now, cause, func() error { return n.probe(now, to, on, m) })
}

func (n *Node) probe(now machine.Time, to ip6.Address, on bool, m linkmetrics.Metrics) error {
	b, err := n.measurable(to)
	if err != nil {
		return err
	}
	n.mle.SendLinkMetrics(now, to, mle.LinkMetricsManagementRequest, linkmetrics.AppendProbing(nil, on, m))
	linkmetrics.Of(b).Expect(m, func(now machine.Time, v *linkmetrics.Values) {
		if n.measures.manager != nil {
			n.measures.manager.Heard(now, b.Ext, v)
			return
		}
		n.event(0, &LinkMetricsAck{RLOC16: b.RLOC16, Ext: b.Ext, Values: *v})
	})
	return nil
}

// LinkMetricsProbe sends a neighbour a Link Probe for a series, with so many bytes of padding.
func (n *Node) LinkMetricsProbe(now machine.Time, cause machine.Cause, to ip6.Address, series, length uint8) error {
	return n.try(now, cause, func() error {
		if _, err := n.measurable(to); err != nil {
			return err
		}
		if length > 64 || series == 0 || series == linkmetrics.AllSeries {
			return status.InvalidArgs
		}
		n.mle.SendLinkMetrics(now, to, mle.LinkProbe, linkmetrics.AppendProbe(nil, series, int(length)))
		return nil
	})
}

// managerEnv is the Node as linkmetrics.ManagerEnv.
type managerEnv Node

func (e *managerEnv) Attached() bool { return e.table.Self.Role.Attached() }

// EachNeighbor implements linkmetrics.ManagerEnv.
func (e *managerEnv) EachNeighbor(yield func(ieee802154.ExtAddr)) {
	(*Node)(e).eachNeighbor(func(b *neighbor.Neighbor) { yield(b.Ext) })
}

// Register implements linkmetrics.ManagerEnv.
func (e *managerEnv) Register(now machine.Time, ext ieee802154.ExtAddr, on bool) error {
	m := linkmetrics.Margin | linkmetrics.RSSI
	if !on {
		m = 0
	}
	return (*Node)(e).probe(now, ip6.LinkLocal(ext), on, m)
}

// LinkMetricsManager returns what measures all the node's links by itself; nil: nothing does.
func (n *Node) LinkMetricsManager() *linkmetrics.Manager { return n.measures.manager }

// SetLinkMetricsManager has the node measure all its links by itself, or not any more.
func (n *Node) SetLinkMetricsManager(now machine.Time, on bool) {
	switch m := &n.measures; {
	case on && m.manager == nil:
		m.manager = linkmetrics.NewManager(now, (*managerEnv)(n))
	case !on && m.manager != nil:
		n.Do(now, 0, func() { m.manager.Stop(now) })
		m.manager = nil
	}
}

func (n *Node) measuresDeadline() machine.Time {
	if n.measures.manager == nil {
		return machine.Never
	}
	return n.measures.manager.Deadline()
}

func (n *Node) expireMeasures(now machine.Time) { n.measures.manager.Expire(now) }
