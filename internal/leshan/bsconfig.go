package leshan

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"heddle.example/coap"
	"heddle.example/internal/bootstrap"
	"heddle.example/lwm2m"
	lwbootstrap "heddle.example/lwm2m/bootstrap"
	"heddle.example/machine"
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

// bsBytes is bytes as Leshan's JSON has them: an array of numbers, of which Java makes some negative. Hexadecimal is read too.
type bsBytes []byte

// MarshalJSON implements json.Marshaler.
func (b bsBytes) MarshalJSON() ([]byte, error) {
	n := make([]int, len(b))
	for i, x := range b {
		n[i] = int(x)
	}
	return json.Marshal(n)
}

// UnmarshalJSON implements json.Unmarshaler.
func (b *bsBytes) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		x, err := hex.DecodeString(text)
		*b = x
		if err != nil {
			return errors.New("bytes are an array of numbers, or hexadecimal digits")
		}
		return nil
	}
	var n []int
	if err := json.Unmarshal(raw, &n); err != nil {
		return errors.New("bytes are an array of numbers, or hexadecimal digits")
	}
	*b = make([]byte, len(n))
	for i, x := range n {
		if x < -128 || x > 255 {
			return fmt.Errorf("%d is no byte", x)
		}
		(*b)[i] = byte(x)
	}
	return nil
}

// bsBinding is a binding as a list of letters, ["U","T"], or as a text.
type bsBinding string

// MarshalJSON implements json.Marshaler.
func (b bsBinding) MarshalJSON() ([]byte, error) { return json.Marshal(strings.Split(string(b), "")) }

// UnmarshalJSON implements json.Unmarshaler.
func (b *bsBinding) UnmarshalJSON(raw []byte) error {
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		*b = bsBinding(strings.Join(list, ""))
		return nil
	}
	var text string
	err := json.Unmarshal(raw, &text)
	*b = bsBinding(text)
	return err
}

var bsModes = map[machine.SecurityKind]string{machine.NoSecurity: "NO_SEC", machine.PSK: "PSK", machine.RPK: "RPK", machine.X509: "X509"}

// newBSConfig makes the shape of a configuration. Keys are empty where they may not be seen.
func newBSConfig(c *bootstrap.Configuration, keys bool) bsConfig {
	out := bsConfig{AutoID: true, ToDelete: []string{}, Servers: map[string]bsServer{}, Security: map[string]bsSecurity{}, ACLs: map[string]bsACL{}, OSCORE: map[string]any{}}
	for _, p := range c.Delete {
		out.ToDelete = append(out.ToDelete, p.String())
	}
	secret := func(b []byte) bsBytes {
		if !keys {
			return bsBytes{}
		}
		return b
	}
	r := &c.Reach
	next := 0
	if r.Mode != machine.NoSecurity || r.URI != "" {
		out.Security["0"] = bsSecurity{URI: r.URI, BootstrapServer: true, SecurityMode: bsModes[r.Mode], PublicKeyOrID: bsBytes(r.Identity), SecretKey: secret(r.Key), SMSSecurityMode: "NO_SEC",
			HoldOff: r.HoldOff, AccountTimeout: r.Timeout}
		next = 1
	}
	for i := range c.Servers {
		s := &c.Servers[i]
		security, server := next+i, i
		if s.SecurityInstance != lwm2m.NoID {
			security, out.AutoID = int(s.SecurityInstance), false
		}
		if s.ServerInstance != lwm2m.NoID {
			server = int(s.ServerInstance)
		}
		id := s.ShortID
		out.Security[strconv.Itoa(security)] = bsSecurity{URI: s.URI, SecurityMode: bsModes[s.Mode], PublicKeyOrID: bsBytes(s.Identity), SecretKey: secret(s.Key), SMSSecurityMode: "NO_SEC", ServerID: &id}
		out.Servers[strconv.Itoa(server)] = newBSServer(s)
	}
	for _, w := range c.Objects {
		if w.Path.Depth() == 2 && w.Path.Object() == 2 {
			out.ACLs[strconv.Itoa(int(w.Path.Instance()))] = newBSACL(w)
		}
	}
	return out
}

func newBSServer(s *bootstrap.Server) bsServer {
	v := bsServer{ShortID: s.ShortID, Lifetime: s.Lifetime, Storing: s.Storing, Binding: bsBinding(s.Binding)}
	for _, r := range s.Server {
		if f := v.fields()[r.ID]; f != nil {
			f.set(r.Value)
		}
	}
	return v
}

