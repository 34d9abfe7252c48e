package srp

import (
	"encoding/binary"
	"slices"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/dns"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
)

// within returns a duration between two.
func (c *Client) within(low, high time.Duration) time.Duration {
	return low + time.Duration(c.rand.Uint64()%uint64((high-low)/millisecond+1))*millisecond
}

// around returns a duration that differs from d by no more than by.
func (c *Client) around(d, by time.Duration) time.Duration {
	return c.within(max(0, d-by), d+by)
}

// requestJitter spreads the next update over a longer time: many nodes have the same reason to send one.
func (c *Client) requestJitter(now machine.Time, most time.Duration) {
	left := time.Duration(0)
	if c.jitter != 0 {
		left = max(0, c.jitter-now.Sub(c.jitterAt))
	}
	c.jitter, c.jitterAt = max(left, most), now
}

func (c *Client) delay(now machine.Time) time.Duration {
	most := defaultJitter
	if c.jitter != 0 {
		most = max(c.jitter-now.Sub(c.jitterAt), most)
		c.jitter = 0
	}
	return c.within(minJitter, most)
}

func (c *Client) setState(now machine.Time, s clientState) {
	if s == c.state {
		return
	}
	c.state = s
	switch s {
	case stopped, paused, updated:
		c.at = machine.Never
	case toUpdate:
		c.at = now.Add(c.delay(now))
	case updating:
		c.at = now.Add(c.retry)
	}
}

// Deadline says when Expire wants to be called.
func (c *Client) Deadline() machine.Time { return c.at }

// Expire sends, sends again, or renews.
func (c *Client) Expire(now machine.Time) {
	if c.at > now {
		return
	}
	c.at = machine.Never
	switch c.state {
	case toUpdate, toRetry:
		c.send(now)
	case updating:
		c.growRetry()
		c.setState(now, toUpdate)
		c.tell(now, status.ResponseTimeout, c.host, nil)
		if c.timeouts++; c.timeouts >= maxTimeouts {
			c.selectNext(now)
		}
	case updated:
		c.update(now)
	}
}

func (c *Client) growRetry() { c.retry = min(c.retry/10*17, maxRetry) }

// RoleChanged pauses the client while the node is detached.
func (c *Client) RoleChanged(now machine.Time) {
	switch {
	case !c.env.Attached():
		if c.state != stopped {
			c.change(&onPause, false)
			c.setState(now, paused)
		}
	default:
		c.guardAttach(now)
		if c.state == paused {
			c.setState(now, updated)
			c.update(now)
		}
	}
}

// update looks whether there is something to tell the server, and when there will be.
func (c *Client) update(now machine.Time) {
	if c.state == stopped || c.state == paused || c.host.Name == "" {
		return
	}
	next, should := machine.Never, false
	switch c.host.State {
	case Registered:
		if now < c.renew {
			break
		}
		c.host.State = ToRefresh
		fallthrough
	case ToAdd, ToRefresh:
		if len(c.services) == 0 || !c.host.Auto && len(c.host.Addresses) == 0 {
			return
		}
		should = true
	case ToRemove:
		should = true
	case Removed:
		return
	}
	if c.host.State != Removing {
		for _, s := range c.services {
			switch s.State {
			case ToAdd, ToRefresh, ToRemove:
				should = true
			case Registered:
				if s.renew <= now {
					s.State, should = ToRefresh, true
				} else {
					next = min(next, s.renew)
				}
			}
		}
	}
	if should {
		c.setState(now, toUpdate)
	} else if c.state == updated {
		c.at = next
	}
}

func (c *Client) send(now machine.Time) {
	m, err := c.prepare(now, false)
	if err == nil && m.size()+headers >= maxDatagram {
		c.change(&onSingle, true)
		m, err = c.prepare(now, true)
	}
	if err == nil {
		if c.change(&onSend, true) {
			for old := c.id; c.id == old; {
				c.id = uint16(c.rand.Uint64())
			}
		}
		var b []byte
		if b, err = m.signed(c.id, c.key); err == nil {
			err = c.env.SendUpdate(now, c.server, c.port, b)
		}
	}
	if err == nil {
		c.renew, c.quick = now, 0
		c.setState(now, updating)
		c.env.Poll(now, pollsAfterUpdate)
		return
	}
	c.setState(now, toRetry)
	if c.quick < maxQuickRetries {
		c.quick++
		c.at = now.Add(c.around(quickRetry, quickRetryJitter))
		return
	}
	c.at = now.Add(c.around(c.retry, retryJitter))
	c.growRetry()
	c.tell(now, err, c.host, nil)
}

