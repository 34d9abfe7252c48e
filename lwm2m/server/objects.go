package server

import (
	"errors"

	"heddle.example/coap"
	"heddle.example/lwm2m"
)

// Objects is the list of objects and object instances that a device registered. Devices of one kind register the same
// list, so it is shared: a million thermometers keep one. It never changes.
type Objects struct {
	text     string
	root     string
	formats  formatSet
	versions []objectVersion
	refs     int // how many registrations share it; used by the owner alone
	shared   bool
}

type objectVersion struct {
	object  uint16
	version lwm2m.Version
}

// Text returns the list as the device sent it, in link format (RFC 6690).
func (o *Objects) Text() string { return o.text }

// Root returns the alternate root path (section 6.2.1.3), or "".
func (o *Objects) Root() string { return o.root }

// Links returns the list, parsed anew.
func (o *Objects) Links() []lwm2m.Link {
	links, _ := lwm2m.ParseLinks(nil, o.root, []byte(o.text))
	return links
}

// Inventory returns the objects and their instances, parsed anew. To find out what many devices have, parse each
// distinct *Objects once.
func (o *Objects) Inventory() lwm2m.Inventory {
	inv, _ := lwm2m.ParseInventory([]byte(o.text))
	return inv
}

// Version returns the version of an object that the device registered, or the zero Version where it said none.
func (o *Objects) Version(object uint16) lwm2m.Version {
	for _, v := range o.versions {
		if v.object == object {
			return v.version
		}
	}
	return lwm2m.Version{}
}

// Formats returns the content formats that the device says it knows.
func (o *Objects) Formats() []coap.ContentFormat { return o.formats.list() }

var (
	errNoObjects   = errors.New("no object links")
	errLongObjects = errors.New("too many bytes of object links")
	errFullObjects = errors.New("no room for more object links")
)

func parseObjects(b []byte) (*Objects, error) {
	inv, err := lwm2m.ParseInventory(b)
	if err != nil {
		return nil, err
	}
	if len(inv.Objects) == 0 {
		return nil, errNoObjects
	}
	o := &Objects{text: string(b), root: inv.Root}
	for _, f := range inv.Formats {
		o.formats.add(coap.ContentFormat(f))
	}
	n := 0
	for i := range inv.Objects {
		if !inv.Objects[i].Version.IsZero() {
			n++
		}
	}
	o.versions = make([]objectVersion, 0, n)
	for i := range inv.Objects {
		if v := inv.Objects[i].Version; !v.IsZero() {
			o.versions = append(o.versions, objectVersion{inv.Objects[i].ID, v})
		}
	}
	return o, nil
}

// objectsTable finds the list that is equal to a payload. It holds a bounded number of lists; the ones beyond are not
// shared.
type objectsTable struct {
	byText   map[string]*Objects
	limit    int
	bytes    int // of all lists, shared ones once
	maxBytes int
}

// take returns the list of a payload and counts one more user of it.
func (t *objectsTable) take(b []byte, limit int) (*Objects, error) {
	if len(b) > limit {
		return nil, errLongObjects
	}
	if o := t.byText[string(b)]; o != nil {
		o.refs++
		return o, nil
	}
	if t.bytes+len(b) > t.maxBytes {
		return nil, errFullObjects
	}
	o, err := parseObjects(b)
	if err != nil {
		return nil, err
	}
	o.refs = 1
	t.bytes += len(b)
	if len(t.byText) < t.limit {
		if t.byText == nil {
			t.byText = map[string]*Objects{}
		}
		o.shared = true
		t.byText[o.text] = o
	}
	return o, nil
}

// release counts one user less.
func (t *objectsTable) release(o *Objects) {
	if o.refs--; o.refs > 0 {
		return
	}
	t.bytes -= len(o.text)
	if o.shared {
		delete(t.byText, o.text)
	}
}

// objectsCode is what a Register or Update with an unusable list is answered.
func objectsCode(err error) coap.Code {
	switch err {
	case errLongObjects:
		return coap.RequestEntityTooLarge
	case errFullObjects:
		return coap.ServiceUnavailable
	}
	return coap.BadRequest
}
