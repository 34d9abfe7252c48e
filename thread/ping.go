package thread

import (
	"encoding/binary"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
	"heddle.example/thread/tmf"
)

// PingConfig says what a Ping does. Zero fields take OpenThread's defaults.
type PingConfig struct {
	Src      ip6.Address
	Dst      ip6.Address
	Size     int           // 8 bytes
	Count    int           // 1
	Interval time.Duration // 1 s
	Timeout  time.Duration // 3 s, after the last request
	HopLimit uint8         // 64
	// ZeroHopLimit: HopLimit 0 means 0.
	ZeroHopLimit  bool
	MulticastLoop bool
}

// pinger is the ping under way.
type pinger struct {
	op         machine.OpID
	cause      machine.Cause
	config     PingConfig
	left       int
	identifier uint16
	target     uint16 // sequence of the last request
	stats      PingStatistics
	at         machine.Time
	sent       map[uint16]machine.Time
}

// Ping sends echo requests. Each reply is an Event with a *PingReply; the Result is *PingStatistics. Only one Ping is
// under way at a time.
func (n *Node) Ping(now machine.Time, cause machine.Cause, c PingConfig) (machine.OpID, error) {
	if n.ping != nil {
		return 0, status.Busy
	}
	set := func(p *time.Duration, v time.Duration) {
		if *p == 0 {
			*p = v
		}
	}
	set(&c.Interval, time.Second)
	set(&c.Timeout, 3*time.Second)
	if c.Size == 0 {
		c.Size = 8
	}
	if c.Count == 0 {
		c.Count = 1
	}
	n.begin(now, cause)
	defer n.finish(now)
	n.lastOp++
	n.pingID++
	n.ping = &pinger{op: n.lastOp, cause: cause, config: c, left: c.Count, identifier: n.pingID, sent: map[uint16]machine.Time{},
		stats: PingStatistics{Multicast: c.Dst.IsMulticast()}}
	n.sendPing(now)
	return n.ping.op, nil
}

// PingStop ends the Ping under way.
func (n *Node) PingStop(now machine.Time, cause machine.Cause) {
	if p := n.ping; p != nil {
		n.begin(now, cause)
		p.stats.Aborted = true
		n.endPing(now)
		n.finish(now)
	}
}

// Pinging reports whether a Ping is under way.
func (n *Node) Pinging() bool { return n.ping != nil }

func (n *Node) sendPing(now machine.Time) {
	p := n.ping
	c := &p.config
	data := make([]byte, max(c.Size, 4))
	binary.BigEndian.PutUint32(data, uint32(int64(now)/int64(time.Millisecond)))
	o := outgoing{src: c.Src, dst: c.Dst, hopLimit: c.HopLimit, zeroHopLimit: c.ZeroHopLimit, loop: c.MulticastLoop, priority: tmf.Normal}
	n.echoSequence++
	p.target = n.echoSequence
	if h, err := n.header(&o); err == nil {
		m := ip6.ICMPHeader{Type: ip6.EchoRequest, ID: p.identifier, Sequence: n.echoSequence}
		if n.sendDatagram(now, &o, ip6.AppendICMP(nil, h, m, data)) == nil {
			p.stats.Sent++
			p.sent[n.echoSequence] = now
		}
	}
	if p.left--; p.left > 0 {
		p.at = now.Add(c.Interval)
	} else {
		p.at = now.Add(c.Timeout)
	}
}

func (n *Node) expirePing(now machine.Time) {
	if n.ping == nil || n.ping.at > now {
		return
	}
	if n.ping.left > 0 {
		n.sendPing(now)
		return
	}
	n.endPing(now)
}

func (n *Node) endPing(now machine.Time) {
	p := n.ping
	n.ping = nil
	n.out.Push(machine.Action{Kind: machine.Result, Op: p.op, Cause: p.cause, Value: &p.stats})
}

// echoReply takes in a reply.
func (n *Node) echoReply(now machine.Time, h *ip6.Header, m *ip6.ICMPHeader, data []byte) {
	p := n.ping
	if p == nil || m.ID != p.identifier || len(data) < 4 {
		return
	}
	sent, ok := p.sent[m.Sequence]
	if !ok {
		return
	}
	r := &PingReply{From: h.Src, Size: len(data), Sequence: m.Sequence, HopLimit: h.HopLimit, Exact: now.Sub(sent)}
	ms := uint32(int64(now)/int64(time.Millisecond)) - binary.BigEndian.Uint32(data)
	r.RTT = time.Duration(min(ms, 0xffff)) * time.Millisecond
	s := &p.stats
	if s.Received++; s.Received == 1 || r.RTT < s.Min {
		s.Min = r.RTT
	}
	s.Max = max(s.Max, r.RTT)
	s.Total += r.RTT
	n.out.Push(machine.Action{Kind: machine.Event, Op: p.op, Cause: p.cause, Value: r})
	if !s.Multicast && p.left == 0 && m.Sequence == p.target {
		n.endPing(now)
	}
}
