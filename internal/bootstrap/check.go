package bootstrap

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"heddle.example/coap"
	"heddle.example/lwm2m/bootstrap"
	"heddle.example/lwm2m/registry"
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
