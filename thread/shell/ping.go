package shell

import (
	"strings"
	"time"

	"heddle.example/machine"
	"heddle.example/thread"
	"heddle.example/thread/status"
)

func ping(s *Shell, a args) error {
	if a.is(0, "stop") {
		s.naming = naming{}
		s.node.PingStop(s.now, s.cause)
		return nil
	}
	async := a.is(0, "async")
	if async {
		a = a[1:]
	}
	var c thread.PingConfig
	var err error
	if a.is(0, "-I") {
		if c.Src, err = a.ip(1); err != nil {
			return err
		}
		a = a.from(2)
	}
	if a.is(0, "-m") {
		c.MulticastLoop = true
		a = a[1:]
	}
	if hostName(a.at(0)) {
		return s.pingName(a, c, async)
	}
	if c.Dst, err = s.destination(a, 0, "Pinging"); err != nil {
		return err
	}
	if err := pingNumbers(a, &c); err != nil {
		return err
	}
	op, err := s.node.Ping(s.now, s.cause, c)
	if err != nil {
		return err
	}
	s.pings = op
	if async {
		return nil
	}
	return s.begin(op, nil)
}

// naming is a ping that waits for its address.
type naming struct {
	op    machine.OpID // of Resolve; 0: there is none
	ping  thread.PingConfig
	async bool
}

// hostName reports whether a word is a host name. Only one with a dot is: of others OpenThread says that they are no address.
func hostName(w string) bool {
	last := w[strings.LastIndexByte(strings.TrimSuffix(w, "."), '.')+1:]
	return strings.Contains(w, ".") && !strings.Contains(w, ":") && strings.Trim(last, "0123456789.") != ""
}

// pingName is `ping` of a host, which OpenThread does not have: its first address is pinged.
func (s *Shell) pingName(a args, c thread.PingConfig, async bool) error {
	if err := pingNumbers(a, &c); err != nil {
		return err
	}
	op, err := s.node.Resolve(s.now, s.cause, a[0])
	if err != nil {
		return err
	}
	s.naming = naming{op, c, async}
	if async {
		return nil
	}
	return s.begin(op, nil)
}

// named goes on with it.
func (s *Shell) named(r *thread.Resolved) {
	w := s.naming
	s.naming = naming{}
	err := r.Err
	if err == nil {
		to := r.Addresses[0]
		what := "resolved"
		if to.IP4.IsValid() {
			what = "synthesized"
		}
		s.Line("Pinging %s IPv6 address: %s", what, to.IP)
		w.ping.Dst = to.IP
		s.pings, err = s.node.Ping(s.now, s.cause, w.ping)
	}
	switch {
	case w.async && err != nil:
		s.Line("Cannot ping %s: %v", r.Name, err)
	case w.async:
	case err != nil:
		s.end(err)
	default:
		s.op = s.pings
	}
}

// pingNumbers parses size, count, interval, hop limit and time-out.
func pingNumbers(a args, c *thread.PingConfig) error {
	if a.has(1) {
		v, err := a.u16(1)
		if err != nil {
			return err
		}
		c.Size = int(v)
	}
	if a.has(2) {
		v, err := a.u16(2)
		if err != nil {
			return err
		}
		c.Count = int(v)
	}
	if a.has(3) {
		v, err := seconds(a[3])
		if err != nil {
			return err
		}
		c.Interval = v
	}
	if a.has(4) {
		v, err := a.u8(4)
		if err != nil {
			return err
		}
		c.HopLimit, c.ZeroHopLimit = v, v == 0
	}
	if a.has(5) {
		v, err := seconds(a[5])
		if err == nil && v > 0xffff*time.Millisecond {
			err = status.InvalidArgs
		}
		if err != nil {
			return err
		}
		c.Timeout = v
	}
	if a.has(6) {
		return status.InvalidArgs
	}
	return nil
}

// seconds parses seconds with up to three digits after a dot, as OpenThread reads an interval: more digits count nothing.
func seconds(t string) (time.Duration, error) {
	var ms, factor uint32 = 0, 1000
	for _, c := range []byte(t) {
		switch {
		case '0' <= c && c <= '9':
			if factor == 1000 {
				ms *= 10
			}
			ms += uint32(c-'0') * factor
			if factor != 1000 {
				factor /= 10
			}
		case c == '.' && factor == 1000:
			factor = 100
		default:
			return 0, status.InvalidArgs
		}
	}
	return time.Duration(ms) * time.Millisecond, nil
}

func (s *Shell) pingReply(r *thread.PingReply) {
	s.Line("%d bytes from %s: icmp_seq=%d hlim=%d time=%dms", uint16(r.Size+8), r.From, r.Sequence, r.HopLimit, r.RTT/time.Millisecond)
}

func (s *Shell) pingStatistics(p *thread.PingStatistics) {
	if p.Aborted {
		return
	}
	s.Printf("%d packets transmitted, %d packets received.", p.Sent, p.Received)
	if p.Sent != 0 && !p.Multicast && p.Received <= p.Sent {
		loss := 1000 * (p.Sent - p.Received) / p.Sent
		s.Printf(" Packet loss = %d.%d%%.", loss/10, loss%10)
	}
	if p.Received != 0 {
		avg := p.Total.Microseconds() / int64(p.Received)
		s.Printf(" Round-trip min/avg/max = %d/%d.%03d/%d ms.", p.Min/time.Millisecond, avg/1000, avg%1000, p.Max/time.Millisecond)
	}
	s.Line("")
}
