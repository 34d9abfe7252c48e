package bootstrap

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"heddle.example/coap"
	"heddle.example/internal/values"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/bootstrap"
	"heddle.example/machine"
)

// stored is a configuration on disk. Values carry their type, since a definition may change.
type stored struct {
	Version  int            `json:"v"`
	Endpoint string         `json:"endpoint"`
	Disabled bool           `json:"disabled,omitempty"`
	Reach    storedReach    `json:"reach"`
	Servers  []storedServer `json:"servers,omitempty"`
	Objects  []storedWrite  `json:"objects,omitempty"`
	Delete   []lwm2m.Path   `json:"delete,omitempty"`
	Read     []lwm2m.Path   `json:"read,omitempty"`
	Format   *uint16        `json:"format,omitempty"`
	GoOn     bool           `json:"goOn,omitempty"`
	MaxDev   uint32         `json:"maxDevices,omitempty"`
	Secret   string         `json:"secret,omitempty"`
	Created  int64          `json:"created"`
	Updated  int64          `json:"updated"`
}

type storedReach struct {
	PSK      bool    `json:"psk,omitempty"`
	Identity string  `json:"identity,omitempty"`
	Key      string  `json:"key,omitempty"`
	URI      string  `json:"uri,omitempty"`
	HoldOff  *uint32 `json:"holdOff,omitempty"`
	Timeout  *uint32 `json:"timeout,omitempty"`
	Update   bool    `json:"update,omitempty"`
}

type storedServer struct {
	ShortID          uint16        `json:"ssid"`
	URI              string        `json:"uri"`
	PSK              bool          `json:"psk,omitempty"`
	Mode             string        `json:"mode,omitempty"` // rpk or x509: since version 2
	Public           string        `json:"public,omitempty"`
	ServerPublic     string        `json:"serverPublic,omitempty"`
	Identity         string        `json:"identity,omitempty"`
	Key              string        `json:"key,omitempty"`
	Generate         bool          `json:"generate,omitempty"`
	Lifetime         uint32        `json:"lifetime"`
	Binding          string        `json:"binding"`
	Storing          bool          `json:"storing,omitempty"`
	SecurityInstance uint16        `json:"securityInstance"`
	ServerInstance   uint16        `json:"serverInstance"`
	Security         []storedValue `json:"security,omitempty"`
	Server           []storedValue `json:"server,omitempty"`
	Local            bool          `json:"local,omitempty"`
}

type storedWrite struct {
	Path   lwm2m.Path    `json:"path"`
	Values []storedValue `json:"values"`
}

// storedValue is a value with its path, relative paths of an account being ID or ID/INSTANCE.
type storedValue struct {
	Path  string          `json:"p"`
	Type  string          `json:"t"`
	Value json.RawMessage `json:"v,omitempty"`
}

func storeValue(path string, v lwm2m.Value) storedValue {
	s := storedValue{Path: path, Type: values.TypeName(v.Kind())}
	if !v.IsNone() {
		s.Value = values.Append(nil, v)
	}
	return s
}

func (s *storedValue) value(p lwm2m.Path) (lwm2m.Value, error) {
	kind, ok := values.ParseType(s.Type)
	if !ok {
		return lwm2m.Value{}, fmt.Errorf("type %q is unknown", s.Type)
	}
	if kind == lwm2m.None {
		return lwm2m.Value{}, nil
	}
	return values.Parse(p, kind, s.Value)
}

