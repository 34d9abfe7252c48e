package bootstrap

import (
	"heddle.example/coap"
	"heddle.example/lwm2m"
)

// Objects that the machine knows by number (appendix E).
const (
	securityObject uint16 = 0
	serverObject   uint16 = 1
	aclObject      uint16 = 2
	oscoreObject   uint16 = 21
)

// Resources of object 0 that the machine knows (E.1), and the Short Server ID of object 1 (E.2).
const (
	SecurityURI          uint16 = 0
	SecurityIsBootstrap  uint16 = 1
	SecurityMode         uint16 = 2
	SecurityPublic       uint16 = 3 // public key or identity
	SecurityServerPublic uint16 = 4
	SecuritySecret       uint16 = 5
	SecuritySMSParams    uint16 = 7
	SecuritySMSSecret    uint16 = 8
	SecurityShortID      uint16 = 10
	SecurityHoldOff      uint16 = 11
	SecurityTimeout      uint16 = 12
	ServerShortID        uint16 = 0
)

// Policy says what becomes of a session when the device refuses a message.
type Policy uint8

// The policies. A Delete of what is not there, and a device that does not know Discover or Read, never stop a session.
const (
	Stop Policy = iota // no further message, no Finish: the device goes back to what it had
	GoOn               // the refusal is noted
)

// Resource is a value of a resource, or of a resource instance where Multiple is set.
type Resource struct {
	ID       uint16
	Instance uint16
	Multiple bool
	Value    lwm2m.Value
}

// Account is a server that the device is given: an instance of the Security object and one of the Server object that
// share a Short Server ID.
type Account struct {
	ShortID uint16
	// SecurityInstance and ServerInstance are the instances to write; lwm2m.NoID: the one that the device has for this
	// Short Server ID, else the lowest free one.
	SecurityInstance, ServerInstance uint16
	Security, Server                 []Resource
}

// Write is something else to write: an object, an object instance or a resource, with all its values.
type Write struct {
	Path    lwm2m.Path
	Entries []lwm2m.Entry // sorted, at or below Path
}

// Provision is what a device is given. It does not change once it was handed over.
type Provision struct {
	Configuration string // its name, for the operator
	Read          []lwm2m.Path
	Delete        []lwm2m.Path
	Accounts      []Account
	// Own is resources of the device's account of this bootstrap server to change: a new key, a hold-off time. They are
	// written one by one to the instance that the device has for it, which must be known from its answer to Discover.
	Own       []Resource
	Writes    []Write
	Format    coap.ContentFormat // with HasFormat: instead of the one that the device prefers
	HasFormat bool
	Policy    Policy
}

// entries places resources in an instance.
func entries(instance lwm2m.Path, list []Resource) []lwm2m.Entry {
	out := make([]lwm2m.Entry, 0, len(list))
	for _, r := range list {
		p := instance.Child(r.ID)
		if r.Multiple {
			p = p.Child(r.Instance)
		}
		out = append(out, lwm2m.Entry{Path: p, Value: r.Value})
	}
	lwm2m.Sort(out)
	return out
}

// Secret reports whether the value at a path must not be shown: keys of the Security object and of OSCORE.
func Secret(p lwm2m.Path) bool {
	if p.Depth() < 3 {
		return false
	}
	switch p.Object() {
	case securityObject:
		switch p.Resource() {
		case SecuritySecret, SecuritySMSParams, SecuritySMSSecret:
			return true
		}
	case oscoreObject:
		return p.Resource() == 0 || p.Resource() == 5 // master secret and salt
	}
	return false
}
