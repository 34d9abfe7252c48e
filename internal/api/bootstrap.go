package api

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"heddle.example/coap"
	"heddle.example/internal/bootstrap"
	"heddle.example/internal/fleet"
	"heddle.example/internal/values"
	"heddle.example/lwm2m"
	lwbootstrap "heddle.example/lwm2m/bootstrap"
	"heddle.example/lwm2m/registry"
	"heddle.example/machine"
)

// BootstrapConfiguration is what a device, or each of a group of devices, is given. What is marked as read-only may stand in
// a request, so that an answer can be edited and sent back, and is passed over.
type BootstrapConfiguration struct {
	Endpoint   string             `json:"endpoint,omitempty" maxLength:"192" doc:"a name; with a * at its end all names that begin so. In a PUT the path says it"`
	Enabled    *bool              `json:"enabled,omitempty" doc:"absent: true"`
	Account    BootstrapAccount   `json:"account" doc:"how the device reaches this bootstrap server"`
	Servers    []GivenServer      `json:"servers" nullable:"false"`
	Delete     []string           `json:"delete,omitempty" doc:"objects and instances to delete first; the account of this bootstrap server stays"`
	Read       []string           `json:"read,omitempty" doc:"/1 and /2 and their instances: what the device has there is shown in the session"`
	ACLs       []AccessEntry      `json:"acls,omitempty" doc:"instances of object 2, from 0 on"`
	Objects    []BootstrapWrite   `json:"objects,omitempty" doc:"what else to write"`
	Format     string             `json:"format,omitempty" enum:"auto,tlv,senml-json,senml-cbor" doc:"absent or auto: what the device prefers"`
	OnRefusal  string             `json:"onRefusal,omitempty" enum:"stop,continue" doc:"what becomes of a session in which the device refuses a message; absent: stop, without a Finish"`
	MaxDevices uint32             `json:"maxDevices,omitempty" doc:"of a group: how many devices may get credentials on this program's own server; absent: 10,000"`
	CreatedAt  fleet.Time         `json:"createdAt,omitzero" format:"date-time" doc:"read-only"`
	UpdatedAt  fleet.Time         `json:"updatedAt,omitzero" format:"date-time" doc:"read-only"`
	Result     *bootstrap.Outcome `json:"result,omitempty" doc:"read-only: what became of its sessions"`
	Session    *bootstrap.Session `json:"session,omitempty" doc:"read-only: its newest session since the server was started"`
}

// BootstrapAccount is the tab "LWM2M Bootstrap Server".
type BootstrapAccount struct {
	URI            string  `json:"uri,omitempty" maxLength:"255" example:"coaps://[2001:db8::1]:5784"`
	Mode           string  `json:"mode" enum:"psk,none"`
	Identity       string  `json:"identity,omitempty" maxLength:"128"`
	Key            string  `json:"key,omitempty" doc:"hexadecimal, 16 to 128 digits; never in an answer; absent: the stored one stays"`
	HasKey         bool    `json:"hasKey,omitempty" doc:"read-only"`
	HoldOff        *uint32 `json:"holdOff,omitempty" doc:"seconds that the device waits before it asks by itself"`
	AccountTimeout *uint32 `json:"accountTimeout,omitempty" doc:"seconds after which it drops the account; 0: never"`
	Update         bool    `json:"update,omitempty" doc:"write all this to the device's own account, too; else it is for the operator only"`
}

// GivenServer is the tab "LWM2M Server".
type GivenServer struct {
	URI               string             `json:"uri" maxLength:"255" example:"coaps://[2001:db8::1]:5684"`
	Mode              string             `json:"mode" enum:"psk,none"`
	Identity          string             `json:"identity,omitempty" maxLength:"128" doc:"{endpoint} stands for the device's name; of a group each device has its own"`
	Key               string             `json:"key,omitempty" doc:"hexadecimal, 16 to 128 digits; never in an answer; absent: the stored one stays. Of a group: the secret from which each device's key is made"`
	HasKey            bool               `json:"hasKey,omitempty" doc:"read-only"`
	GenerateKey       bool               `json:"generateKey,omitempty" doc:"make a new key; for a group always"`
	ShortServerID     uint16             `json:"shortServerId" minimum:"1" maximum:"65534"`
	Lifetime          uint32             `json:"lifetime" doc:"seconds"`
	Binding           string             `json:"binding,omitempty" example:"U" doc:"absent: U"`
	Storing           bool               `json:"storing,omitempty" doc:"notifications while disabled or offline"`
	MuteSend          *bool              `json:"muteSend,omitempty" doc:"absent: not written, which mutes the device"`
	Resources         map[string]rawJSON `json:"resources,omitempty" doc:"further resources of the Server object, by id: 2, 3, 5, 13 to 22"`
	SecurityResources map[string]rawJSON `json:"securityResources,omitempty" doc:"further resources of the Security object, by id: 11 to 16"`
	SecurityInstance  *uint16            `json:"securityInstance,omitempty" doc:"absent: chosen when the device is discovered"`
	ServerInstance    *uint16            `json:"serverInstance,omitempty" doc:"absent: chosen when the device is discovered"`
	Local             bool               `json:"local,omitempty" doc:"the LwM2M server of this very program: the device is added to its credentials. Found out from uri; set it where uri names a proxy or another address of it"`
}

