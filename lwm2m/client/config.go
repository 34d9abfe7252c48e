package client

import (
	"cmp"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"heddle.example/coap/endpoint"
	"heddle.example/coap/stack"
	"heddle.example/dtls"
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// Config says what a client is. Endpoint, Rand and at least one server are needed.
type Config struct {
	Nest *machine.Nest // nil where the client is the outermost machine
	Rand machine.Rand

	Endpoint string // the endpoint name (ep)
	Servers  []Account
	Objects  []Object // besides 0 and 1, which the client makes of Servers
	// AccessControl gives the device object 2, and enforces it where there are several servers; Access are its instances.
	AccessControl bool
	Access        []AccessControl

	Version lwm2m.Version  // the newest one to offer: default 1.1
	Binding lwm2m.Binding  // default U
	Queue   bool           // queue mode: the client sleeps when it has sent nothing for the time Awake
	Awake   time.Duration  // default 93 s; negative: the client asks for queue mode and listens all the same
	Root    string         // alternate root path, such as "/lwm2m"; default none
	Local   netip.AddrPort // where the first datagrams leave from
	Link    uint32         // the driver's number of the socket
	Durable bool           // emit Persist actions, for Restore after a restart

	Roots      *x509.CertPool // authorities for servers with certificates, where an account's usage asks for them (0 and 1)
	NoCalendar bool           // the device has no clock: dates in certificates are not looked at

	MaxObservations int // default 64; more are answered without an observation
	MaxAttributes   int // paths with attributes: default 64; more are refused

	CoAP endpoint.Config // timing and limits; Nest and Rand are set by the client
	DTLS dtls.Config     // likewise; used where an account is coaps
	// Tap sees every CoAP datagram in plaintext, and may give what goes out another cause: see stack.Config.
	Tap func(d stack.Direction, cause machine.Cause, path machine.Path, datagram []byte) machine.Cause
}

// settings is what a client keeps of its Config: clients come in tens of thousands.
type settings struct {
	Rand            machine.Rand
	Endpoint        string
	Version         lwm2m.Version
	Binding         lwm2m.Binding
	Queue, Durable  bool
	Local           netip.AddrPort
	Link            uint32
	MaxObservations int
	MaxAttributes   int
	Roots           *x509.CertPool
	NoCalendar      bool
}

// New returns a client that waits for Start.
func New(cfg Config) (*Client, error) {
	switch {
	case cfg.Rand == nil:
		return nil, errors.New("lwm2m client: Config.Rand is missing: give the driver's random source")
	case len(cfg.Servers) == 0:
		return nil, errors.New("lwm2m client: Config.Servers is empty: give at least one account, of a server or a bootstrap server")
	case cfg.Root != "" && (cfg.Root[0] != '/' || strings.ContainsAny(cfg.Root, "<>?,; ")):
		return nil, fmt.Errorf("lwm2m client: root path %.64q must be like /lwm2m", cfg.Root)
	}
	if cfg.Version.IsZero() {
		cfg.Version = lwm2m.V1_1
	}
	c := &Client{out: machine.NewOutbox(cfg.Nest), root: strings.TrimRight(cfg.Root, "/"), cfg: settings{
		Rand: cfg.Rand, Endpoint: cfg.Endpoint, Version: cfg.Version, Binding: cmp.Or(cfg.Binding, lwm2m.BindingUDP),
		Queue: cfg.Queue, Durable: cfg.Durable, Local: cfg.Local, Link: cfg.Link,
		MaxObservations: cmp.Or(cfg.MaxObservations, 64), MaxAttributes: cmp.Or(cfg.MaxAttributes, 64),
		Roots: cfg.Roots, NoCalendar: cfg.NoCalendar,
	}}
	if c.cfg.Queue && cfg.Awake >= 0 {
		c.sleep.window = cmp.Or(cfg.Awake, DefaultAwake)
	}
	if err := c.addAccounts(cfg.Servers); err != nil {
		return nil, err
	}
	c.factory = fingerprint(c.accounts)
	c.acting = -1
	own := []Object{security{c}, server{c}}
	if cfg.AccessControl || len(cfg.Access) > 0 {
		c.access = newAccess(c, cfg.Access)
		own = append(own, c.access)
	}
	for _, o := range append(own, cfg.Objects...) {
		if err := c.insert(o); err != nil {
			return nil, err
		}
	}
	cfg.CoAP.Streams = c.streams
	sc := stack.Config{Nest: c.out.Nest(), Rand: cfg.Rand, Endpoint: cfg.CoAP, Tap: cfg.Tap}
	if n := c.secureAccounts(); n > 0 {
		d := cfg.DTLS
		d.Durable = cfg.Durable
		// A session and its successor for each server: what is not used is not reserved.
		d.MaxSessions = cmp.Or(d.MaxSessions, 2*n+2)
		d.MaxHandshakes = cmp.Or(d.MaxHandshakes, 2*n+2)
		d.CipherCache = cmp.Or(d.CipherCache, 2*n+2)
		sc.DTLS = &d
	}
	c.stack = stack.New(sc)
	return c, nil
}
