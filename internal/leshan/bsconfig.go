package leshan

import (
	"encoding/json"
	"errors"

	"heddle.example/lwm2m"
)

// errShape is wrapped where a configuration has something that is not supported here.
var errShape = errors.New("this configuration cannot be used here")

// bsConfig is Leshan's BootstrapConfig: instances of objects 0, 1 and 2 by their numbers. Its demo page keeps the same as
// pairs of a security and a server; both are read.
type bsConfig struct {
	AutoID   bool                  `json:"autoIdForSecurityObject"`
	Format   json.RawMessage       `json:"contentFormat,omitempty"`
	ToDelete []string              `json:"toDelete"`
	Servers  map[string]bsServer   `json:"servers"`
	Security map[string]bsSecurity `json:"security"`
	ACLs     map[string]bsACL      `json:"acls"`
	OSCORE   map[string]any        `json:"oscore"`

	DM []bsPair `json:"dm,omitempty"`
	BS []bsPair `json:"bs,omitempty"`
}

type bsPair struct {
	Security *bsSecurity `json:"security"`
	Server   *bsServer   `json:"server"`
}

type bsSecurity struct {
	URI              string  `json:"uri"`
	BootstrapServer  bool    `json:"bootstrapServer"`
	SecurityMode     string  `json:"securityMode"`
	PublicKeyOrID    bsBytes `json:"publicKeyOrId"`
	ServerPublicKey  bsBytes `json:"serverPublicKey"`
	SecretKey        bsBytes `json:"secretKey"`
	SMSSecurityMode  string  `json:"smsSecurityMode,omitempty"`
	ServerID         *uint16 `json:"serverId"`
	HoldOff          *uint32 `json:"clientOldOffTime"` // its spelling
	AccountTimeout   *uint32 `json:"bootstrapServerAccountTimeout"`
	OSCORE           *int    `json:"oscoreSecurityMode,omitempty"`
	SNI              string  `json:"sni,omitempty"`
	CertificateUsage any     `json:"certificateUsage,omitempty"`
	CipherSuite      []any   `json:"cipherSuite,omitempty"`
}

type bsServer struct {
	ShortID            uint16    `json:"shortId"`
	Lifetime           uint32    `json:"lifetime"`
	MinPeriod          *int64    `json:"defaultMinPeriod,omitempty"`
	MaxPeriod          *int64    `json:"defaultMaxPeriod,omitempty"`
	DisableTimeout     *int64    `json:"disableTimeout,omitempty"`
	Storing            bool      `json:"notifIfDisabled"`
	Binding            bsBinding `json:"binding"`
	Priority           *uint64   `json:"registrationPriority,omitempty"`
	InitialDelay       *uint64   `json:"initialDelay,omitempty"`
	FailureBlock       *bool     `json:"registrationFailure,omitempty"`
	BootstrapOnFailure *bool     `json:"bootstrapOnRegistrationFailure,omitempty"`
	RetryCount         *uint64   `json:"communicationRetryCount,omitempty"`
	RetryTimer         *uint64   `json:"CommunicationRetryTimer,omitempty"`
	SequenceDelay      *uint64   `json:"SequenceDelayTimer,omitempty"`
	SequenceCount      *uint64   `json:"SequenceRetryCount,omitempty"`
	Trigger            *bool     `json:"trigger,omitempty"`
	Transport          *string   `json:"preferredTransport,omitempty"`
	MuteSend           *bool     `json:"muteSend,omitempty"`
}

type bsACL struct {
	Object   uint16            `json:"objectId"`
	Instance uint16            `json:"objectInstanceId"`
	ACLs     map[string]uint16 `json:"acls"`
	Owner    *uint16           `json:"AccessControlOwner"`
}

// field is a resource of the Server object that has a member here.
type field struct {
	get func() (lwm2m.Value, bool)
	set func(v lwm2m.Value)
}

// fields are the further resources of the Server object, by id.
func (s *bsServer) fields() map[uint16]*field {
	integer := func(p **int64) *field {
		return &field{func() (lwm2m.Value, bool) {
			if *p == nil {
				return lwm2m.Value{}, false
			}
			return lwm2m.Int(**p), true
		}, func(v lwm2m.Value) { n, _ := v.AsInt(); *p = &n }}
	}
	unsigned := func(p **uint64) *field {
		return &field{func() (lwm2m.Value, bool) {
			if *p == nil {
				return lwm2m.Value{}, false
			}
			return lwm2m.Uint(**p), true
		}, func(v lwm2m.Value) { n, _ := v.AsUint(); *p = &n }}
	}
	boolean := func(p **bool) *field {
		return &field{func() (lwm2m.Value, bool) {
			if *p == nil {
				return lwm2m.Value{}, false
			}
			return lwm2m.Bool(**p), true
		}, func(v lwm2m.Value) { b, _ := v.AsBool(); *p = &b }}
	}
	text := &field{func() (lwm2m.Value, bool) {
		if s.Transport == nil {
			return lwm2m.Value{}, false
		}
		return lwm2m.Str(*s.Transport), true
	}, func(v lwm2m.Value) { t := v.Raw(); s.Transport = &t }}
	return map[uint16]*field{2: integer(&s.MinPeriod), 3: integer(&s.MaxPeriod), 5: integer(&s.DisableTimeout), 13: unsigned(&s.Priority), 14: unsigned(&s.InitialDelay), 15: boolean(&s.FailureBlock),
		16: boolean(&s.BootstrapOnFailure), 17: unsigned(&s.RetryCount), 18: unsigned(&s.RetryTimer), 19: unsigned(&s.SequenceDelay), 20: unsigned(&s.SequenceCount), 21: boolean(&s.Trigger),
		22: text, 23: boolean(&s.MuteSend)}
}
