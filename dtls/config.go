package dtls

import (
	"errors"
	"fmt"
	"time"

	"heddle.example/machine"
)

// SessionTable is the table of durable sessions. Only this package encodes and decodes its records.
const SessionTable machine.Table = "dtls.session"

// Config says what an Engine may do. The zero value of a field means its default.
type Config struct {
	Nest *machine.Nest
	Rand machine.Rand

	// Suites are the cipher suites to offer and accept. A client offers them in this order; a server follows the
	// client's order, because the device knows best what it can afford. Nil means all secure ones.
	Suites []Suite

	// AllowCBC lets PSKWithAES128CBC be used, for devices that have nothing better. With Suites nil it is offered last. A
	// server takes it only from a client that offers no other suite that it knows.
	AllowCBC bool

	// PSK looks up the key of an identity that a client claims. Nil refuses all clients. It must take about the same
	// time for known and unknown identities.
	PSK func(identity []byte) (key []byte, ok bool)

	// Certificate returns what a server proves itself with to a client that asks for a name (none: ""), for the suites
	// ECDHE_ECDSA. Nil, and a nil answer, refuse those suites.
	Certificate func(serverName string) *Certificate
	// Verify decides about a client of such a suite, whose private key is proved already, and names it: Trust.Verify, Anyone,
	// or what looks its name up. It is asked again when the client resumes its session.
	Verify func(p *Peer) (name string, err error)
	// ClientAuth says whether clients of such a suite have to show a certificate or a raw public key.
	ClientAuth ClientAuth

	// JPAKE returns the password of whoever is at the far end of a path, for ECJPAKEWithAES128CCM8. Nil refuses that suite.
	JPAKE func(path machine.Path) (password []byte, ok bool)
	// NewPAKE makes one side of EC-JPAKE: ecjpake.New. That suite needs it.
	NewPAKE func(client bool, password []byte) PAKE

	CIDLen       int  // length of our own connection IDs: 8, the session number (servers), or 0, none (most clients)
	CIDFirst     byte // first byte of our connection IDs and session numbers: the shard
	DisableCID   bool // do not negotiate connection IDs at all
	DisableDraft bool // do not accept the connection ID extension of the drafts (type 53, Californium 2)
	DisableRRC   bool // do not negotiate return routability checks (RFC 9853)
	DisableEMS   bool // do not negotiate the extended master secret (RFC 7627); for tests of old peers

	MTU               int           // largest datagram of a handshake flight: 1,232
	MaxFragment       int           // offer max_fragment_length as a client: 512, 1,024, 2,048, 4,096; 0 does not
	RetransmitInitial time.Duration // first retransmission time-out: 1 s
	RetransmitMax     time.Duration // largest retransmission time-out: 60 s
	Retransmissions   int           // a flight is repeated this often before the handshake fails: 6

	MaxSessions    int           // then the one longest silent ends: 1,048,576
	MaxHandshakes  int           // then the oldest one ends: 4,096
	MaxResumable   int           // sessions that a server can resume by their id: 4,096; negative: none
	ResumeLifetime time.Duration // how long a session may be resumed: 24 h (RFC 5246 F.1.4)
	SessionIdleMax time.Duration // a session silent for so long ends; 0: never
	CipherCache    int           // expanded ciphers kept, two for an active session: 4,096

	Durable      bool   // emit Persist actions so that sessions outlive a restart
	StoreLate    bool   // a new session is stored by the first Export or before the first Write, not at once: one commit less
	ReserveBlock uint64 // sequence numbers reserved at a time: 1,024
}

// limits that do not depend on a deployment.
const (
	maxIdentity    = 256              // RFC 4279 section 5.3 asks for 128
	maxKey         = 64               // RFC 4279 section 5.3
	maxMessage     = 8192             // one handshake message, reassembled
	maxReassembly  = 2 * maxMessage   // all handshake messages of a peer that wait for a predecessor
	maxAhead       = 8                // handshake messages ahead of the one that is due
	maxPlaintext   = 1 << 14          // RFC 5246 section 6.2.1
	maxCookie      = 255              // HelloVerifyRequest, RFC 6347 section 4.3.2
	maxVerifies    = 4                // HelloVerifyRequests that a client answers in one handshake
	cookieLife     = 5 * time.Minute  // age at which the cookie secret is replaced; the one before stays valid
	lingerTime     = 4 * time.Minute  // the last flight can be repeated for twice the MSL, RFC 6347 section 4.2.4
	challengeEvery = 10 * time.Second // a challenge that nobody answered is asked for again
	maxSequence    = 1<<48 - 1
)

