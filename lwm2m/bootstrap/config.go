package bootstrap

import (
	"net/netip"
	"time"

	"heddle.example/coap/endpoint"
	"heddle.example/dtls"
	"heddle.example/lwm2m/registry"
	"heddle.example/machine"
)

// Config is what a Server is made of. Zero values take the defaults; only Rand is required.
type Config struct {
	Nest     *machine.Nest
	Rand     machine.Rand
	Endpoint endpoint.Config                 // limits and timers of the CoAP layer
	DTLS     *dtls.Config                    // nil: plain CoAP only; what is not set is set for a server that takes Key
	Secure   func(local netip.AddrPort) bool // which local addresses speak DTLS
	Registry *registry.Registry              // nil: the built-in one
	// Key looks up the key of a PSK identity. It is called in the middle of an input and must answer at once. Nil: none.
	Key    func(identity []byte) (key []byte, ok bool)
	Limits Limits

	// RequestTimeout bounds one message to a device. Default: 93 s (MAX_TRANSMIT_WAIT, RFC 7252 section 4.8.2).
	RequestTimeout time.Duration
	// SessionTimeout bounds a whole session. Default: 15 min, for slow meshes and long configurations.
	SessionTimeout time.Duration
	// QuestionTimeout bounds the wait for Answer. Default: 30 s.
	QuestionTimeout time.Duration
	// SessionIdle is when a silent secure session is forgotten. Default: 10 min.
	SessionIdle time.Duration
}

// Limits bounds everything that a peer can make grow. Zero values take the defaults.
type Limits struct {
	Sessions int // sessions under way, asked questions included; default 10,000
	Endpoint int // bytes of an endpoint name; default 192
	Messages int // of one session; default 256
	Links    int // bytes of the answer to Discover; default 16 KiB
	Entries  int // values in the answer to a Read; default 1,000
	Text     int // bytes of a device's diagnostic text that are kept; default 200
}

func (c *Config) setDefaults() {
	for _, d := range []struct {
		v *int
		d int
	}{
		{&c.Limits.Sessions, 10_000}, {&c.Limits.Endpoint, 192}, {&c.Limits.Messages, 256}, {&c.Limits.Links, 16 << 10},
		{&c.Limits.Entries, 1000}, {&c.Limits.Text, 200},
	} {
		if *d.v <= 0 {
			*d.v = d.d
		}
	}
	for _, d := range []struct {
		v *time.Duration
		d time.Duration
	}{
		{&c.RequestTimeout, 93 * time.Second}, {&c.SessionTimeout, 15 * time.Minute}, {&c.QuestionTimeout, 30 * time.Second},
		{&c.SessionIdle, 10 * time.Minute},
	} {
		if *d.v <= 0 {
			*d.v = d.d
		}
	}
	if c.Registry == nil {
		c.Registry = registry.Builtin()
	}
}
