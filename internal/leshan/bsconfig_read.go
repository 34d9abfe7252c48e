package leshan

import (
	"encoding/json"
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
		server.Mode, server.URI, server.Key = mode, s.URI, s.SecretKey
		if mode == machine.RPK || mode == machine.X509 {
			server.Public, server.ServerPublic = s.PublicKeyOrID, s.ServerPublicKey
		} else {
			server.Identity = string(s.PublicKeyOrID)
		}
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