// encode makes the stored form.
func encode(c *Configuration) []byte {
	s := stored{Version: 1, Endpoint: c.Endpoint, Disabled: c.Disabled, Delete: c.Delete, Read: c.Read, GoOn: c.GoOn, MaxDev: c.MaxDevices, Secret: hex.EncodeToString(c.Secret),
		Created: c.CreatedAt.UnixMilli(), Updated: c.UpdatedAt.UnixMilli()}
	r := &c.Reach
	s.Reach = storedReach{r.Mode == machine.PSK, r.Identity, hex.EncodeToString(r.Key), r.URI, r.HoldOff, r.Timeout, r.Update}
	if c.HasFormat {
		f := uint16(c.Format)
		s.Format = &f
	}
	resources := func(list []bootstrap.Resource) (out []storedValue) {
		for _, r := range list {
			path := strconv.Itoa(int(r.ID))
			if r.Multiple {
				path += "/" + strconv.Itoa(int(r.Instance))
			}
			out = append(out, storeValue(path, r.Value))
		}
		return out
	}
	for i := range c.Servers {
		v := &c.Servers[i]
		mode := ""
		if v.asymmetric() {
			mode, s.Version = v.Mode.String(), 2
		}
		s.Servers = append(s.Servers, storedServer{v.ShortID, v.URI, v.Mode == machine.PSK, mode, hex.EncodeToString(v.Public), hex.EncodeToString(v.ServerPublic), v.Identity, hex.EncodeToString(v.Key), v.Generate, v.Lifetime, v.Binding, v.Storing,
			v.SecurityInstance, v.ServerInstance, resources(v.Security), resources(v.Server), v.Local})
	}
	for _, w := range c.Objects {
		sw := storedWrite{Path: w.Path}
		for _, e := range w.Entries {
			sw.Values = append(sw.Values, storeValue(e.Path.String(), e.Value))
		}
		s.Objects = append(s.Objects, sw)
	}
	b, _ := json.Marshal(&s) // nothing in it can fail
	return b
}

// decode reads what encode wrote.
func decode(b []byte) (*Configuration, error) {
	var s stored
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, err
	}
	if s.Version != 1 && s.Version != 2 {
		return nil, fmt.Errorf("it was written by a newer version")
	}
	var failed error
	unhex := func(text string) []byte {
		b, err := hex.DecodeString(text)
		if err != nil {
			failed = err
		}
		return b
	}
	mode := func(psk bool) machine.SecurityKind {
		if psk {
			return machine.PSK
		}
		return machine.NoSecurity
	}
	c := &Configuration{Endpoint: s.Endpoint, Disabled: s.Disabled, Delete: s.Delete, Read: s.Read, GoOn: s.GoOn, MaxDevices: s.MaxDev, Secret: unhex(s.Secret),
		CreatedAt: time.UnixMilli(s.Created).UTC(), UpdatedAt: time.UnixMilli(s.Updated).UTC()}
	c.Reach = Reach{mode(s.Reach.PSK), s.Reach.Identity, unhex(s.Reach.Key), s.Reach.URI, s.Reach.HoldOff, s.Reach.Timeout, s.Reach.Update}
	if s.Format != nil {
		c.Format, c.HasFormat = coap.ContentFormat(*s.Format), true
	}
	resources := func(list []storedValue) (out []bootstrap.Resource) {
		for i := range list {
			r := bootstrap.Resource{}
			p, err := lwm2m.ParsePath("/0/0/" + list[i].Path)
			if err == nil {
				r.ID, r.Multiple = p.Resource(), p.Depth() == 4
				if r.Multiple {
					r.Instance = p.ResourceInstance()
				}
				r.Value, err = list[i].value(p)
			}
			if err != nil {
				failed = err
			}
			out = append(out, r)
		}
		return out
	}
	for i := range s.Servers {
		v := &s.Servers[i]
		c.Servers = append(c.Servers, Server{v.ShortID, v.URI, mode(v.PSK), v.Identity, unhex(v.Key), nil, nil, v.Generate, v.Lifetime, v.Binding, v.Storing,
			v.SecurityInstance, v.ServerInstance, resources(v.Security), resources(v.Server), v.Local})
		if kind, ok := map[string]machine.SecurityKind{"rpk": machine.RPK, "x509": machine.X509}[v.Mode]; ok {
			o := &c.Servers[i]
			o.Mode, o.Public, o.ServerPublic = kind, unhex(v.Public), unhex(v.ServerPublic)
		}
	}
	for _, sw := range s.Objects {
		w := bootstrap.Write{Path: sw.Path}
		for i := range sw.Values {
			p, err := lwm2m.ParsePath(sw.Values[i].Path)
			var v lwm2m.Value
			if err == nil {
				v, err = sw.Values[i].value(p)
			}
			if err != nil {
				failed = err
			}
			w.Entries = append(w.Entries, lwm2m.Entry{Path: p, Value: v})
		}
		c.Objects = append(c.Objects, w)
	}
	return c, failed
}
