package srp

import (
	"crypto/ecdsa"
	"slices"
	"strings"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
)

// ClientEnv is what a Client needs of its node.
type ClientEnv interface {
	// OpenClient opens the client's socket, CloseClient closes it, SendUpdate sends from it; Receive takes answers.
	OpenClient(server ip6.Address, port uint16) error
	CloseClient()
	SendUpdate(now machine.Time, server ip6.Address, port uint16, b []byte) error
	Attached() bool
	// Poll polls fast, because an answer is expected; with n 0 no longer.
	Poll(now machine.Time, n uint8)
	// Addresses are those of the node but link-local and mesh-local ones, and its mesh-local identifier.
	Addresses() (others []OwnAddress, meshLocal ip6.Address)
	// Servers are those in the network data.
	Servers() Servers
	// Selected says which server was chosen in the network data; unspecified: none is any more.
	Selected(now machine.Time, server ip6.Address)
	// Setting and StoreSetting keep the client's key and its server over a restart.
	Setting(name string) []byte
	StoreSetting(name string, value []byte)
	Updated(now machine.Time, u *Update)
}

// OwnAddress is an address of the node.
type OwnAddress struct {
	IP               ip6.Address
	Preferred, Valid bool
	SLAAC            bool
}

// Settings of the client.
const (
	SettingKey    = "srpkey"
	SettingServer = "srpserver"
)

// The limits and times of the client (srp_client.hpp, config/srp_client.h).
const (
	maxServices        = 20
	maxHostAddresses   = 10
	maxHostName        = 63
	maxInstance        = 63
	maxServiceName     = 95
	maxSubtypes        = 5
	MaxText            = 64
	defaultLease       = 2 * 3600
	defaultKeyLease    = 14 * 24 * 3600
	renewGuard         = 120 // s
	renewJitter        = 15 * time.Second
	minJitter          = 10 * millisecond
	defaultJitter      = 500 * millisecond
	rebootJitter       = 700 * millisecond
	longJitter         = 10 * time.Second
	attachGuard        = time.Second
	quickRetry         = 250 * millisecond
	quickRetryJitter   = 10 * millisecond
	maxQuickRetries    = 8
	minRetry           = 1800 * millisecond
	maxRetry           = time.Hour
	retryJitter        = 500 * millisecond
	maxTimeouts        = 3 // in a row, before another server is tried
	pollsAfterUpdate   = 11
	earlyRenewFraction = 2
)

type clientState uint8

const (
	stopped clientState = iota
	paused
	toUpdate
	updating
	updated
	toRetry
)

// Client registers the node's host and services with a server.
type Client struct {
	env  ClientEnv
	rand machine.Rand
	key  *ecdsa.PrivateKey

	state     clientState
	at        machine.Time // of the timer
	server    ip6.Address
	port      uint16
	host      Host
	services  []*Service // the newest first
	id        uint16
	quick     int // retries of a message that could not be sent
	retry     time.Duration
	timeouts  int
	dropKey   bool // the host is removed with its key
	renew     machine.Time
	ttl       uint32
	leases    [2]uint32 // defaults: lease and key lease
	lease     uint32    // of the message under way
	keyLease  uint32
	keyRecord bool // services have a KEY record, for tests

	jitter   time.Duration // asked for
	jitterAt machine.Time  // when
	auto     autoState
	sequence uint8        // of the anycast server
	guard    machine.Time // until then the node has just attached

	registered []ip6.Address // of the node, in the latest message
	slaac      []ip6.Address
}

// NewClient returns a client that is stopped, and starts itself where auto is set.
func NewClient(env ClientEnv, rand machine.Rand, auto bool) *Client {
	c := &Client{env: env, rand: rand, at: machine.Never, retry: minRetry,
		leases: [2]uint32{defaultLease, defaultKeyLease}, host: Host{State: Removed}}
	if auto {
		c.auto = firstSelecting
	}
	return c
}

// Running reports whether a server was chosen, by the user or by itself.
func (c *Client) Running() bool { return c.state != stopped }

// Server returns the server, or an unspecified address.
func (c *Client) Server() (ip6.Address, uint16) { return c.server, c.port }

// Host returns the host.
func (c *Client) Host() Host { return c.host }

// Services returns the services, the newest first.
func (c *Client) Services() (list []Service) {
	for _, s := range c.services {
		list = append(list, *s)
	}
	return list
}

// Leases returns the lease and the key lease that are asked for, in seconds.
func (c *Client) Leases() (lease, keyLease uint32) { return c.leases[0], c.leases[1] }

// SetLease and SetKeyLease change them; 0 is the default.
func (c *Client) SetLease(s uint32) { c.leases[0] = interval(s, defaultLease) }

// SetKeyLease changes the key lease.
func (c *Client) SetKeyLease(s uint32) { c.leases[1] = interval(s, defaultKeyLease) }

// TTL returns that of the records; 0: the lease.
func (c *Client) TTL() uint32 { return c.ttl }

// SetTTL changes it.
func (c *Client) SetTTL(s uint32) { c.ttl = s }

// KeyRecord reports whether services have a KEY record.
func (c *Client) KeyRecord() bool { return c.keyRecord }

// SetKeyRecord says whether they have one.
func (c *Client) SetKeyRecord(on bool) { c.keyRecord = on }

func interval(s, or uint32) uint32 {
	if s == unsetSeconds {
		s = or
	}
	return min(s, maxLease)
}

