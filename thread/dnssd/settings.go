package dnssd

import (
	"time"

	"heddle.example/thread/ip6"
)

// Settings say how to ask. Fields that are zero are those of Default, or of the client's own settings for one query.
type Settings struct {
	Server      ip6.Address
	Port        uint16
	Timeout     time.Duration
	Attempts    uint8
	Recursion   Choice
	ServiceMode ServiceMode
	NAT64       Choice
}

// ServiceMode says which records of a service are asked for (otDnsServiceMode).
type ServiceMode uint8

// The modes. Optimized asks for both in one message, and in two if that does not work.
const (
	UnsetMode ServiceMode = iota
	SRV
	TXT
	SRVAndTXT
	Separate
	Optimized
)

// Choice is yes, no, or left to others.
type Choice uint8

// The values of a Choice.
const (
	Unset Choice = iota
	Yes
	No
)

// Default is what is used where nothing else is said (OpenThread's config/dns_client.h).
var Default = Settings{Server: ip6.MustParse("2001:4860:4860::8888"), Port: 53, Timeout: 7 * time.Second, Attempts: 3, Recursion: Yes,
	ServiceMode: Optimized, NAT64: Yes}

// Or returns the settings with those of o where they are zero.
func (s Settings) Or(o Settings) Settings {
	if s.Server.IsUnspecified() {
		s.Server = o.Server
	}
	if s.Port == 0 {
		s.Port = o.Port
	}
	if s.Timeout == 0 {
		s.Timeout = o.Timeout
	}
	if s.Attempts == 0 {
		s.Attempts = o.Attempts
	}
	if s.Recursion == Unset {
		s.Recursion = o.Recursion
	}
	if s.ServiceMode == UnsetMode {
		s.ServiceMode = o.ServiceMode
	}
	if s.NAT64 == Unset {
		s.NAT64 = o.NAT64
	}
	return s
}

// Settings returns what is used where a query says nothing else.
func (c *Client) Settings() Settings { return c.own }

// SetSettings changes it; zero fields are set to the default.
func (c *Client) SetSettings(s Settings) {
	c.chosen = !s.Server.IsUnspecified()
	c.own = s.Or(Default)
	c.SetAutoServer(c.auto)
}

// SetAutoServer says which server was found in the network; it is used unless the user has named another one.
func (c *Client) SetAutoServer(a ip6.Address) {
	c.auto = a
	if !c.chosen && !a.IsUnspecified() {
		c.own.Server = a
	}
}

// Server returns the server that is asked, and whether the user has named it.
func (c *Client) Server() (a ip6.Address, chosen bool) { return c.own.Server, c.chosen }

// maxLimited is how many servers are remembered that cannot answer two questions in one message.
const maxLimited = 3

func (c *Client) limited(a ip6.Address) int {
	for i, l := range c.poor {
		if l == a {
			return i
		}
	}
	return -1
}

// noteLimited remembers that a server answers one question at a time only, or that it does better.
func (c *Client) noteLimited(a ip6.Address, is bool) {
	i := c.limited(a)
	switch {
	case !is && i >= 0:
		c.poor = append(c.poor[:i], c.poor[i+1:]...)
	case is && i < 0 && len(c.poor) == maxLimited:
		c.poor = append(c.poor[1:], a)
	case is && i < 0:
		c.poor = append(c.poor, a)
	}
}
