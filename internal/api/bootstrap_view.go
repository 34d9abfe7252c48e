package api

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strconv"

	"heddle.example/coap"
	"heddle.example/internal/bootstrap"
	"heddle.example/internal/fleet"
	"heddle.example/internal/values"
	"heddle.example/lwm2m"
	lwbootstrap "heddle.example/lwm2m/bootstrap"
)

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
	v := GivenServer{URI: s.URI, Mode: s.Mode.String(), Identity: s.Identity, HasKey: len(s.Key) > 0, PublicKey: hex.EncodeToString(s.Public), ServerPublicKey: hex.EncodeToString(s.ServerPublic), GenerateKey: s.Generate, ShortServerID: s.ShortID, Lifetime: s.Lifetime, Binding: s.Binding,
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
