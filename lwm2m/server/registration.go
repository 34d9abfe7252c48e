package server

import (
	"encoding/base64"
	"encoding/binary"
	"time"

	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// RegistrationID is the last segment of a registration's location, /rd/ID: the shard that gave it out and 64 random
// bits, so that nobody can guess it.
type RegistrationID struct {
	Shard uint8
	Bits  uint64
}

const idLen = 12 // nine bytes in base64url

// Append appends the twelve characters of the id.
func (id RegistrationID) Append(dst []byte) []byte {
	var b [9]byte
	b[0] = id.Shard
	binary.BigEndian.PutUint64(b[1:], id.Bits)
	return base64.RawURLEncoding.AppendEncode(dst, b[:])
}

func (id RegistrationID) String() string { return string(id.Append(nil)) }

// ParseRegistrationID is the reverse of RegistrationID.String. What it takes has one spelling only.
func ParseRegistrationID(s []byte) (id RegistrationID, ok bool) {
	var b [9]byte
	if len(s) != idLen {
		return id, false
	}
	if n, err := base64.RawURLEncoding.Decode(b[:], s); err != nil || n != len(b) {
		return id, false
	}
	return RegistrationID{b[0], binary.BigEndian.Uint64(b[1:])}, true
}

// Registration is what one endpoint registered. It never changes: a change makes a new value, so it may be kept and
// shared between goroutines.
type Registration struct {
	ID           RegistrationID
	Endpoint     string
	Version      lwm2m.Version
	Binding      lwm2m.Binding
	Queue        bool
	Lifetime     time.Duration // zero: never ends
	SMS          string        // MSISDN, as the device sent it
	Params       string        // parameters that LwM2M does not know, as "a=b&c"
	Objects      *Objects      // shared by all devices that sent the same list
	Path         machine.Path
	RegisteredAt machine.Time
	UpdatedAt    machine.Time // of the Register or the last Update that changed something
}

// Location returns the registration's path on the server, "/rd/ID".
func (r *Registration) Location() string {
	return string(r.ID.Append(append(make([]byte, 0, 4+idLen), "/rd/"...)))
}

// Links returns the object links that the device registered, parsed anew.
func (r *Registration) Links() []lwm2m.Link { return r.Objects.Links() }

// Security returns the kind of security, the identity that the device proved and whether its session survives a
// change of address.
func (r *Registration) Security() (kind machine.SecurityKind, identity string, cid bool) {
	if id := r.Path.Security; id != nil {
		return id.Kind, id.Name, id.CID
	}
	return machine.NoSecurity, "", false
}

// sameOwner reports whether a message on path p comes from the identity that made the registration. Sessions come and
// go, the proved identity stays. A plain registration has no identity to compare: knowing its 64 random bits is enough,
// but they do not count on a secure path, nor the reverse.
func (r *Registration) sameOwner(p machine.Path) bool {
	a, b := r.Path.Security, p.Security
	if a == nil || b == nil {
		return a == b
	}
	return a == b || a.Kind == b.Kind && a.Name == b.Name
}

// samePath reports whether p is the path that requests to this device take now. A secure session is one path wherever
// its records come from: the layer below adopts a new address when it is proved (RFC 9146 section 6), never a request.
func (r *Registration) samePath(p machine.Path) bool {
	if q := &r.Path; q.Security == nil && p.Security == nil {
		return q.Remote == p.Remote && q.Local == p.Local && q.Link == p.Link
	}
	return session(r.Path.Security) == session(p.Security)
}

func session(id *machine.Identity) uint64 {
	if id == nil {
		return 0
	}
	return id.Session
}
