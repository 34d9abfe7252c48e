package bootstrap

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"heddle.example/coap"
	"heddle.example/internal/credentials"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/bootstrap"
	"heddle.example/lwm2m/registry"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// Limits of one configuration.
const (
	endpointMost = 192
	serversMost  = 16
	writesMost   = 64
	entriesMost  = 1000
	pathsMost    = 64
	storedMost   = 64 << 10 // bytes
)

// Invalid says what is wrong with a configuration, all of it.
type Invalid struct{ Items []Item }

// Item is one thing that is wrong. Where is the member, as in servers[0].uri.
type Item struct{ Where, What string }

func (e *Invalid) Error() string {
	s := e.Items[0].Where + ": " + e.Items[0].What
	if n := len(e.Items) - 1; n > 0 {
		s += fmt.Sprintf(" (and %d more)", n)
	}
	return s
}

// checker collects what is wrong.
type checker struct {
	c     *Configuration
	reg   *registry.Registry
	items []Item
}

func (k *checker) bad(where, format string, args ...any) {
	if len(k.items) < 50 {
		k.items = append(k.items, Item{where, fmt.Sprintf(format, args...)})
	}
}

// Check reports what is wrong with a configuration: what no device could take, or would refuse at the Finish.
func Check(c *Configuration, reg *registry.Registry) error {
	k := checker{c: c, reg: reg}
	k.name()
	k.reach()
	if len(c.Servers) > serversMost {
		k.bad("servers", "there are %d; at most %d", len(c.Servers), serversMost)
	} else {
		for i := range c.Servers {
			k.server(i)
		}
	}
	k.paths()
	k.objects()
	if c.HasFormat && !bootstrap.Writable(c.Format) {
		k.bad("format", "%s cannot carry a whole instance; use tlv, senml-json or senml-cbor, or leave it to the device", c.Format)
	}
	if c.MaxDevices > 0 && !c.Group() {
		k.bad("maxDevices", "is for groups; this is one device")
	}
	if c.MaxDevices > tableMost {
		k.bad("maxDevices", "at most %d", tableMost)
	}
	if len(c.Servers) == 0 && len(c.Objects) == 0 && len(c.Delete) == 0 && !c.Reach.Update {
		k.bad("servers", "the device would be given nothing: add a server")
	}
	if len(k.items) > 0 {
		return &Invalid{k.items}
	}
	if b := encode(c); len(b) > storedMost {
		return &Invalid{[]Item{{"", fmt.Sprintf("the configuration takes %d bytes; at most %d", len(b), storedMost)}}}
	}
	return nil
}

func (k *checker) name() {
	name := k.c.Endpoint
	switch {
	case !plain(name, endpointMost):
		k.bad("endpoint", "an endpoint has 1 to %d bytes of UTF-8 without control characters", endpointMost)
	case strings.Contains(name[:len(name)-1], "*"):
		k.bad("endpoint", "a * stands at the end only, for all names that begin so")
	case strings.Contains(name, Placeholder):
		k.bad("endpoint", "%s stands in identities and texts, not in the name", Placeholder)
	}
}

func plain(s string, most int) bool {
	if s == "" || len(s) > most || !utf8.ValidString(s) {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) })
}

func (k *checker) reach() {
	r := &k.c.Reach
	switch r.Mode {
	case machine.NoSecurity:
		if r.Identity != "" || len(r.Key) > 0 {
			k.bad("account.mode", "none takes no identity and no key")
		}
	case machine.PSK:
		k.psk("account", r.Identity, r.Key)
		if strings.Contains(r.Identity, Placeholder) {
			k.bad("account.identity", "%s is not known before the device has shown its identity", Placeholder)
		}
	default:
		k.bad("account.mode", "mode %s is not supported; use psk or none", r.Mode)
	}
	if r.URI != "" {
		k.uri("account.uri", r.URI, r.Mode)
	}
	k.seconds("account.holdOff", r.HoldOff)
	k.seconds("account.accountTimeout", r.Timeout)
	if r.Update && k.c.Group() && r.Mode == machine.PSK && r.URI == "" && r.HoldOff == nil && r.Timeout == nil {
		k.bad("account.update", "there is nothing to update")
	}
}

// seconds are written as Integer; what 32 bits hold fits every device.
func (k *checker) seconds(where string, n *uint32) {
	if n != nil && *n > 1<<31-1 {
		k.bad(where, "at most %d seconds", 1<<31-1)
	}
}

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
	want := map[machine.SecurityKind]string{machine.NoSecurity: "coap", machine.PSK: "coaps"}[mode]
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
			return
		}
		if !strings.Contains(s.Identity, Placeholder) {
			k.bad(where+".identity", "has to hold %s: each device needs its own", Placeholder)
		}
	default:
		k.bad(where+".mode", "mode %s is not supported; use psk or none", s.Mode)
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

// value checks one value against its definition. A bootstrap server may write what a server may only read (section 6.1.7.5),
// but nothing that can only be executed.
func (k *checker) value(where string, o *registry.Object, id uint16, multiple bool, v lwm2m.Value) {
	if o == nil {
		return
	}
	r := o.Resource(id)
	switch {
	case r == nil:
		k.bad(where, "object %d (%s) has no resource %d", o.ID, o.Name, id)
	case r.Kind == lwm2m.None:
		k.bad(where, "%s can only be executed", r.Name)
	case r.Multiple && !multiple && !v.IsNone():
		k.bad(where, "%s has several instances: write {\"0\": value, …}", r.Name)
	case !r.Multiple && multiple:
		k.bad(where, "%s has one value, not several instances", r.Name)
	case v.IsNone():
		k.bad(where, "%s has no value", r.Name)
	default:
		if err := r.Check(v); err != nil {
			k.bad(where, "%s", strings.TrimPrefix(err.Error(), registry.ErrRange.Error()+": "))
		} else if v.Kind() == lwm2m.String && (len(v.Raw()) > 4096 || !utf8.ValidString(v.Raw())) {
			k.bad(where, "%s is too long or no UTF-8", r.Name)
		}
	}
}