// Start chooses a server.
func (c *Client) Start(now machine.Time, server ip6.Address, port uint16) error {
	if c.state != stopped {
		if server == c.server && port == c.port {
			return nil
		}
		return status.Busy
	}
	return c.start(now, server, port)
}

func (c *Client) start(now machine.Time, server ip6.Address, port uint16) error {
	if err := c.env.OpenClient(server, port); err != nil {
		return err
	}
	c.server, c.port = server, port
	c.setState(now, updated)
	c.update(now)
	return nil
}

// Stop stops the client, which does not start by itself any more.
func (c *Client) Stop(now machine.Time) {
	c.stop(now, false)
	c.auto = autoDisabled
}

func (c *Client) stop(now machine.Time, keepRetry bool) {
	if c.state == stopped {
		return
	}
	c.change(&onStop, false)
	c.env.CloseClient()
	c.server, c.port = ip6.Address{}, 0
	c.dropKey, c.quick = false, 0
	if !keepRetry {
		c.retry = minRetry
	}
	c.setState(now, stopped)
	c.timeouts = 0
}

// SetHostName names the host, unless it is registered.
func (c *Client) SetHostName(now machine.Time, name string) error {
	if name == "" || len(name) > maxHostName {
		return status.InvalidArgs
	}
	if c.host.State != ToAdd && c.host.State != Removed {
		return status.InvalidState
	}
	c.host.Name, c.host.State = name, ToAdd
	c.update(now)
	return nil
}

// SetHostAddresses says which addresses the host has.
func (c *Client) SetHostAddresses(now machine.Time, list []ip6.Address) error {
	switch {
	case len(list) > maxHostAddresses:
		return status.NoBufs
	case len(list) == 0:
		return status.InvalidArgs
	}
	if err := c.addressesChange(); err != nil {
		return err
	}
	c.host.Addresses, c.host.Auto = slices.Clone(list), false
	c.update(now)
	return nil
}

// EnableAutoAddress has the host keep the addresses of the node.
func (c *Client) EnableAutoAddress(now machine.Time) error {
	if c.host.Auto {
		return nil
	}
	if err := c.addressesChange(); err != nil {
		return err
	}
	c.host.Auto, c.host.Addresses, c.registered = true, nil, nil
	c.update(now)
	return nil
}

func (c *Client) addressesChange() error {
	switch c.host.State {
	case ToRemove, Removing:
		return status.InvalidState
	case Removed, ToAdd:
		c.host.State = ToAdd
	default:
		c.host.State = ToRefresh
	}
	return nil
}

func (c *Client) find(instance, name string) *Service {
	for _, s := range c.services {
		if s.Instance == instance && s.Name == name {
			return s
		}
	}
	return nil
}

// AddService registers a service.
func (c *Client) AddService(now machine.Time, s Service) error {
	switch {
	case len(c.services) >= maxServices || len(s.Subtypes) > maxSubtypes:
		return status.NoBufs
	case s.Instance == "" || s.Name == "" || len(s.Instance) > maxInstance || len(s.Name)+len(strings.Join(s.Subtypes, ","))+min(1, len(s.Subtypes)) > maxServiceName || len(s.Text) > MaxText:
		return status.InvalidArgs
	case c.find(s.Instance, s.Name) != nil:
		return status.Already
	}
	n := s
	n.Lease, n.KeyLease = min(s.Lease, maxLease), min(s.KeyLease, maxLease)
	n.State, n.renew, n.appended = ToAdd, 0, false
	n.Text, n.Subtypes = slices.Clone(s.Text), slices.Clone(s.Subtypes)
	c.services = append([]*Service{&n}, c.services...)
	c.update(now)
	return nil
}

// RemoveService ends the registration of a service.
func (c *Client) RemoveService(now machine.Time, instance, name string) error {
	s := c.find(instance, name)
	if s == nil {
		return status.NotFound
	}
	s.remove()
	c.update(now)
	return nil
}

func (s *Service) remove() {
	if s.State != Removing {
		s.State = ToRemove
	}
}

// ClearService forgets a service, and tells the server nothing.
func (c *Client) ClearService(now machine.Time, instance, name string) error {
	s := c.find(instance, name)
	if s == nil {
		return status.NotFound
	}
	c.services = slices.DeleteFunc(c.services, func(o *Service) bool { return o == s })
	c.update(now)
	return nil
}

// RemoveHost ends the registration of the host and of all services: with dropKey the name is free for others. With always the
// server is told even though nothing was registered yet.
func (c *Client) RemoveHost(now machine.Time, dropKey, always bool) error {
	switch c.host.State {
	case Removed:
		return status.Already
	case ToRemove, Removing:
		if c.dropKey == dropKey {
			return nil
		}
	}
	c.dropKey = dropKey
	for _, s := range c.services {
		s.remove()
	}
	if c.host.State == ToAdd && !always {
		c.host.State = Removed
		c.done(now)
		return nil
	}
	c.host.State = ToRemove
	c.update(now)
	return nil
}

// ClearHost forgets the host and all services, and tells the server nothing.
func (c *Client) ClearHost(now machine.Time) {
	if c.state != stopped && c.state != paused {
		c.setState(now, updated)
	}
	c.quick, c.retry = 0, minRetry
	c.services, c.host, c.registered = nil, Host{State: Removed}, nil
}