// Receive takes in what came to the client's socket.
func (c *Client) Receive(now machine.Time, b []byte) {
	if c.state != toUpdate && c.state != updating && c.state != toRetry {
		return
	}
	m, _, err := dns.ParseAll(b)
	if err != nil || m.Flags&dns.FlagResponse == 0 || m.Opcode() != dns.OpUpdate || m.ID != c.id || m.Counts[0] > 1 {
		return
	}
	lease, keyLease, err := grantedLeases(&m, c.lease, c.keyLease)
	code := dns.CodeError(m.Code())
	if code == nil && err != nil {
		return
	}
	c.env.Poll(now, 0)
	c.timeouts = 0
	if code != nil {
		c.rejected(now, code)
		return
	}
	c.lease, c.keyLease = min(lease, maxLease), min(keyLease, maxLease)
	l := time.Duration(c.lease) * time.Second
	if c.lease > 2*renewGuard {
		c.renew = c.renew.Add(c.around(l-renewGuard*time.Second, renewJitter))
	} else {
		c.renew = c.renew.Add(l / 2)
	}
	for _, s := range c.services {
		if s.State == Adding || s.State == Refreshing {
			s.renew = c.renew
		}
	}
	c.change(&onDone, true)
	c.done(now)
	c.update(now)
}

// rejected goes on after the server's refusal. The timer runs already.
func (c *Client) rejected(now machine.Time, code error) {
	if c.host.State == Adding {
		c.host.State = ToAdd // so that the user can choose another name
	}
	c.growRetry()
	c.setState(now, toRetry)
	c.tell(now, code, c.host, nil)
	if code == status.Duplicated || code == status.Security {
		c.selectNext(now)
	}
}

// done ends a successful update.
func (c *Client) done(now machine.Time) {
	host := c.host
	if host.State == Removed {
		c.host, c.registered = Host{State: Removed}, nil
	}
	c.retry = minRetry
	if c.state != stopped && c.state != paused {
		c.setState(now, updated)
	}
	var removed []Service
	c.services = slices.DeleteFunc(c.services, func(s *Service) bool {
		if s.State == Removed {
			removed = append(removed, *s)
		}
		return s.State == Removed
	})
	c.tell(now, nil, host, removed)
}

// grantedLeases returns the leases of an answer, or those that were asked for.
func grantedLeases(m *dns.Message, lease, keyLease uint32) (uint32, uint32, error) {
	err := m.Each(func(r *dns.Record, _ int) bool {
		if r.Type == dns.TypeOPT {
			if l, k, _, ok := leaseOption(r.Data); ok {
				lease, keyLease = l, k
			}
		}
		return true
	})
	return lease, keyLease, err
}

// leaseOption reads the Update Lease option of an OPT record (RFC 9664): short without a key lease, which then is the same.
func leaseOption(b []byte) (lease, keyLease uint32, short, ok bool) {
	for len(b) >= 4 {
		code, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		if len(b) < 4+n {
			return 0, 0, false, false
		}
		if code == optionLease && (n == 4 || n >= 8) {
			lease = binary.BigEndian.Uint32(b[4:])
			if n == 4 {
				return lease, lease, true, true
			}
			return lease, binary.BigEndian.Uint32(b[8:]), false, true
		}
		b = b[4+n:]
	}
	return 0, 0, false, false
}

// AddressesChanged looks whether the host's addresses are still those that are registered.
func (c *Client) AddressesChanged(now machine.Time) {
	list, meshLocal := c.env.Addresses()
	if c.state != stopped && c.host.Auto {
		c.noteSLAAC(now, list)
	}
	if c.host.Auto && c.addressesDiffer(list, meshLocal) && c.addressesChange() == nil {
		c.update(now)
	}
}

// noteSLAAC waits longer with an update that a new prefix of the network is the reason for: all nodes have it at once.
func (c *Client) noteSLAAC(now machine.Time, list []OwnAddress) {
	var is []ip6.Address
	for _, a := range list {
		if a.SLAAC {
			is = append(is, a.IP)
		}
	}
	if !slices.Equal(is, c.slaac) && now >= c.guard {
		c.requestJitter(now, longJitter)
	}
	c.slaac = is
}

func (c *Client) addressesDiffer(list []OwnAddress, meshLocal ip6.Address) bool {
	count := 0
	for _, a := range list {
		was := slices.Contains(c.registered, a.IP)
		if (a.Valid && a.Preferred) != was && !(was && a.Valid) {
			return true
		}
		if was {
			count++
		}
	}
	if count == 0 {
		return !slices.Contains(c.registered, meshLocal)
	}
	return count != len(c.registered)
}
