package usernat

import (
	"cmp"
	"errors"
	"net/netip"
	"os"
	"slices"
	"time"

	"heddle.example/host/outside"
)

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// Status implements outside.Outside. Those that were used last come first.
func (n *NAT) Status() outside.Status {
	c := &n.count
	s := outside.Status{Mode: outside.User, Counters: outside.Counters{
		Sent: c.sent.Load(), Received: c.received.Load(), SentBytes: c.sentBytes.Load(), ReceivedBytes: c.receivedBytes.Load(),
		Malformed: c.malformed.Load(), Unsupported: c.unsupported.Load(), Prohibited: c.prohibited.Load(),
		HopLimit: c.hopLimit.Load(), Full: c.full.Load(), Failed: c.failed.Load(), Filtered: c.filtered.Load(), TooBig: c.tooBig.Load(),
	}}
	n.mu.Lock()
	now := n.now()
	for _, f := range n.udp {
		s.Flows = append(s.Flows, f.flow(now))
	}
	s.Total = n.flows
	n.mu.Unlock()
	s.Echo, s.EchoOK = n.echoState()
	s.Flows = append(s.Flows, n.echoFlows(now)...)
	s.Flows = append(s.Flows, n.tcpFlows(now)...)
	slices.SortStableFunc(s.Flows, func(a, b outside.Flow) int {
		return cmp.Or(cmp.Compare(a.Idle, b.Idle), a.Inside.Compare(b.Inside))
	})
	s.Flows = s.Flows[:min(len(s.Flows), n.c.List)]
	return s
}

func (f *udpFlow) flow(now time.Duration) outside.Flow {
	f.mu.Lock()
	remote := f.remote
	f.mu.Unlock()
	idle := max(0, now-time.Duration(f.used.Load()))
	local, _ := netip.ParseAddrPort(f.conn.LocalAddr().String())
	return outside.Flow{Protocol: "udp", Inside: netip.AddrPortFrom(f.key.node.Netip().Unmap(), f.key.port), Outside: local, Remote: remote,
		NAT64: f.key.v4, Idle: idle, Left: max(0, f.n.c.UDP-idle), Sent: f.sent.Load(), Received: f.received.Load(),
		SentBytes: f.sentBytes.Load(), ReceivedBytes: f.receivedBytes.Load()}
}
