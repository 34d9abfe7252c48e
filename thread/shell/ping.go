package shell

import (
	"time"

	"heddle.example/thread"
	"heddle.example/thread/status"
)

func ping(s *Shell, a args) error {
	if a.is(0, "stop") {
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