// AccessEntry is an instance of the Access Control object.
type AccessEntry struct {
	Object   uint16            `json:"object"`
	Instance uint16            `json:"instance" doc:"65535: who may create instances"`
	Owner    uint16            `json:"owner" doc:"Short Server ID; 65535: the bootstrap server"`
	Rights   map[string]uint16 `json:"rights,omitempty" doc:"by Short Server ID, 0 for every other server: 1 read, observe and attributes, 2 write, 4 execute, 8 delete, 16 create"`
}

// BootstrapWrite is an object, instance or resource to write.
type BootstrapWrite struct {
	Path      string  `json:"path" example:"/3/0/15"`
	Resources rawJSON `json:"resources,omitempty" doc:"of an instance by resource id, of an object by instance and resource id, of a multiple resource by instance id"`
	Value     rawJSON `json:"value,omitempty" doc:"of a resource"`
}

// rawJSON is any JSON value.
type rawJSON = json.RawMessage

// errorsAt collects what is wrong with a request.
type errorsAt []bootstrap.Item

func (e *errorsAt) add(where, format string, args ...any) {
	*e = append(*e, bootstrap.Item{Where: where, What: fmt.Sprintf(format, args...)})
}

// configuration makes the stored form. Errors never hold a key.
func (in *BootstrapConfiguration) configuration(endpoint string, reg *registry.Registry) (*bootstrap.Configuration, error) {
	var bad errorsAt
	c := &bootstrap.Configuration{Endpoint: endpoint, Disabled: in.Enabled != nil && !*in.Enabled, GoOn: in.OnRefusal == "continue", MaxDevices: in.MaxDevices}
	if in.Endpoint != "" && in.Endpoint != endpoint {
		bad.add("endpoint", "is %q, but the path says %q", in.Endpoint, endpoint)
	}
	a := &in.Account
	c.Reach = bootstrap.Reach{Mode: mode(&bad, "account.mode", a.Mode), Identity: a.Identity, Key: unhex(&bad, "account.key", a.Key), URI: a.URI, HoldOff: a.HoldOff, Timeout: a.AccountTimeout, Update: a.Update}
	types := reg.Types().For(nil)
	for i := range in.Servers {
		c.Servers = append(c.Servers, in.Servers[i].server(&bad, fmt.Sprintf("servers[%d]", i), types))
	}
	path := func(where, s string) lwm2m.Path {
		p, err := lwm2m.ParsePath(s)
		if err != nil {
			bad.add(where, "%q is not a path such as /3303/0", s)
		}
		return p
	}
	for i, s := range in.Delete {
		c.Delete = append(c.Delete, path(fmt.Sprintf("delete[%d]", i), s))
	}
	for i, s := range in.Read {
		c.Read = append(c.Read, path(fmt.Sprintf("read[%d]", i), s))
	}
	for i := range in.ACLs {
		c.Objects = append(c.Objects, in.ACLs[i].write(&bad, i))
	}
	for i := range in.Objects {
		where := fmt.Sprintf("objects[%d]", i)
		w := &in.Objects[i]
		p := path(where+".path", w.Path)
		entries, err := parseWrite(p, w, types)
		if err != nil {
			bad.add(where, "%s", sentence(err))
		}
		c.Objects = append(c.Objects, lwbootstrap.Write{Path: p, Entries: entries})
	}
	var err error
	if c.Format, c.HasFormat, err = bootstrap.FormatOf(in.Format); err != nil {
		bad.add("format", "%q is none of auto, tlv, senml-json, senml-cbor", in.Format)
	}
	if bad != nil {
		return nil, &bootstrap.Invalid{Items: bad}
	}
	return c, nil
}

func mode(bad *errorsAt, where, s string) machine.SecurityKind {
	switch s {
	case "psk":
		return machine.PSK
	case "none", "":
		return machine.NoSecurity
	}
	bad.add(where, "mode %q is not supported; use psk or none", s)
	return machine.NoSecurity
}

func unhex(bad *errorsAt, where, s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		bad.add(where, "the key must be an even number of hexadecimal digits")
	}
	return b
}

