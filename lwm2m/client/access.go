package client

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// Rights are what a server may do with an object instance: the bits of an ACL (resource 2 of object 2).
type Rights uint8

// The rights. Create counts on an object, in the Access Control instance for its instance 65535.
const (
	RightRead Rights = 1 << iota // Read, Observe, Write-Attributes
	RightWrite
	RightExecute
	RightDelete
	RightCreate
)

// ownerRights are those of an owner about whom the ACL says nothing.
const ownerRights = RightRead | RightWrite | RightExecute | RightDelete

// AccessControl is an instance of object 2: what servers may do with one object instance (8.1).
type AccessControl struct {
	ID               uint16 // of the instance of object 2; New moves what two have to the next free one
	Object, Instance uint16 // Instance 65535 (lwm2m.NoID) is for Create
	Owner            uint16 // Short Server ID; 65535: the bootstrap server
	Rights           []ServerRights
}

// String returns the rights as letters: "RW", and "-" for none.
func (r Rights) String() string {
	s := ""
	for i, c := range "RWEDC" {
		if r&(1<<i) != 0 {
			s += string(c)
		}
	}
	if s == "" {
		return "-"
	}
	return s
}

// ParseRights reads the letters of String.
func ParseRights(s string) (Rights, error) {
	var r Rights
	for _, c := range s {
		i := strings.IndexRune("RWEDC", c)
		if i < 0 {
			return 0, fmt.Errorf("lwm2m client: %.16q: rights are letters of R, W, E, D and C", s)
		}
		r |= 1 << i
	}
	return r, nil
}

// AccessControl returns the instances of object 2.
func (c *Client) AccessControl() []AccessControl {
	if c.access == nil {
		return nil
	}
	out := make([]AccessControl, len(c.access.rules))
	for i := range out {
		out[i] = c.access.rules[i].AccessControl
		out[i].Rights = slices.Clone(out[i].Rights)
	}
	return out
}

// ServerRights are the rights of one server.
type ServerRights struct {
	Server uint16 // Short Server ID; 0: every server that is not named, and is not the owner
	Rights Rights
}

// The resources of object 2.
const (
	accessTo       = 0
	accessInstance = 1
	accessACL      = 2
	accessOwner    = 3
)

var accessDefinition = Definition{ID: accessObject, Name: "LwM2M Access Control", Version: lwm2m.V1_1, Multiple: true, Resources: []Resource{
	{ID: accessTo, Name: "Object ID", Kind: lwm2m.Integer, Operations: ro, Mandatory: true, Min: 1, Max: 65534},
	{ID: accessInstance, Name: "Object Instance ID", Kind: lwm2m.Integer, Operations: ro, Mandatory: true, Max: 65535},
	{ID: accessACL, Name: "ACL", Kind: lwm2m.Integer, Operations: rw, Multiple: true, Max: 31},
	{ID: accessOwner, Name: "Access Control Owner", Kind: lwm2m.Integer, Operations: rw, Mandatory: true, Max: 65535},
}}

// accessRule is an instance of object 2 at run time.
type accessRule struct{ AccessControl }

// access is object 2 as an Object. It enforces nothing by itself: see Client.authorize.
type access struct {
	c     *Client
	rules []accessRule // ascending by ID
	// configured says that a bootstrap or the configuration has given rules. Then what has none is closed; otherwise, as
	// on devices whose operator never heard of object 2, it is open.
	configured bool
	stored     string // the record as it was persisted last
}

func newAccess(c *Client, rules []AccessControl) *access {
	a := &access{c: c, configured: len(rules) > 0}
	var taken []uint16
	for _, r := range rules {
		r.ID, r.Rights = freeID(&taken, r.ID), slices.Clone(r.Rights)
		slices.SortFunc(r.Rights, func(a, b ServerRights) int { return cmp.Compare(a.Server, b.Server) })
		a.rules = append(a.rules, accessRule{r})
	}
	slices.SortFunc(a.rules, func(r, q accessRule) int { return cmp.Compare(r.ID, q.ID) })
	return a
}

// Definition implements Object.
func (a *access) Definition() *Definition { return &accessDefinition }

// Instances implements Object.
func (a *access) Instances(dst []uint16) []uint16 {
	for _, r := range a.rules {
		dst = append(dst, r.ID)
	}
	return dst
}

func (a *access) rule(id uint16) *accessRule {
	i, ok := slices.BinarySearchFunc(a.rules, id, func(r accessRule, id uint16) int { return cmp.Compare(r.ID, id) })
	if !ok {
		return nil
	}
	return &a.rules[i]
}

// Read implements Object.
func (a *access) Read(_ machine.Time, dst []lwm2m.Entry, p lwm2m.Path) ([]lwm2m.Entry, bool) {
	r := a.rule(p.Instance())
	if r == nil {
		return dst, false
	}
	return r.append(dst, p), true
}

