package client

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"heddle.example/dtls"
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// Account is one LwM2M server, or the bootstrap server: what instances of objects 0 and 1 say about it.
type Account struct {
	// Bootstrap makes it the account of the bootstrap server, of which there is at most one. Of the rest, what concerns
	// registration does not count for it.
	Bootstrap bool

	// The instances of objects 0 and 1. Where New finds a number taken, it takes the next free one.
	SecurityInstance, ServerInstance uint16

	ShortID  uint16 // 1 to 65534; 0 for a bootstrap server
	URI      string // coap://host[:port] or coaps://host[:port]
	Identity string // resource 3: PSK identity; RPK: the device's public key ("": that of Key); X509: its certificate, or several behind each other
	Key      []byte // resource 5: PSK; else the device's private key (PKCS #8); never readable by any server, never logged
	SNI      string // resource 14 of the Security object; "": the host of the URI

	// Mode is resource 2 of a coaps account: PSK (also where it is not set), RPK or X509. Keys and certificates are DER, public
	// keys SubjectPublicKeyInfo.
	Mode             machine.SecurityKind
	ServerKey        []byte        // resource 4: RPK: the server's public key; X509: the certificate, or its hash, that CertificateUsage is about
	CertificateUsage *dtls.Usage   // resource 15; nil: DomainIssued
	MatchingType     dtls.Matching // resource 13

	Suites []dtls.Suite // resource 16: the only cipher suites to offer, in this order; nil: those of Config.DTLS

	Lifetime       time.Duration // of the registration: default 24 h; negative: without end (resource 1 is 0)
	MinPeriod      time.Duration // resource 2: pmin where no attribute says otherwise
	MaxPeriod      time.Duration // resource 3: pmax where no attribute says otherwise
	DisableTimeout time.Duration // resource 5: default 24 h
	Storing        bool          // resource 6
	Unmuted        bool          // resource 23 is false, so that Send may be used; else it is not there, which mutes Send

	Priority     uint32        // resource 13: lower ones register first, one after the other; 0: at once
	InitialDelay time.Duration // resource 14
	FailureBlock bool          // resource 15: later priorities wait until this one is registered
	Retry        *RetryPolicy  // resources 17 to 20; nil: DefaultRetry

	// NoBootstrapOnFailure is resource 16 set to false: a failed registration never leads to bootstrap. Without a bootstrap
	// account it never does so anyway.
	NoBootstrapOnFailure bool

	HoldOff        time.Duration // resource 11 of the Security object: how long to wait before a bootstrap
	AccountTimeout time.Duration // resource 12: the bootstrap account is purged so long after a bootstrap; 0: never

	given resourceSet // resources of the Server object that are there although their field is zero, or a default
}

// resourceSet is a set of the Server object's resources; their identifiers are below 32.
type resourceSet uint32

func (s resourceSet) has(r uint16) bool { return s&(1<<r) != 0 }
func (s *resourceSet) add(r uint16)     { *s |= 1 << r }

// DefaultLifetime is the lifetime of a registration where nothing else is said (6.2.1).
const DefaultLifetime = 24 * time.Hour

// phase is where an account is in its life cycle.
type phase uint8

const (
	idle          phase = iota
	waiting             // until the account's timer fires
	queued              // until the account before it, by priority, is done
	resolving           // the name
	connecting          // DTLS handshake
	registering         // Register is under way
	registered          // and nothing is under way
	updating            // Update is under way
	deregistering       // Deregister is under way
	resting             // 1/x/4 was executed; the timer ends it

	holding    // a bootstrap is due once the hold-off time is over
	requesting // Bootstrap-Request is under way
	bootstrapping
	lingering // the bootstrap is over; the session still answers repeated requests
	vacant    // no account: the slot can be used again
)

// dirt is what the next Update has to say.
type dirt uint8

const (
	dirtLifetime dirt = 1 << iota
	dirtBinding
	dirtObjects
	dirtForced // nothing changed, but an Update was asked for
)

// account is a server's account at run time.
type account struct {
	Account
	host   string // without brackets
	addr   netip.Addr
	port   uint16
	secure bool
	proof  *proof // RPK and X509

	phase     phase
	failed    bool // the last attempt
	finished  bool // a bootstrap account: the last bootstrap
	leaving   bool // deregisters because a bootstrap took the account away
	disabling bool // deregister and stay away, once the answer to 1/x/4 has left
	dirty     dirt
	told      dirt          // what the Update under way says
	version   lwm2m.Version // offered, and then in force
	binding   lwm2m.Binding
	mute      bool // 1/x/23
	hasMute   bool
	timer     machine.TimerID
	op        machine.OpID // under way
	retry     retryState
	addrs     []netip.Addr // what the name resolved to
	next      int          // index of the address to try
	path      machine.Path
	session   uint64
	restored  bool   // the session is from before a restart, and has not been answered on yet
	proved    string // proofSum of who made it
	connected machine.Time
	resume    resumption
	location  string // "/rd/ID", without the leading slash of the URI: "rd/ID"; "" when not registered
	expires   machine.Time
	disabled  machine.Time // until then, because of 1/x/4; 0: not

	stored, storedAttributes string // the records as they were persisted last
}