func (in *GivenServer) server(bad *errorsAt, where string, types values.Typer) bootstrap.Server {
	s := bootstrap.Server{ShortID: in.ShortServerID, URI: in.URI, Mode: mode(bad, where+".mode", in.Mode), Identity: in.Identity, Key: unhex(bad, where+".key", in.Key), Generate: in.GenerateKey,
		Lifetime: in.Lifetime, Binding: in.Binding, Storing: in.Storing, SecurityInstance: lwm2m.NoID, ServerInstance: lwm2m.NoID, Local: in.Local}
	if s.Binding == "" {
		s.Binding = "U"
	}
	if in.SecurityInstance != nil {
		s.SecurityInstance = *in.SecurityInstance
	}
	if in.ServerInstance != nil {
		s.ServerInstance = *in.ServerInstance
	}
	s.Security = parseResources(bad, where+".securityResources", 0, in.SecurityResources, types)
	s.Server = parseResources(bad, where+".resources", 1, in.Resources, types)
	if in.MuteSend != nil {
		s.Server = append(s.Server, lwbootstrap.Resource{ID: muteSend, Value: lwm2m.Bool(*in.MuteSend)})
	}
	return s
}

// muteSend is the resource of the Server object that has a member of its own though few devices know it.
const muteSend uint16 = 23

func parseResources(bad *errorsAt, where string, object uint16, in map[string]rawJSON, types values.Typer) []lwbootstrap.Resource {
	if len(in) == 0 {
		return nil
	}
	raw, err := json.Marshal(in)
	if err != nil {
		bad.add(where, "%v", err)
		return nil
	}
	list, err := values.Resources(lwm2m.NewPath(object, 0), raw, types)
	if err != nil {
		bad.add(where, "%s", sentence(err))
		return nil
	}
	var out []lwbootstrap.Resource
	for _, e := range list {
		r := lwbootstrap.Resource{ID: e.Path.Resource(), Value: e.Value}
		if e.Path.Depth() == 4 {
			r.Multiple, r.Instance = true, e.Path.ResourceInstance()
		}
		out = append(out, r)
	}
	return out
}

func parseWrite(p lwm2m.Path, w *BootstrapWrite, types values.Typer) ([]lwm2m.Entry, error) {
	switch {
	case w.Value != nil && w.Resources != nil:
		return nil, errors.New("give value or resources, not both")
	case w.Value != nil && p.Depth() == 3:
		kind, multiple, known := types.TypeOf(p)
		if known && multiple {
			return nil, fmt.Errorf("%s has several instances: write {\"resources\": {\"0\": value, …}}", p)
		}
		v, err := values.Parse(p, kind, w.Value)
		return []lwm2m.Entry{{Path: p, Value: v}}, err
	case w.Resources != nil && p.Depth() >= 1 && p.Depth() <= 3:
		return values.Resources(p, w.Resources, types)
	}
	return nil, fmt.Errorf("%s: a resource takes value, an object or instance resources", p)
}

func (in *AccessEntry) write(bad *errorsAt, i int) lwbootstrap.Write {
	at := lwm2m.NewPath(2, uint16(i))
	w := lwbootstrap.Write{Path: at, Entries: []lwm2m.Entry{{Path: at.Child(0), Value: lwm2m.Int(int64(in.Object))}, {Path: at.Child(1), Value: lwm2m.Int(int64(in.Instance))}}}
	for id, bits := range in.Rights {
		n, err := strconv.ParseUint(id, 10, 16)
		if err != nil || uint16(n) == lwm2m.NoID || bits > 31 {
			bad.add(fmt.Sprintf("acls[%d].rights", i), "%q: %d is not a Short Server ID with rights of 0 to 31", id, bits)
			continue
		}
		w.Entries = append(w.Entries, lwm2m.Entry{Path: at.Child(2).Child(uint16(n)), Value: lwm2m.Int(int64(bits))})
	}
	w.Entries = append(w.Entries, lwm2m.Entry{Path: at.Child(3), Value: lwm2m.Int(int64(in.Owner))})
	lwm2m.Sort(w.Entries)
	return w
}

// viewBootstrap makes the view of a configuration, without keys.
func viewBootstrap(c *bootstrap.Configuration) BootstrapConfiguration {
	enabled := !c.Disabled
	r := &c.Reach
	v := BootstrapConfiguration{Endpoint: c.Endpoint, Enabled: &enabled, Servers: []GivenServer{}, Delete: texts(c.Delete), Read: texts(c.Read), MaxDevices: c.MaxDevices,
		CreatedAt: fleet.Time(c.CreatedAt.UnixNano()), UpdatedAt: fleet.Time(c.UpdatedAt.UnixNano())}
	v.Account = BootstrapAccount{URI: r.URI, Mode: r.Mode.String(), Identity: r.Identity, HasKey: len(r.Key) > 0, HoldOff: r.HoldOff, AccountTimeout: r.Timeout, Update: r.Update}
	for i := range c.Servers {
		v.Servers = append(v.Servers, viewServer(&c.Servers[i]))
	}
	for _, w := range c.Objects {
		if a, ok := viewAccess(w, len(v.ACLs)); ok {
			v.ACLs = append(v.ACLs, a)
		} else {
			v.Objects = append(v.Objects, viewWrite(w))
		}
	}
	if c.HasFormat {
		v.Format = map[coap.ContentFormat]string{coap.TLV: "tlv", coap.SenMLJSON: "senml-json", coap.SenMLCBOR: "senml-cbor"}[c.Format]
	}
	if c.GoOn {
		v.OnRefusal = "continue"
	}
	return v
}

