package srp

import (
	"bytes"
	"encoding/binary"
	"slices"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

// autoState is how the client has found its server in the network data.
type autoState uint8

const (
	autoDisabled autoState = iota
	firstSelecting
	reselecting
	selectedInService // a unicast address in the service data
	selectedAnycast
	selectedInServer // one in the server data
)

// Servers are the servers in the network data, in its order.
type Servers struct {
	InService, InServer []Candidate
	Anycast             ip6.Address // of the preferred anycast servers; unspecified: there are none
	Sequence            uint8
}

// Candidate is a unicast server.
type Candidate struct {
	IP      ip6.Address
	Port    uint16
	Version uint8
}

// AutoStart reports whether the client chooses its server by itself.
func (c *Client) AutoStart() bool { return c.auto != autoDisabled }

// EnableAutoStart has it do so.
func (c *Client) EnableAutoStart(now machine.Time) {
	if c.auto != autoDisabled {
		return
	}
	c.auto = firstSelecting
	c.guardAttach(now)
	c.NetDataChanged(now)
}

// DisableAutoStart has it keep the server that it has.
func (c *Client) DisableAutoStart() { c.auto = autoDisabled }

// AutoSelected reports whether the server is one that the client has chosen.
func (c *Client) AutoSelected() bool { return c.auto >= selectedInService }

// guardAttach notes that the node has just attached: a server that it finds now it registers with soon.
func (c *Client) guardAttach(now machine.Time) {
	if c.env.Attached() && c.state == stopped && c.auto == firstSelecting {
		c.guard = now.Add(attachGuard)
	}
}

// NetDataChanged looks for the best server: a unicast one by somebody's will, an anycast one, a unicast one.
func (c *Client) NetDataChanged(now machine.Time) {
	if c.auto == autoDisabled || c.state != stopped && c.auto < selectedInService {
		return
	}
	was, again := c.auto, false
	all := c.env.Servers()
	var to Candidate
	if s, ok := c.pick(all.InService); ok {
		to, c.auto = s, selectedInService
	} else if !all.Anycast.IsUnspecified() {
		to = Candidate{IP: all.Anycast, Port: AnycastPort}
		again = c.auto != selectedAnycast || c.sequence != all.Sequence
		c.auto, c.sequence = selectedAnycast, all.Sequence
	} else if s, ok := c.pick(all.InServer); ok {
		to, c.auto = s, selectedInServer
	}
	if c.state != stopped {
		if c.server == to.IP && c.port == to.Port && !again {
			return
		}
		c.stopSelected(now, false)
	}
	if to.IP.IsUnspecified() {
		if c.AutoSelected() {
			c.auto = reselecting
		}
		return
	}
	switch {
	case was == firstSelecting && now < c.guard:
		c.requestJitter(now, rebootJitter)
	case was != autoDisabled:
		c.requestJitter(now, longJitter)
	}
	c.startSelected(now, to)
}

func (c *Client) stopSelected(now machine.Time, keepRetry bool) {
	if c.state != stopped {
		c.stop(now, keepRetry)
		c.env.Selected(now, ip6.Address{})
	}
}

func (c *Client) startSelected(now machine.Time, s Candidate) {
	if c.start(now, s.IP, s.Port) == nil {
		c.env.Selected(now, s.IP)
	}
}

// Best returns the server with the greatest version and then the smallest address.
func Best(list []Candidate) (best Candidate, ok bool) {
	for _, s := range list {
		if !ok || s.Version > best.Version || s.Version == best.Version && slices.Compare(s.IP[:], best.IP[:]) < 0 {
			best, ok = s, true
		}
	}
	return best, ok
}

// pick returns the server that the client has, or had before its restart, else the best one.
func (c *Client) pick(list []Candidate) (Candidate, bool) {
	var saved []byte
	if c.state == stopped {
		saved = c.env.Setting(SettingServer)
	}
	for _, s := range list {
		if c.AutoSelected() && s.IP == c.server && s.Port == c.port || saved != nil && bytes.Equal(saved, s.encode()) {
			return s, true
		}
	}
	return Best(list)
}

func (s *Candidate) encode() []byte {
	return binary.BigEndian.AppendUint16(slices.Clone(s.IP[:]), s.Port)
}

// saveServer remembers a server that has accepted the host.
func (c *Client) saveServer() {
	switch c.auto {
	case selectedInService, selectedInServer:
		s := Candidate{IP: c.server, Port: c.port}
		c.env.StoreSetting(SettingServer, s.encode())
	case selectedAnycast:
		c.env.StoreSetting(SettingServer, nil)
	}
}

// selectNext goes to the server behind the one that does not answer, or refuses, unless the host is registered there.
func (c *Client) selectNext(now machine.Time) {
	all := c.env.Servers()
	list := all.InServer
	switch {
	case c.state == stopped || c.host.State != Adding && c.host.State != ToAdd:
		return
	case c.auto == selectedInService:
		list = all.InService
	case c.auto != selectedInServer:
		return
	}
	i := slices.IndexFunc(list, func(s Candidate) bool { return s.IP == c.server && s.Port == c.port })
	if i < 0 || len(list) == 1 {
		return
	}
	next := list[(i+1)%len(list)]
	c.host.State = ToAdd
	c.stopSelected(now, true)
	c.startSelected(now, next)
}