func (k *checker) paths() {
	c := k.c
	if len(c.Delete) > pathsMost {
		k.bad("delete", "there are %d paths; at most %d", len(c.Delete), pathsMost)
	}
	for i, p := range c.Delete {
		if p.Depth() > 2 {
			k.bad(fmt.Sprintf("delete[%d]", i), "%s is no object and no object instance (section 6.1.7.6)", p)
		}
	}
	if len(c.Read) > pathsMost {
		k.bad("read", "there are %d paths; at most %d", len(c.Read), pathsMost)
	}
	for i, p := range c.Read {
		if p.Depth() < 1 || p.Depth() > 2 || p.Object() != 1 && p.Object() != 2 {
			k.bad(fmt.Sprintf("read[%d]", i), "%s: only /1 and /2 and their instances can be read in a bootstrap", p)
		}
	}
}

func (k *checker) objects() {
	list := k.c.Objects
	if len(list) > writesMost {
		k.bad("objects", "there are %d paths; at most %d", len(list), writesMost)
		return
	}
	total := 0
	for i, w := range list {
		where := "objects." + w.Path.String()
		total += len(w.Entries)
		for _, other := range list[:i] {
			if w.Path.HasPrefix(other.Path) || other.Path.HasPrefix(w.Path) {
				k.bad(where, "is part of %s, or the reverse", other.Path)
			}
		}
		k.write(where, w)
	}
	if total > entriesMost {
		k.bad("objects", "there are %d values; at most %d", total, entriesMost)
	}
}

func (k *checker) write(where string, w bootstrap.Write) {
	p := w.Path
	switch {
	case p.Depth() < 1 || p.Depth() > 3:
		k.bad(where, "is no object, object instance or resource")
		return
	case p.Object() == 0 || p.Object() == 1:
		k.bad(where, "objects 0 and 1 are written by servers")
		return
	}
	o := k.reg.Object(p.Object(), lwm2m.Version{})
	if o == nil {
		k.bad(where, "object %d has no definition here, so its values cannot be checked: add its definition first", p.Object())
		return
	}
	if len(w.Entries) == 0 {
		k.bad(where, "has no values")
		return
	}
	there := map[lwm2m.Path]bool{}
	var instances []lwm2m.Path
	for _, e := range w.Entries {
		if e.Path.Depth() < 3 {
			instances = append(instances, e.Path)
			continue
		}
		k.value("objects."+e.Path.String(), o, e.Path.Resource(), e.Path.Depth() == 4, e.Value)
		there[e.Path.Cut(3)] = true
		if in := e.Path.Cut(2); !slices.Contains(instances, in) {
			instances = append(instances, in)
		}
		if !o.Multiple && e.Path.Instance() != 0 {
			k.bad("objects."+e.Path.String(), "object %d (%s) has one instance, 0", o.ID, o.Name)
		}
	}
	if p.Depth() < 3 {
		k.mandatory(o, instances, there)
	}
	if o.ID == 2 {
		k.acl(w)
	}
}

// mandatory: a new instance has all mandatory resources that the device cannot know by itself.
func (k *checker) mandatory(o *registry.Object, instances []lwm2m.Path, there map[lwm2m.Path]bool) {
	for _, in := range instances {
		if in.Depth() != 2 {
			continue
		}
		for _, r := range o.Resources {
			given := r.Operations == 0 || r.Operations.Has(lwm2m.Write) || o.ID == 2
			if r.Mandatory && r.Kind != lwm2m.None && given && !there[in.Child(r.ID)] {
				k.bad("objects."+in.String(), "%s (%d) is mandatory and missing", r.Name, r.ID)
			}
		}
	}
}

// acl checks who owns and who may: servers that the device will know (E.3).
func (k *checker) acl(w bootstrap.Write) {
	if !slices.ContainsFunc(k.c.Delete, func(d lwm2m.Path) bool { return d.Depth() == 0 || d.Depth() == 1 && d.Object() == 1 }) {
		return // the device may have other servers
	}
	known := func(id int64) bool {
		return slices.ContainsFunc(k.c.Servers, func(s Server) bool { return int64(s.ShortID) == id })
	}
	for _, e := range w.Entries {
		where := "objects." + e.Path.String()
		switch {
		case e.Path.Depth() == 4 && e.Path.Resource() == 2:
			if id := e.Path.ResourceInstance(); id != 0 && !known(int64(id)) {
				k.bad(where, "the device will know no server with Short Server ID %d", id)
			}
		case e.Path.Depth() == 3 && e.Path.Resource() == 3:
			if id, ok := e.Value.AsInt(); ok && id != int64(lwm2m.NoID) && !known(id) {
				k.bad(where, "the device will know no server with Short Server ID %d, which would own this", id)
			}
		}
	}
}

var errNoFormat = errors.New("no format")

// FormatOf is the content format of a word; empty is none.
func FormatOf(word string) (ct coap.ContentFormat, has bool, err error) {
	switch word {
	case "", "auto":
		return 0, false, nil
	case "tlv":
		return coap.TLV, true, nil
	case "senml-json":
		return coap.SenMLJSON, true, nil
	case "senml-cbor":
		return coap.SenMLCBOR, true, nil
	}
	return 0, false, errNoFormat
}
