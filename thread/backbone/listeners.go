package backbone

import (
	"slices"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/tlv"
)

// Status is a primary's answer to a registration (Thread 1.2 section 5.24.2).
type Status uint8

// The answers.
const (
	Registered  Status = 0
	Invalid     Status = 2
	NoResources Status = 4
	NotPrimary  Status = 5
	Failure     Status = 6
)

// TLVs of a registration.
const (
	tlvStatus    = 4
	tlvTimeout   = 11
	tlvAddresses = 14
	tlvSession   = 15
)

// MaxAddresses is how many addresses one registration has.
const MaxAddresses = 15

// maxListeners bounds the groups (OPENTHREAD_CONFIG_MAX_MULTICAST_LISTENERS).
const maxListeners = 75

// Listener is a multicast group that somebody in the mesh listens to.
type Listener struct {
	Group ip6.Address
	Until machine.Time
}

// Listeners are the groups that a primary knows of.
type Listeners struct {
	list []Listener
	next Status // of the next registration, for tests
	test bool
}

// All returns those that have not expired.
func (l *Listeners) All(now machine.Time) []Listener {
	l.list = slices.DeleteFunc(l.list, func(x Listener) bool { return x.Until <= now })
	return l.list
}

// Clear forgets all.
func (l *Listeners) Clear() { l.list = nil }

// Answer makes the next registration end so.
func (l *Listeners) Answer(s Status) { l.next, l.test = s, true }

// Add registers a group for a time.
func (l *Listeners) Add(now machine.Time, group ip6.Address, timeout time.Duration) Status {
	if !wide(group) {
		return Invalid
	}
	until := now.Add(timeout)
	for i := range l.list {
		if l.list[i].Group == group {
			l.list[i].Until = until
			return Registered
		}
	}
	if len(l.All(now)) >= maxListeners {
		return NoResources
	}
	l.list = append(l.list, Listener{group, until})
	return Registered
}

// wide reports whether a group reaches beyond the mesh.
func wide(group ip6.Address) bool { return group.IsMulticast() && group.Scope() > 3 }

// Serve takes in a registration at the primary, and returns the answer. session is that of the network's commissioner, who alone
// may say for how long.
func (l *Listeners) Serve(now machine.Time, request []byte, c *Config, session uint16, commissioned bool) []byte {
	s, failed := l.serve(now, request, c, session, commissioned)
	b := tlv.AppendUint8(nil, tlvStatus, uint8(s))
	if len(failed) > 0 {
		b = tlv.Append(b, tlvAddresses, failed)
	}
	return b
}

func (l *Listeners) serve(now machine.Time, request []byte, c *Config, session uint16, commissioned bool) (s Status, failed []byte) {
	groups, ok := tlv.Find(request, tlvAddresses)
	switch {
	case l.test:
		l.test = false
		return l.next, nil
	case !ok || len(groups)%16 != 0 || len(groups) > 16*MaxAddresses:
		return Invalid, nil
	}
	timeout := max(c.Timeout, 0)
	if id, has := tlv.Uint16(request, tlvSession); has {
		if !commissioned || id != session {
			return Failure, nil
		}
		if t, has := tlv.Uint32(request, tlvTimeout); has {
			timeout = time.Duration(t) * time.Second
		}
	}
	for ; len(groups) > 0; groups = groups[16:] {
		g := ip6.Address(groups[:16])
		if timeout == 0 {
			l.list = slices.DeleteFunc(l.list, func(x Listener) bool { return x.Group == g })
			continue
		}
		if st := l.Add(now, g, timeout); st != Registered {
			s, failed = st, append(failed, g[:]...)
		}
	}
	return s, failed
}

// AppendRegistration appends a registration of groups. A commissioner names its session, and perhaps a time-out in seconds.
func AppendRegistration(dst []byte, groups []ip6.Address, session *uint16, timeout *uint32) []byte {
	var b []byte
	for _, g := range groups {
		b = append(b, g[:]...)
	}
	dst = tlv.Append(dst, tlvAddresses, b)
	if session != nil {
		dst = tlv.AppendUint16(dst, tlvSession, *session)
	}
	if timeout != nil {
		dst = tlv.AppendUint32(dst, tlvTimeout, *timeout)
	}
	return dst
}

// ParseAnswer reads the answer to one.
func ParseAnswer(b []byte) (s Status, failed []ip6.Address, ok bool) {
	v, ok := tlv.Uint8(b, tlvStatus)
	groups, _ := tlv.Find(b, tlvAddresses)
	if len(groups)%16 != 0 || len(groups) > 16*MaxAddresses || v == 0 && len(groups) > 0 {
		return 0, nil, false
	}
	for ; len(groups) > 0; groups = groups[16:] {
		failed = append(failed, ip6.Address(groups[:16]))
	}
	return Status(v), failed, ok
}