// errURI is wrapped by errors about an account's URI.
var errURI = errors.New("lwm2m client: server URI must be coap://host[:port] or coaps://host[:port]")

// newAccount checks an account.
func newAccount(a Account) (account, error) {
	u, err := url.Parse(a.URI)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Path != "" && u.Path != "/" {
		return account{}, fmt.Errorf("%w, not %.64q", errURI, a.URI)
	}
	r := account{Account: a, host: u.Hostname(), phase: idle, expires: machine.Never}
	r.given, r.hasMute = a.givenByConfig(), a.Unmuted
	switch u.Scheme {
	case "coap":
		r.port = 5683
	case "coaps":
		r.port, r.secure = 5684, true
	default:
		return account{}, fmt.Errorf("%w, not %.64q", errURI, a.URI)
	}
	if p := u.Port(); p != "" {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return account{}, fmt.Errorf("%w: port %.16q", errURI, p)
		}
		r.port = uint16(n)
	}
	if r.host == "" {
		return account{}, fmt.Errorf("%w, not %.64q", errURI, a.URI)
	}
	r.addr, _ = netip.ParseAddr(r.host)
	if a.Bootstrap {
		r.ShortID = 0
	} else if a.ShortID == 0 || a.ShortID == lwm2m.NoID {
		return account{}, fmt.Errorf("lwm2m client: Short Server ID %d is not in 1 to 65534", a.ShortID)
	}
	if err := r.prepare(); err != nil {
		return account{}, err
	}
	if r.Lifetime == 0 {
		r.Lifetime = DefaultLifetime
	}
	if r.DisableTimeout == 0 {
		r.DisableTimeout = 24 * time.Hour
	}
	return r, nil
}

// ServerURI returns the URI of a server at a host (a name, or an address with or without brackets) and port.
func ServerURI(secure bool, host string, port uint16) string {
	scheme := "coap://"
	if secure {
		scheme = "coaps://"
	}
	if len(host) > 1 && host[0] == '[' && host[len(host)-1] == ']' {
		host = host[1 : len(host)-1]
	}
	return scheme + net.JoinHostPort(host, strconv.Itoa(int(port)))
}

func (a *account) policy() RetryPolicy {
	if a.Retry != nil {
		return *a.Retry
	}
	return DefaultRetry
}

// lifetimeSeconds is resource 1, and the lt parameter; 0 is without end.
func (a *account) lifetimeSeconds() int64 {
	if a.Lifetime < 0 {
		return 0
	}
	return int64(a.Lifetime / time.Second)
}

// updateAfter says how long after a registration or an Update the next Update is due: early enough that an Update can
// be given up (93 s, MAX_TRANSMIT_WAIT of RFC 7252 section 4.8.2) and a new Register still arrives in time, but not
// before half of a short lifetime.
func (a *account) updateAfter() time.Duration {
	if a.Lifetime < 0 {
		return -1
	}
	return a.Lifetime - min(a.Lifetime/2, 103*time.Second)
}

// active reports whether the account has a path to its server that can be used.
func (a *account) active() bool { return a.phase >= registering && a.phase <= deregistering }

// ordered reports whether the account has a place in the order of registrations (resource 13).
func (a *account) ordered() bool { return a.Priority > 0 || a.given.has(serverPriority) }

// asks reports whether a request of ours may be under way at the server.
func (a *account) asks() bool {
	switch a.phase {
	case registering, updating, deregistering, requesting, bootstrapping:
		return true
	}
	return false
}

// serves reports whether the account is one of a server to register with.
func (a *account) serves() bool { return !a.Bootstrap && !a.leaving && a.phase != vacant }

// status says how the registration stands, in the words of lwlist.
func (a *account) status() Status {
	switch a.phase {
	case registered:
		return StatusRegistered
	case updating:
		return StatusUpdatePending
	case deregistering:
		return StatusDeregistrationPending
	case resolving, connecting, registering:
		return StatusRegistrationPending
	case waiting, queued:
		if a.failed {
			return StatusRegistrationFailed
		}
	}
	return StatusDeregistered
}