func (c Config) withDefaults() (Config, error) {
	if c.Rand == nil {
		return c, errors.New("dtls: Config.Rand is missing: give the driver's random source")
	}
	if c.CIDLen != 0 && c.CIDLen != 8 {
		return c, fmt.Errorf("dtls: CIDLen %d is not possible: use 0 or 8", c.CIDLen)
	}
	if c.MaxFragment != 0 && fragmentCode(c.MaxFragment) == 0 {
		return c, fmt.Errorf("dtls: MaxFragment %d is not 512, 1024, 2048 or 4096 (RFC 6066 section 4)", c.MaxFragment)
	}
	if len(c.Suites) == 0 {
		c.Suites = SecureSuites()
		if c.AllowCBC {
			c.Suites = append(c.Suites, PSKWithAES128CBC)
		}
	}
	if c.Certificate != nil && c.Verify == nil && c.ClientAuth != NotAsked {
		return c, errors.New("dtls: Config.Verify is missing: say which clients are believed (Trust.Verify), or set ClientAuth to NotAsked")
	}
	if err := c.usable(c.Suites); err != nil {
		return c, err
	}
	def(&c.MTU, 1232)
	c.MTU = max(c.MTU, minMTU)
	def(&c.RetransmitInitial, time.Second)
	def(&c.RetransmitMax, time.Minute)
	def(&c.Retransmissions, 6)
	def(&c.MaxSessions, 1<<20)
	def(&c.MaxHandshakes, 4096)
	def(&c.MaxResumable, 4096)
	def(&c.ResumeLifetime, 24*time.Hour)
	def(&c.CipherCache, 4096)
	c.CipherCache = max(c.CipherCache, 2)
	def(&c.ReserveBlock, 1024)
	return c, nil
}

// usable returns why one of the suites may not be used, or nil.
func (c *Config) usable(suites []Suite) error {
	for _, s := range suites {
		switch info := suiteByID(s); {
		case info == nil:
			return fmt.Errorf("dtls: cipher suite %v is not known", s)
		case info.secret == secretPassword && c.NewPAKE == nil:
			return fmt.Errorf("dtls: cipher suite %v needs Config.NewPAKE: give one that calls ecjpake.New", s)
		case info.aead == kindCBC && !c.AllowCBC:
			return fmt.Errorf("dtls: cipher suite %v is turned off: set Config.AllowCBC", s)
		}
	}
	return nil
}

func def[T comparable](p *T, v T) {
	var zero T
	if *p == zero {
		*p = v
	}
}

// ClientConfig says how Dial proves who we are, and whom it believes. A Key is for the suites with a pre-shared key or a
// password, Verify for those with certificates; with both, all of them are offered.
type ClientConfig struct {
	Identity string
	Key      []byte // with ECJPAKEWithAES128CCM8: the password

	Certificate *Certificate                           // nil: none
	Verify      func(p *Peer) (name string, err error) // decides about the server: see Config.Verify
	// PeerKinds is what the server may show, X509, RPK or both, the better one first. Nil means what Certificate is.
	PeerKinds []machine.SecurityKind

	Suites     []Suite     // nil: those of the engine
	ServerName string      // sent as server_name unless empty or an IP literal (RFC 6066 section 3); Trust looks for it
	Resume     *Resumption // from an earlier Established; nil: full handshake
	DraftCID   bool        // offer connection IDs as in the drafts (type 53), for servers before RFC 9146
}

// Resumption is what a client keeps of a session in order to resume it with a short handshake. It holds a secret.
type Resumption struct {
	id     []byte
	master [48]byte
	suite  Suite
	ident  string

	own  *Certificate // with a certificate suite
	peer *Peer
}