// append appends one resource.
func (r *accessRule) append(dst []lwm2m.Entry, p lwm2m.Path) []lwm2m.Entry {
	one := func(n uint16) []lwm2m.Entry {
		return append(dst, lwm2m.Entry{Path: p, Value: lwm2m.Int(int64(n))})
	}
	switch p.Resource() {
	case accessTo:
		return one(r.Object)
	case accessInstance:
		return one(r.Instance)
	case accessOwner:
		return one(r.Owner)
	}
	for _, s := range r.Rights {
		dst = append(dst, lwm2m.Entry{Path: p.Child(s.Server), Value: lwm2m.Int(int64(s.Rights))})
	}
	return dst
}

// CheckWrite implements Writer.
func (a *access) CheckWrite(_ Call, w Writing) error {
	if len(w.Entries) > maxAccounts+1 {
		return BadRequest("an ACL has an entry for each server at most")
	}
	for _, e := range w.Entries {
		if e.Path.Depth() == 4 && e.Path.ResourceInstance() == lwm2m.NoID {
			return BadRequest("65535 is no Short Server ID")
		}
	}
	return nil
}

// Write implements Writer.
func (a *access) Write(_ Call, w Writing) {
	r := a.rule(w.Resource.Instance())
	if r == nil {
		return
	}
	if w.Resource.Resource() == accessACL && w.Replace {
		r.Rights = nil
	}
	for _, e := range w.Entries {
		r.set(e)
	}
	a.c.dirty = true
	a.c.changed(lwm2m.Root) // who may no longer read is told nothing any more
}

// set sets one resource or resource instance.
func (r *accessRule) set(e lwm2m.Entry) {
	n, _ := e.Value.AsInt()
	switch e.Path.Resource() {
	case accessTo:
		r.Object = uint16(n)
	case accessInstance:
		r.Instance = uint16(n)
	case accessOwner:
		r.Owner = uint16(n)
	case accessACL:
		if e.Path.Depth() < 4 {
			return
		}
		s := ServerRights{e.Path.ResourceInstance(), Rights(n)}
		i, ok := slices.BinarySearchFunc(r.Rights, s, func(a, b ServerRights) int { return cmp.Compare(a.Server, b.Server) })
		if ok {
			r.Rights[i] = s
		} else {
			r.Rights = slices.Insert(r.Rights, i, s)
		}
	}
}

// of returns the rights of a server (8.2): what the ACL says about it, else all for the owner, else what it says about
// everybody, else none.
func (r *accessRule) of(server uint16) Rights {
	everybody := Rights(0)
	for _, s := range r.Rights {
		switch s.Server {
		case server:
			return s.Rights
		case 0:
			everybody = s.Rights
		}
	}
	if r.Owner == server {
		return ownerRights
	}
	return everybody
}

// find returns the rule for an object instance, or nil.
func (a *access) find(object, instance uint16) *accessRule {
	for i := range a.rules {
		if r := &a.rules[i]; r.Object == object && r.Instance == instance {
			return r
		}
	}
	return nil
}

// denied is the answer to a request without the right to it.
var denied error = &Error{coap.Unauthorized, "this server has no right to do so"}

// authorize reports why the account on whose behalf the client works may not do something to the instance of a path, or,
// with RightCreate, to an object. With one server nobody is restricted; the program and the bootstrap server never are.
func (c *Client) authorize(p lwm2m.Path, right Rights) error {
	if c.access == nil || c.acting < 0 || !c.severalServers() {
		return nil
	}
	a, server := c.access, c.accounts[c.acting].ShortID
	if c.accounts[c.acting].Bootstrap {
		return nil
	}
	instance := p.Instance()
	if right == RightCreate {
		instance = lwm2m.NoID
	}
	if p.Object() == accessObject {
		// Everybody may read who may what; the owner alone changes it (8.1).
		if r := a.rule(p.Instance()); right == RightRead || right == RightWrite && r != nil && r.Owner == server {
			return nil
		}
		return denied
	}
	r := a.find(p.Object(), instance)
	switch {
	case r == nil && !a.configured:
		return nil
	case r == nil || r.of(server)&right == 0:
		return denied
	}
	return nil
}

// severalServers reports whether there is more than one server.
func (c *Client) severalServers() bool {
	n := 0
	for i := range c.accounts {
		if c.accounts[i].serves() {
			n++
		}
	}
	return n > 1
}

// ownInstance makes the server that created an instance its owner.
func (c *Client) ownInstance(call Call, instance lwm2m.Path) {
	if c.access == nil || call.Server == 0 || !c.severalServers() {
		return
	}
	if a := c.access; a.find(instance.Object(), instance.Instance()) == nil {
		id, ok := c.freeInstance(a)
		if !ok {
			return
		}
		i, _ := slices.BinarySearchFunc(a.rules, id, func(r accessRule, id uint16) int { return cmp.Compare(r.ID, id) })
		a.rules = slices.Insert(a.rules, i, accessRule{AccessControl{ID: id, Object: instance.Object(), Instance: instance.Instance(), Owner: call.Server}})
		c.dirty = true
	}
}

// disownInstance takes the rule of an instance away that is gone.
func (c *Client) disownInstance(instance lwm2m.Path) {
	if c.access == nil {
		return
	}
	n := len(c.access.rules)
	c.access.rules = slices.DeleteFunc(c.access.rules, func(r accessRule) bool {
		return r.Object == instance.Object() && r.Instance == instance.Instance()
	})
	c.dirty = c.dirty || len(c.access.rules) != n
}