func texts(paths []lwm2m.Path) []string {
	var out []string
	for _, p := range paths {
		out = append(out, p.String())
	}
	return out
}

func viewServer(s *bootstrap.Server) GivenServer {
	v := GivenServer{URI: s.URI, Mode: s.Mode.String(), Identity: s.Identity, HasKey: len(s.Key) > 0, GenerateKey: s.Generate, ShortServerID: s.ShortID, Lifetime: s.Lifetime, Binding: s.Binding,
		Storing: s.Storing, Local: s.Local, SecurityResources: viewResources(s.Security)}
	if s.SecurityInstance != lwm2m.NoID {
		v.SecurityInstance = &s.SecurityInstance
	}
	if s.ServerInstance != lwm2m.NoID {
		v.ServerInstance = &s.ServerInstance
	}
	var others []lwbootstrap.Resource
	for _, r := range s.Server {
		if b, ok := r.Value.AsBool(); ok && r.ID == muteSend {
			v.MuteSend = &b
		} else {
			others = append(others, r)
		}
	}
	v.Resources = viewResources(others)
	return v
}

func viewResources(list []lwbootstrap.Resource) map[string]rawJSON {
	if len(list) == 0 {
		return nil
	}
	out, multiple := map[string]rawJSON{}, map[string]map[string]rawJSON{}
	for _, r := range list {
		id := strconv.Itoa(int(r.ID))
		if !r.Multiple {
			out[id] = values.Append(nil, r.Value)
			continue
		}
		if multiple[id] == nil {
			multiple[id] = map[string]rawJSON{}
		}
		multiple[id][strconv.Itoa(int(r.Instance))] = values.Append(nil, r.Value)
	}
	for id, m := range multiple {
		out[id] = jsonOf(m)
	}
	return out
}

// viewAccess is an instance of object 2 with the number that its place in the list gives it.
func viewAccess(w lwbootstrap.Write, place int) (a AccessEntry, ok bool) {
	at := lwm2m.NewPath(2, uint16(place))
	if w.Path != at {
		return a, false
	}
	number := func(p lwm2m.Path) uint16 {
		v, found := lwm2m.Get(w.Entries, p)
		n, whole := v.AsInt()
		ok = ok && found && whole && n >= 0 && n <= int64(lwm2m.NoID)
		return uint16(n)
	}
	ok = true
	a = AccessEntry{Object: number(at.Child(0)), Instance: number(at.Child(1)), Owner: number(at.Child(3))}
	for _, e := range w.Entries {
		if e.Path.Depth() == 4 && e.Path.Resource() == 2 {
			if a.Rights == nil {
				a.Rights = map[string]uint16{}
			}
			a.Rights[strconv.Itoa(int(e.Path.ResourceInstance()))] = number(e.Path)
		} else if !slices.Contains([]uint16{0, 1, 3}, e.Path.Resource()) {
			return a, false
		}
	}
	return a, ok
}

// viewWrite is what else is written, as it was given.
func viewWrite(w lwbootstrap.Write) BootstrapWrite {
	v := BootstrapWrite{Path: w.Path.String()}
	if len(w.Entries) == 1 && w.Entries[0].Path == w.Path && !w.Entries[0].Value.IsNone() {
		v.Value = values.Append(nil, w.Entries[0].Value)
		return v
	}
	v.Resources = nested(w.Path, w.Entries)
	return v
}

// nested writes sorted entries as objects in objects, by identifier.
func nested(at lwm2m.Path, list []lwm2m.Entry) []byte {
	b := []byte{'{'}
	for len(list) > 0 {
		child := list[0].Path.Cut(at.Depth() + 1)
		n := 1
		for n < len(list) && list[n].Path.HasPrefix(child) {
			n++
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(values.AppendString(b, strconv.Itoa(int(child.ID()))), ':')
		switch {
		case n == 1 && list[0].Path == child && list[0].Value.IsNone():
			b = append(b, "{}"...)
		case n == 1 && list[0].Path == child:
			b = values.Append(b, list[0].Value)
		default:
			b = append(b, nested(child, list[:n])...)
		}
		list = list[n:]
	}
	return append(bytes.Clone(b), '}')
}
