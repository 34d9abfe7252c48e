package bootstrap

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"heddle.example/internal/credentials"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/bootstrap"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// psk checks an identity and a key as the table of credentials does.
func (k *checker) psk(where, identity string, key []byte) {
	if identity == "" {
		k.bad(where+".identity", "is missing")
		return
	}
	if len(key) == 0 {
		k.bad(where+".key", "is missing")
		return
	}
	if err := credentials.Check(server.Credential{Endpoint: "x", Identity: identity, Key: key, Mode: machine.PSK}); err != nil {
		field := ".key"
		if strings.Contains(err.Error(), "identity") {
			field = ".identity"
		}
		k.bad(where+field, "%s", strings.TrimPrefix(err.Error(), credentials.ErrInvalid.Error()+": "))
	}
}

// uri checks a Server URI: coap://host[:port] or coaps://host[:port], as the security mode wants it (E.1, resource 0).
func (k *checker) uri(where, uri string, mode machine.SecurityKind) {
	if len(uri) > 255 {
		k.bad(where, "has %d bytes; at most 255", len(uri))
		return
	}
	u, err := url.Parse(uri)
	want := map[machine.SecurityKind]string{machine.NoSecurity: "coap", machine.PSK: "coaps", machine.RPK: "coaps", machine.X509: "coaps"}[mode]
	switch {
	case err != nil:
		k.bad(where, "%q is not a URI such as coaps://[2001:db8::1]:5684", uri)
	case u.Scheme != "coap" && u.Scheme != "coaps", !strings.HasPrefix(uri, u.Scheme+"://"):
		k.bad(where, "%q begins with neither coap:// nor coaps://", uri)
	case u.Scheme != want && want != "":
		k.bad(where, "mode %s goes with %s://, not %s://", mode, want, u.Scheme)
	case !validHost(u):
		k.bad(where, "%q has no valid host", uri)
	case u.Port() != "" && !validPort(u.Port()), strings.HasSuffix(u.Host, ":"):
		k.bad(where, "%q has no valid port", uri)
	case u.User != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.Opaque != "":
		k.bad(where, "%q is more than a scheme, a host and a port", uri)
	}
}

func validPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

func validHost(u *url.URL) bool {
	host := u.Hostname()
	if strings.HasPrefix(u.Host, "[") {
		a, err := netip.ParseAddr(host)
		return err == nil && a.Is6()
	}
	host = strings.ReplaceAll(host, Placeholder, "x")
	if host == "" || len(host) > 253 {
		return false
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(host, "."), ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			if c-'0' > 9 && (c|0x20)-'a' > 25 && c != '-' && c != '_' {
				return false
			}
		}
	}
	return true
}

func (k *checker) server(i int) {
	s := &k.c.Servers[i]
	where := fmt.Sprintf("servers[%d]", i)
	if s.URI == "" {
		k.bad(where+".uri", "is missing")
	} else {
		k.uri(where+".uri", s.URI, s.Mode)
	}
	k.serverSecurity(where, s)
	if s.ShortID == 0 || s.ShortID == lwm2m.NoID {
		k.bad(where+".shortServerId", "is 1 to 65534, not %d", s.ShortID)
	}
	if s.Lifetime > 1<<31-1 {
		k.bad(where+".lifetime", "at most %d seconds", 1<<31-1)
	}
	if _, err := lwm2m.ParseBinding(s.Binding); err != nil {
		k.bad(where+".binding", "%q is not a binding such as U, UQ or UT", s.Binding)
	}
	k.resources(where+".securityResources", 0, s.Security, []uint16{0, 1, 2, 3, 4, 5, 10})
	k.resources(where+".resources", 1, s.Server, []uint16{0, serverLifetime, serverStoring, serverBinding})
	for j := range k.c.Servers[:i] {
		t := &k.c.Servers[j]
		if t.ShortID == s.ShortID && s.ShortID != 0 {
			k.bad(where+".shortServerId", "%d is that of servers[%d]; each server has its own", s.ShortID, j)
		}
		if t.SecurityInstance == s.SecurityInstance && s.SecurityInstance != lwm2m.NoID {
			k.bad(where+".securityInstance", "%d is that of servers[%d]", s.SecurityInstance, j)
		}
		if t.ServerInstance == s.ServerInstance && s.ServerInstance != lwm2m.NoID {
			k.bad(where+".serverInstance", "%d is that of servers[%d]", s.ServerInstance, j)
		}
		if t.Local && s.Local {
			k.bad(where+".uri", "is that of servers[%d]: both are this server", j)
		}
	}
}

func (k *checker) serverSecurity(where string, s *Server) {
	switch s.Mode {
	case machine.NoSecurity:
		if s.Identity != "" || len(s.Key) > 0 || s.Generate {
			k.bad(where+".mode", "none takes no identity and no key")
		}
	case machine.PSK:
		key := s.Key
		if s.Generate && len(key) == 0 {
			key = make([]byte, 16)
		}
		// An identity that holds the name is checked as long as it can become.
		k.psk(where, s.Identity, key)
		if !k.c.Group() {
			if id := s.identity(k.c.Endpoint); len(id) > 128 {
				k.bad(where+".identity", "becomes %d bytes with the endpoint's name; at most 128", len(id))
			}
		} else if !strings.Contains(s.Identity, Placeholder) {
			k.bad(where+".identity", "has to hold %s: each device needs its own", Placeholder)
		}
	default:
		k.serverProof(where, s)
		return
	}
	if len(s.Public) > 0 || len(s.ServerPublic) > 0 {
		k.bad(where+".publicKey", "and serverPublicKey are for modes rpk and x509")
	}
}

// resources checks further resources of an account; taken are those that have a field of their own.
func (k *checker) resources(where string, object uint16, list []bootstrap.Resource, taken []uint16) {
	if len(list) > 64 {
		k.bad(where, "has %d values; at most 64", len(list))
		return
	}
	if len(list) == 0 {
		return
	}
	o := k.reg.Object(object, lwm2m.Version{})
	for i, r := range list {
		at := where + "." + strconv.Itoa(int(r.ID))
		if slices.Contains(taken, r.ID) {
			k.bad(at, "has a member of its own")
			continue
		}
		if slices.ContainsFunc(list[:i], func(q bootstrap.Resource) bool {
			return q.ID == r.ID && q.Instance == r.Instance && q.Multiple == r.Multiple
		}) {
			k.bad(at, "stands there twice")
		}
		k.value(at, o, r.ID, r.Multiple, r.Value)
	}
}
