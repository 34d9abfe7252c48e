package api

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"heddle.example/internal/bootstrap"
	"heddle.example/internal/values"
	"heddle.example/lwm2m"
	lwbootstrap "heddle.example/lwm2m/bootstrap"
	"heddle.example/lwm2m/registry"
	"heddle.example/machine"
)

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
	case "rpk":
		return machine.RPK
	case "x509":
		return machine.X509
	case "none", "":
		return machine.NoSecurity
	}
	bad.add(where, "mode %q is not supported; use psk, rpk, x509 or none", s)
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
		Public: unhex(bad, where+".publicKey", in.PublicKey), ServerPublic: unhex(bad, where+".serverPublicKey", in.ServerPublicKey),
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