func newBSACL(w lwbootstrap.Write) bsACL {
	a := bsACL{ACLs: map[string]uint16{}}
	for _, e := range w.Entries {
		n, _ := e.Value.AsInt()
		switch e.Path.Resource() {
		case 0:
			a.Object = uint16(n)
		case 1:
			a.Instance = uint16(n)
		case 2:
			a.ACLs[strconv.Itoa(int(e.Path.ResourceInstance()))] = uint16(n)
		case 3:
			owner := uint16(n)
			a.Owner = &owner
		}
	}
	return a
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

// configuration makes the stored form. How the device reaches this server is the security of the bootstrap server, else what
// the configuration had before.
func (in *bsConfig) configuration(endpoint string, old *bootstrap.Configuration) (*bootstrap.Configuration, error) {
	if err := in.unpair(); err != nil {
		return nil, err
	}
	c := &bootstrap.Configuration{Endpoint: endpoint}
	if old != nil {
		c.Reach, c.Disabled, c.Read, c.GoOn = old.Reach, old.Disabled, old.Read, old.GoOn
	}
	for i, s := range in.ToDelete {
		p, err := lwm2m.ParsePath(s)
		if err != nil {
			return nil, fmt.Errorf("%w: toDelete[%d]: %q is not a path", errShape, i, s)
		}
		c.Delete = append(c.Delete, p)
	}
	if len(in.OSCORE) > 0 {
		return nil, fmt.Errorf("%w: OSCORE is not supported", errShape)
	}
	var err error
	if c.Format, c.HasFormat, err = bsFormat(in.Format); err != nil {
		return nil, err
	}
	used := map[string]bool{}
	own := false
	for _, key := range numbers(in.Security) {
		s := in.Security[key]
		mode, err := s.mode(key)
		if err != nil {
			return nil, err
		}
		if s.BootstrapServer {
			if own {
				return nil, fmt.Errorf("%w: security.%s is a second account of the bootstrap server", errShape, key)
			}
			own = true
			c.Reach = bootstrap.Reach{Mode: mode, Identity: string(s.PublicKeyOrID), Key: s.SecretKey, URI: s.URI, HoldOff: s.HoldOff, Timeout: s.AccountTimeout}
			continue
		}
		server, err := in.serverOf(key, s, used)
		if err != nil {
			return nil, err
		}
		server.Mode, server.URI, server.Identity, server.Key = mode, s.URI, string(s.PublicKeyOrID), s.SecretKey
		c.Servers = append(c.Servers, server)
	}
	for _, key := range numbers(in.Servers) {
		if !used[key] {
			return nil, fmt.Errorf("%w: servers.%s: no security has serverId %d", errShape, key, in.Servers[key].ShortID)
		}
	}
	for _, key := range numbers(in.ACLs) {
		w, err := in.ACLs[key].write(key)
		if err != nil {
			return nil, err
		}
		c.Objects = append(c.Objects, w)
	}
	if old != nil {
		for _, w := range old.Objects {
			if w.Path.Object() != 2 { // what this shape cannot say stays
				c.Objects = append(c.Objects, w)
			}
		}
	}
	return c, nil
}

// unpair turns the pairs of the demo page into instances.
func (in *bsConfig) unpair() error {
	if len(in.DM)+len(in.BS) == 0 {
		return nil
	}
	if len(in.Security)+len(in.Servers) > 0 {
		return fmt.Errorf("%w: give dm and bs, or security and servers", errShape)
	}
	in.Security, in.Servers, in.AutoID = map[string]bsSecurity{}, map[string]bsServer{}, true
	for i, p := range append(slices.Clone(in.BS), in.DM...) {
		if p.Security == nil || i >= len(in.BS) && p.Server == nil {
			return fmt.Errorf("%w: each of dm has a security and a server, each of bs a security", errShape)
		}
		s := *p.Security
		s.BootstrapServer = i < len(in.BS)
		if !s.BootstrapServer {
			if s.ServerID == nil {
				s.ServerID = &p.Server.ShortID
			}
			in.Servers[strconv.Itoa(i-len(in.BS))] = *p.Server
		}
		in.Security[strconv.Itoa(i)] = s
	}
	return nil
}

func (s *bsSecurity) mode(key string) (machine.SecurityKind, error) {
	switch {
	case s.SMSSecurityMode != "" && s.SMSSecurityMode != "NO_SEC":
		return 0, fmt.Errorf("%w: security.%s: SMS is not supported", errShape, key)
	case s.OSCORE != nil, s.SNI != "", s.CertificateUsage != nil, len(s.CipherSuite) > 0:
		return 0, fmt.Errorf("%w: security.%s: of oscoreSecurityMode, sni, certificateUsage and cipherSuite none is supported in this shape; use /api/v1/bootstrap", errShape, key)
	}
	for kind, name := range bsModes {
		if name == s.SecurityMode {
			return kind, nil
		}
	}
	return 0, fmt.Errorf("%w: security.%s: securityMode %q is not supported; use PSK or NO_SEC", errShape, key, s.SecurityMode)
}

// serverOf finds the Server instance of a Security instance.
func (in *bsConfig) serverOf(key string, s bsSecurity, used map[string]bool) (bootstrap.Server, error) {
	var out bootstrap.Server
	for _, at := range numbers(in.Servers) {
		v := in.Servers[at]
		if s.ServerID == nil || v.ShortID != *s.ServerID || used[at] {
			continue
		}
		used[at] = true
		out = bootstrap.Server{ShortID: v.ShortID, Lifetime: v.Lifetime, Storing: v.Storing, Binding: string(v.Binding), SecurityInstance: lwm2m.NoID}
		if out.Binding == "" {
			out.Binding = "U"
		}
		n, err := strconv.ParseUint(at, 10, 16)
		if err != nil {
			return out, fmt.Errorf("%w: servers.%s: an instance is a number", errShape, at)
		}
		if out.ServerInstance = uint16(n); len(in.DM)+len(in.BS) > 0 {
			out.ServerInstance = lwm2m.NoID
		}
		if !in.AutoID {
			if n, err = strconv.ParseUint(key, 10, 16); err != nil {
				return out, fmt.Errorf("%w: security.%s: an instance is a number", errShape, key)
			}
			out.SecurityInstance = uint16(n)
		}
		fields := v.fields()
		for id := uint16(0); id <= 23; id++ {
			if f := fields[id]; f != nil {
				if value, ok := f.get(); ok {
					out.Server = append(out.Server, lwbootstrap.Resource{ID: id, Value: value})
				}
			}
		}
		return out, nil
	}
	return out, fmt.Errorf("%w: security.%s: no server has its serverId", errShape, key)
}

func (a bsACL) write(key string) (lwbootstrap.Write, error) {
	n, err := strconv.ParseUint(key, 10, 16)
	if err != nil {
		return lwbootstrap.Write{}, fmt.Errorf("%w: acls.%s: an instance is a number", errShape, key)
	}
	at := lwm2m.NewPath(2, uint16(n))
	w := lwbootstrap.Write{Path: at, Entries: []lwm2m.Entry{{Path: at.Child(0), Value: lwm2m.Int(int64(a.Object))}, {Path: at.Child(1), Value: lwm2m.Int(int64(a.Instance))}}}
	for id, rights := range a.ACLs {
		short, err := strconv.ParseUint(id, 10, 16)
		if err != nil {
			return w, fmt.Errorf("%w: acls.%s: %q is no Short Server ID", errShape, key, id)
		}
		w.Entries = append(w.Entries, lwm2m.Entry{Path: at.Child(2).Child(uint16(short)), Value: lwm2m.Int(int64(rights))})
	}
	if a.Owner != nil {
		w.Entries = append(w.Entries, lwm2m.Entry{Path: at.Child(3), Value: lwm2m.Int(int64(*a.Owner))})
	}
	lwm2m.Sort(w.Entries)
	return w, nil
}

// bsFormat reads a content format as a number, a name or {"code": 112}.
func bsFormat(raw json.RawMessage) (ct coap.ContentFormat, has bool, err error) {
	if len(raw) == 0 || string(raw) == "null" {
		return 0, false, nil
	}
	var code struct {
		Code uint16 `json:"code"`
	}
	var number uint16
	var name string
	switch {
	case json.Unmarshal(raw, &number) == nil:
	case json.Unmarshal(raw, &name) == nil:
		number = map[string]uint16{"TLV": uint16(coap.TLV), "SENML_JSON": uint16(coap.SenMLJSON), "SENML_CBOR": uint16(coap.SenMLCBOR)}[name]
	case json.Unmarshal(raw, &code) == nil:
		number = code.Code
	}
	if ct = coap.ContentFormat(number); !lwbootstrap.Writable(ct) {
		return 0, false, fmt.Errorf("%w: contentFormat is none of TLV, SENML_JSON and SENML_CBOR", errShape)
	}
	return ct, true, nil
}

// numbers returns the keys of a map in the order of their numbers.
func numbers[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	return keys
}
