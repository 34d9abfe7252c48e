// Package bootstrap is the bootstrap server's side of the program: stored configurations, the owner that runs the
// machine of lwm2m/bootstrap, and the sessions that the web app shows.
package bootstrap

import (
	"crypto/hmac"
	"crypto/sha256"
	"strconv"
	"strings"
	"time"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/bootstrap"
	"heddle.example/machine"
)

// Default is the endpoint of the configuration for devices that no other one is for.
const Default = "*"

// Placeholder stands for the device's endpoint name in identities and texts.
const Placeholder = "{endpoint}"

// Configuration is what a device, or each of a group of devices, is given. One that is stored does not change.
type Configuration struct {
	// Endpoint is a name; with a * at its end all names that begin so; Default: everybody else.
	Endpoint string
	Disabled bool
	Reach    Reach
	Servers  []Server
	Objects  []bootstrap.Write
	Delete   []lwm2m.Path
	Read     []lwm2m.Path
	Format   coap.ContentFormat // with HasFormat
	HasFormat,
	GoOn bool // when the device refuses something
	// MaxDevices is how many devices of a group may get credentials on this program's own server; 0: 10,000.
	MaxDevices uint32
	Secret     []byte // the keys that are generated for each device of a group come of it
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// Reach is how the device reaches this bootstrap server: the tab "LWM2M Bootstrap Server".
type Reach struct {
	Mode     machine.SecurityKind // NoSecurity or PSK
	Identity string
	Key      []byte
	URI      string // for the operator's notes and the device's command line
	HoldOff  *uint32
	Timeout  *uint32
	// Update writes URI, HoldOff and Timeout, where they are set, and the identity and key, to the device's own account.
	Update bool
}

// Server is a server that the device is given: the tab "LWM2M Server".
type Server struct {
	ShortID          uint16
	URI              string
	Mode             machine.SecurityKind
	Identity         string // PSK
	Key              []byte // PSK; RPK and X509: the device's private key (PKCS #8)
	Public           []byte // RPK: the device's public key; X509: its certificate (DER)
	ServerPublic     []byte // RPK: the server's public key; X509: the certificate, or its hash, that the certificate usage is about
	Generate         bool   // a key of its own for each device of a group, made from Key or else from the Secret
	Lifetime         uint32
	Binding          string
	Storing          bool // notifications while disabled or offline
	SecurityInstance uint16
	ServerInstance   uint16 // lwm2m.NoID: chosen
	Security         []bootstrap.Resource
	Server           []bootstrap.Resource
	Local            bool // it is the LwM2M server of this very program
}

// Group reports whether the configuration is for more than one device.
func (c *Configuration) Group() bool { return strings.HasSuffix(c.Endpoint, "*") }

// Matches reports whether the configuration is for an endpoint.
func (c *Configuration) Matches(endpoint string) bool {
	if !c.Group() {
		return c.Endpoint == endpoint
	}
	return strings.HasPrefix(endpoint, c.Endpoint[:len(c.Endpoint)-1])
}

// local returns the server that is this program's, or nil.
func (c *Configuration) local() *Server {
	for i := range c.Servers {
		if c.Servers[i].Local {
			return &c.Servers[i]
		}
	}
	return nil
}

// Identity returns the identity that a device is given for a server.
func (s *Server) identity(endpoint string) string {
	return strings.ReplaceAll(s.Identity, Placeholder, endpoint)
}

// key returns the key that a device is given for a server. A generated one is the same each time: a device that is cut
// off in mid-session keeps its old key, and that must still be good.
func (c *Configuration) key(s *Server, endpoint string) []byte {
	if s.Mode != machine.PSK || !s.Generate {
		return s.Key
	}
	secret := s.Key
	if len(secret) == 0 {
		secret = c.Secret
	}
	h := hmac.New(sha256.New, secret)
	h.Write([]byte("heddle bootstrap key\x00" + endpoint + "\x00" + strconv.Itoa(int(s.ShortID))))
	return h.Sum(nil)[:16]
}

// Provision returns what a device of this name is given. localKey, where not nil, is the key of the server that is this
// program's.
func (c *Configuration) Provision(endpoint string, localKey []byte) *bootstrap.Provision {
	p := &bootstrap.Provision{Configuration: c.Endpoint, Read: c.Read, Delete: c.Delete, Format: c.Format, HasFormat: c.HasFormat}
	if c.GoOn {
		p.Policy = bootstrap.GoOn
	}
	if c.Reach.Update {
		p.Own = c.Reach.resources()
	}
	for i := range c.Servers {
		s := &c.Servers[i]
		key := c.key(s, endpoint)
		if s.Local && localKey != nil {
			key = localKey
		}
		p.Accounts = append(p.Accounts, s.account(endpoint, key))
	}
	for _, w := range c.Objects {
		w.Entries = fillEntries(w.Entries, endpoint)
		p.Writes = append(p.Writes, w)
	}
	return p
}

// account makes the resources of a server. All mandatory ones are there, empty where they say nothing (E.1).
func (s *Server) account(endpoint string, key []byte) bootstrap.Account {
	mode := map[machine.SecurityKind]int64{machine.PSK: 0, machine.RPK: 1, machine.X509: 2, machine.NoSecurity: 3}[s.Mode]
	public := s.Public
	if s.Mode == machine.PSK {
		public = []byte(s.identity(endpoint))
	}
	a := bootstrap.Account{ShortID: s.ShortID, SecurityInstance: s.SecurityInstance, ServerInstance: s.ServerInstance}
	a.Security = []bootstrap.Resource{
		{ID: bootstrap.SecurityURI, Value: lwm2m.Str(fill(s.URI, endpoint))},
		{ID: bootstrap.SecurityIsBootstrap, Value: lwm2m.Bool(false)},
		{ID: bootstrap.SecurityMode, Value: lwm2m.Int(mode)},
		{ID: bootstrap.SecurityPublic, Value: lwm2m.Bytes(public)},
		{ID: bootstrap.SecurityServerPublic, Value: lwm2m.Bytes(s.ServerPublic)},
		{ID: bootstrap.SecuritySecret, Value: lwm2m.Bytes(key)},
		{ID: bootstrap.SecurityShortID, Value: lwm2m.Int(int64(s.ShortID))},
	}
	a.Security = append(a.Security, fillResources(s.Security, endpoint)...)
	a.Server = []bootstrap.Resource{
		{ID: bootstrap.ServerShortID, Value: lwm2m.Int(int64(s.ShortID))},
		{ID: serverLifetime, Value: lwm2m.Int(int64(s.Lifetime))},
		{ID: serverStoring, Value: lwm2m.Bool(s.Storing)},
		{ID: serverBinding, Value: lwm2m.Str(s.Binding)},
	}
	a.Server = append(a.Server, fillResources(s.Server, endpoint)...)
	return a
}

// Resources of the Server object that have a field of their own (E.2).
const (
	serverLifetime uint16 = 1
	serverStoring  uint16 = 6
	serverBinding  uint16 = 7
)

// resources is the device's account of this bootstrap server as far as it is to be changed.
func (r *Reach) resources() []bootstrap.Resource {
	var list []bootstrap.Resource
	if r.URI != "" {
		list = append(list, bootstrap.Resource{ID: bootstrap.SecurityURI, Value: lwm2m.Str(r.URI)})
	}
	if r.Mode == machine.PSK {
		list = append(list, bootstrap.Resource{ID: bootstrap.SecurityPublic, Value: lwm2m.Bytes([]byte(r.Identity))},
			bootstrap.Resource{ID: bootstrap.SecuritySecret, Value: lwm2m.Bytes(r.Key)})
	}
	if r.HoldOff != nil {
		list = append(list, bootstrap.Resource{ID: bootstrap.SecurityHoldOff, Value: lwm2m.Int(int64(*r.HoldOff))})
	}
	if r.Timeout != nil {
		list = append(list, bootstrap.Resource{ID: bootstrap.SecurityTimeout, Value: lwm2m.Int(int64(*r.Timeout))})
	}
	return list
}

func fill(s, endpoint string) string { return strings.ReplaceAll(s, Placeholder, endpoint) }

func fillValue(v lwm2m.Value, endpoint string) lwm2m.Value {
	if v.Kind() != lwm2m.String || !strings.Contains(v.Raw(), Placeholder) {
		return v
	}
	return lwm2m.Str(fill(v.Raw(), endpoint))
}

func fillResources(list []bootstrap.Resource, endpoint string) []bootstrap.Resource {
	out := make([]bootstrap.Resource, len(list))
	for i, r := range list {
		r.Value = fillValue(r.Value, endpoint)
		out[i] = r
	}
	return out
}

func fillEntries(list []lwm2m.Entry, endpoint string) []lwm2m.Entry {
	out := make([]lwm2m.Entry, len(list))
	for i, e := range list {
		e.Value = fillValue(e.Value, endpoint)
		out[i] = e
	}
	return out
}
