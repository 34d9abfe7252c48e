package bootstrap

import (
	"fmt"
	"slices"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/format"
)

// Op is what a message of a session does.
type Op uint8

// The operations of the bootstrap interface.
const (
	Request Op = iota + 1 // the device's Bootstrap-Request
	Discover
	Read
	Delete
	WriteOp
	Finish
)

var opNames = [...]string{"", "request", "discover", "read", "delete", "write", "finish"}

func (o Op) String() string {
	if int(o) < len(opNames) {
		return opNames[o]
	}
	return "unknown"
}

// Message is one message of a session, before it is encoded.
type Message struct {
	Op      Op
	Method  coap.Code
	Path    lwm2m.Path    // root for /bs
	Entries []lwm2m.Entry // Write: secrets and all
	Note    string        // what is worth knowing: an instance that was moved
	Skipped bool          // it is not sent; Note says why
}

// URI is the path as it is sent.
func (m *Message) URI() string {
	if m.Op == Finish || m.Op == Request {
		return "/bs"
	}
	return m.Path.String()
}

// First is the message that follows every Bootstrap-Request.
func First() Message { return Message{Op: Discover, Method: coap.GET} }

// Messages returns what follows the Discover, in order: reads, deletes, writes and the Finish (section 6.1.4).
func (p *Provision) Messages(f *Found) []Message {
	var list []Message
	for _, r := range p.Read {
		list = append(list, Message{Op: Read, Method: coap.GET, Path: r})
	}
	own := f.Own()
	for _, d := range p.Delete {
		m := Message{Op: Delete, Method: coap.DELETE, Path: d}
		if d.Depth() == 2 && d.Object() == securityObject && slices.Contains(own, d.Instance()) {
			m.Skipped, m.Note = true, "it is the device's account of this bootstrap server, which stays"
		}
		list = append(list, m)
	}
	list = p.own(list, f)
	list = p.accounts(list, f, own)
	for _, w := range p.Writes {
		list = append(list, Message{Op: WriteOp, Method: coap.PUT, Path: w.Path, Entries: w.Entries})
	}
	return append(list, Message{Op: Finish, Method: coap.POST})
}

// own writes the resources of the device's account of this server, each by itself so that the others stay.
func (p *Provision) own(list []Message, f *Found) []Message {
	if len(p.Own) == 0 {
		return list
	}
	id, sure := f.account()
	for _, e := range entries(lwm2m.NewPath(securityObject, id), p.Own) {
		m := Message{Op: WriteOp, Method: coap.PUT, Path: e.Path, Entries: []lwm2m.Entry{e}}
		if !sure {
			m.Skipped, m.Note = true, "the device does not say which instance is its account of this bootstrap server"
		}
		list = append(list, m)
	}
	return list
}

// accounts chooses the instances of the servers and writes them, each Security instance before its Server instance.
func (p *Provision) accounts(list []Message, f *Found, own []uint16) []Message {
	security := newChooser(f.Security, p.remaining(securityObject), own)
	server := newChooser(f.Server, p.remaining(serverObject), nil)
	// Wishes first, so that a server that leaves the choice open does not take another one's place.
	sec, srv := make([]choice, len(p.Accounts)), make([]choice, len(p.Accounts))
	for pass := range 2 {
		for i := range p.Accounts {
			a := &p.Accounts[i]
			if (a.SecurityInstance == lwm2m.NoID) == (pass == 1) {
				sec[i] = security.choose(a.SecurityInstance, a.ShortID)
			}
			if (a.ServerInstance == lwm2m.NoID) == (pass == 1) {
				srv[i] = server.choose(a.ServerInstance, a.ShortID)
			}
		}
	}
	for i := range p.Accounts {
		a := &p.Accounts[i]
		list = append(list, f.write(lwm2m.NewPath(securityObject, sec[i].id), a.Security, lastSecurity1_0, sec[i].note),
			f.write(lwm2m.NewPath(serverObject, srv[i].id), a.Server, lastServer1_0, srv[i].note))
	}
	return list
}

// The last resources of the objects in version 1.0: a device of that version may refuse an instance with later ones.
const (
	lastSecurity1_0 uint16 = 12
	lastServer1_0   uint16 = 8
)

// write writes an instance of an account, as far as the device's version knows it.
func (f *Found) write(at lwm2m.Path, list []Resource, last uint16, note string) Message {
	if !f.Version.AtLeast(lwm2m.V1_1) {
		var known []Resource
		for _, r := range list {
			if r.ID <= last {
				known = append(known, r)
			} else if left := fmt.Sprintf("resource %d is left out, since the device speaks version 1.0", r.ID); note == "" {
				note = left
			} else {
				note += "; " + left
			}
		}
		list = known
	}
	return Message{Op: WriteOp, Method: coap.PUT, Path: at, Entries: entries(at, list), Note: note}
}

// remaining says which instances of an object are still there after the deletes.
func (p *Provision) remaining(object uint16) func(id uint16) bool {
	return func(id uint16) bool {
		return !slices.ContainsFunc(p.Delete, func(d lwm2m.Path) bool { return lwm2m.NewPath(object, id).HasPrefix(d) })
	}
}

// chooser gives out instances of an object.
type chooser struct {
	there []Instance // on the device after the deletes
	own   []uint16   // never given out
	taken []uint16
}

type choice struct {
	id   uint16
	note string
}

func newChooser(found []Instance, remains func(uint16) bool, own []uint16) *chooser {
	c := &chooser{own: own}
	for _, in := range found {
		if remains(in.ID) || slices.Contains(own, in.ID) {
			c.there = append(c.there, in)
		}
	}
	return c
}

func (c *chooser) choose(wish, short uint16) choice {
	if wish != lwm2m.NoID && !slices.Contains(c.own, wish) && !slices.Contains(c.taken, wish) {
		c.taken = append(c.taken, wish)
		return choice{id: wish}
	}
	var got choice
	if id, ok := of(c.there, short); ok && wish == lwm2m.NoID && !slices.Contains(c.taken, id) {
		got = choice{id, "the instance that the device has for this server"}
	} else {
		for slices.Contains(c.own, got.id) || slices.Contains(c.taken, got.id) || slices.ContainsFunc(c.there, func(in Instance) bool { return in.ID == got.id }) {
			got.id++
		}
	}
	if wish != lwm2m.NoID {
		got.note = fmt.Sprintf("instance %d is the device's account of this bootstrap server, so %d was chosen", wish, got.id)
	}
	c.taken = append(c.taken, got.id)
	return got
}

// writeFormats is the formats that carry a whole instance, the one that every device knows first (section 7.4).
var writeFormats = []coap.ContentFormat{coap.TLV, coap.SenMLCBOR, coap.SenMLJSON, coap.TLVOld}

// Writable reports whether a format can carry a whole instance.
func Writable(ct coap.ContentFormat) bool { return slices.Contains(writeFormats, ct) }

// Encode makes the payload of a Write.
func (m *Message) Encode(ct coap.ContentFormat) ([]byte, error) {
	return format.Append(nil, ct, m.Path, m.Entries)
}
