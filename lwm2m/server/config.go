package server

import (
	"crypto/x509"
	"net/netip"
	"time"

	"heddle.example/coap/endpoint"
	"heddle.example/dtls"
	"heddle.example/lwm2m/registry"
	"heddle.example/machine"
)

// Unknown says what becomes of an endpoint that has no credentials and comes over plain CoAP.
type Unknown uint8

// The policies for unknown endpoints. DTLS takes known identities only, whatever the policy.
const (
	RefuseUnknown Unknown = iota
	AcceptUnknown
)

// Credential binds an endpoint to the identity that it must prove.
type Credential struct {
	Endpoint string
	Identity string // PSK identity; dtls.KeyName of a raw public key; the name in a certificate
	Key      []byte // PSK, never logged; a raw public key as SubjectPublicKeyInfo; of a certificate none
	Mode     machine.SecurityKind
}

// Credentials looks up who may register as what. The look-ups are called by the server's owner, in the middle of an
// input: they must answer at once.
type Credentials interface {
	ByIdentity(identity []byte) (Credential, bool)
	ByEndpoint(endpoint string) (Credential, bool)
}

// Config is what a Server is made of. Zero values take the defaults; only Rand is required.
type Config struct {
	Nest        *machine.Nest
	Rand        machine.Rand
	Shard       uint8
	Endpoint    endpoint.Config                 // limits and timers of the CoAP layer
	DTLS        *dtls.Config                    // nil: plain CoAP only; what is not set is set for a server with Credentials
	Secure      func(local netip.AddrPort) bool // which local addresses speak DTLS
	Registry    *registry.Registry              // nil: the built-in one
	Credentials Credentials                     // nil: no endpoint has credentials
	Directory   Directory                       // of all shards; nil: this one is the only shard
	Unknown     Unknown
	// Roots are the authorities whose certificates devices prove themselves with. Nil: none. The name in such a certificate is
	// an identity of Credentials; with Certified it may also be an endpoint that has no credentials.
	Roots     *x509.CertPool
	Certified bool
	Limits    Limits
	History   bool // observed values are kept: records of HistoryTable

	// Files is the first segment of the paths below which the program has files for devices, such as "fw": each request
	// for one is a FileRequest. Empty: none.
	Files string

	// Tap, where set, sees every CoAP message in plaintext, before it is sealed or after it was opened; b is borrowed.
	Tap func(now machine.Time, out bool, path machine.Path, b []byte)

	// RequestTimeout bounds an operation that names no time-out of its own. Default: 93 s (MAX_TRANSMIT_WAIT, RFC 7252
	// section 4.8.2).
	RequestTimeout time.Duration
	// AwakeWindow is how long a device in queue mode listens after each of its messages. Default: 93 s.
	AwakeWindow time.Duration
	// QueueExpiry is how long a request is kept for a sleeping device that names no time of its own. Default: 7 days.
	QueueExpiry time.Duration
	// ResultsKept is how long the result of a kept request is known. Default: 24 h.
	ResultsKept time.Duration
	// ExpiryGrace is how long after its lifetime a registration is kept, for the Update that is on its way. Default: 10 s.
	ExpiryGrace time.Duration
	// ObservationFlush is how long the order of a notification may wait before it is written. Default: 1 s.
	ObservationFlush time.Duration
}

// Limits bounds everything that a peer can make grow. Zero values take the defaults.
type Limits struct {
	Registrations         int // registrations of this shard; default 1,000,000
	Payload               int // bytes of object links in a registration; default 16 KiB
	Endpoint              int // bytes of an endpoint name; default 192
	Params                int // bytes of a registration's unknown parameters; default 256
	LinkBytes             int // bytes of all object links, shared ones once; default 512 MiB
	SharedLinks           int // distinct lists of object links kept for sharing; default 4,096
	ObservationsPerClient int // default 128
	Observations          int // of this shard, those of absent endpoints included; default 1,000,000
	OperationsPerClient   int // operations under way towards one endpoint; default 64
	Operations            int // operations under way in this shard; default 65,536
	Entries               int // values in one answer of a device; default 10,000
	Paths                 int // paths in a composite operation; default 256
	QueuePerClient        int // requests that wait for one endpoint; default 1,024
	QueueBytesPerClient   int // their bytes; default 4 MiB
	Queue                 int // requests that wait in this shard; default 2,000,000
	QueueBytes            int // their bytes; default 512 MiB
	Results               int // results of kept requests; default 100,000
	ResultBytes           int // their bytes; default 64 MiB
}

func (l *Limits) setDefaults() {
	for _, d := range []struct {
		v *int
		d int
	}{
		{&l.Registrations, 1_000_000}, {&l.Payload, 16 << 10}, {&l.Endpoint, 192}, {&l.Params, 256},
		{&l.LinkBytes, 512 << 20}, {&l.SharedLinks, 4096}, {&l.ObservationsPerClient, 128}, {&l.Observations, 1_000_000},
		{&l.OperationsPerClient, 64}, {&l.Operations, 65536}, {&l.Entries, 10_000}, {&l.Paths, 256},
		{&l.QueuePerClient, 1024}, {&l.QueueBytesPerClient, 4 << 20}, {&l.Queue, 2_000_000}, {&l.QueueBytes, 512 << 20},
		{&l.Results, 100_000}, {&l.ResultBytes, 64 << 20},
	} {
		if *d.v <= 0 {
			*d.v = d.d
		}
	}
}

func (c *Config) setDefaults() {
	c.Limits.setDefaults()
	if c.Registry == nil {
		c.Registry = registry.Builtin()
	}
	if c.RequestTimeout <= 0 {
		c.RequestTimeout = 93 * time.Second
	}
	if c.AwakeWindow <= 0 {
		c.AwakeWindow = DefaultAwakeWindow
	}
	if c.QueueExpiry <= 0 {
		c.QueueExpiry = defaultQueueExpiry
	}
	if c.ResultsKept <= 0 {
		c.ResultsKept = defaultResultsKept
	}
	if c.ExpiryGrace <= 0 {
		c.ExpiryGrace = 10 * time.Second
	}
	if c.ObservationFlush <= 0 {
		c.ObservationFlush = time.Second
	}
}
