package fleet

import (
	"encoding/json"
	"net/netip"
	"time"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// Time is an instant as the API writes it: RFC 3339 with milliseconds, UTC; null for the zero Time.
type Time machine.Time

// MarshalJSON implements json.Marshaler.
func (t Time) MarshalJSON() ([]byte, error) { return t.append(nil), nil }

// UnmarshalJSON implements json.Unmarshaler.
func (t *Time) UnmarshalJSON(b []byte) error {
	var s *time.Time
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	*t = 0
	if s != nil {
		*t = Time(s.UnixNano())
	}
	return nil
}

// UnmarshalText makes a Time a text in the OpenAPI document, too.
func (t *Time) UnmarshalText(b []byte) error {
	at, err := time.Parse(time.RFC3339, string(b))
	*t = Time(at.UnixNano())
	return err
}

func (t Time) append(dst []byte) []byte {
	if t == 0 || machine.Time(t) == machine.Never {
		return append(dst, "null"...)
	}
	dst = append(dst, '"')
	dst = time.Unix(0, int64(t)).UTC().AppendFormat(dst, "2006-01-02T15:04:05.000Z07:00")
	return append(dst, '"')
}

// AppendTime appends a time as Time.MarshalJSON does.
func AppendTime(dst []byte, t machine.Time) []byte { return Time(t).append(dst) }

// State says how a device is.
type State string

// The states.
const (
	Awake  State = "awake"  // a request would reach it now, as far as we know
	Asleep State = "asleep" // in queue mode, and its awake window is over
	Late   State = "late"   // its lifetime is over and no Update came: it is about to be removed
	Gone   State = "gone"   // not registered
)

// Security says how a device's messages are protected.
type Security struct {
	Mode     string `json:"mode" enum:"none,psk,rpk,x509" doc:"none is plain CoAP"`
	Identity string `json:"identity,omitempty" doc:"the identity that the device proved"`
	CID      bool   `json:"cid" doc:"the session survives a change of address (RFC 9146)"`
}

// Client is a row of the list of devices.
type Client struct {
	Endpoint     string   `json:"endpoint" doc:"endpoint client name"`
	ID           string   `json:"id" doc:"registration id, the last part of /rd/ID"`
	State        State    `json:"state" enum:"awake,asleep,late,gone"`
	Security     Security `json:"security"`
	Version      string   `json:"version" example:"1.1" doc:"LwM2M version"`
	Binding      string   `json:"binding" example:"U"`
	Queue        bool     `json:"queue" doc:"queue mode: the device listens only for a while after it has sent something"`
	Lifetime     float64  `json:"lifetime" doc:"seconds; 0: for ever"`
	RegisteredAt Time     `json:"registeredAt" format:"date-time"`
	UpdatedAt    Time     `json:"updatedAt" format:"date-time" doc:"of the last Register or Update"`
	ExpiresAt    Time     `json:"expiresAt" format:"date-time" nullable:"true"`
	LastSeen     Time     `json:"lastSeen" format:"date-time"`
	Address      string   `json:"address" example:"[2001:db8::1]:5683"`
	Kind         string   `json:"kind" doc:"what kind of thing it is, by its objects"`
	Objects      []string `json:"objects,omitempty" doc:"object and instance paths; only with fields=objects"`
	Battery      *float64 `json:"battery,omitempty" doc:"last known battery level in percent"`
	Queued       int      `json:"queued" doc:"requests that are kept until the device wakes"`
	Awake        bool     `json:"awake" doc:"it listens now"`
	AwakeUntil   Time     `json:"awakeUntil,omitempty" format:"date-time" nullable:"true" doc:"in queue mode and awake: until when, if nothing more is heard"`
	Pending      int      `json:"pending" doc:"operations under way"`
	Note         string   `json:"note,omitempty" doc:"what people wrote about it"`
	Tags         []string `json:"tags,omitempty" doc:"sorted"`
}

// state derives how a device is.
func state(reg *server.Registration, updated, now machine.Time, l line) State {
	switch {
	case reg.Lifetime > 0 && now > updated.Add(reg.Lifetime):
		return Late
	case reg.Queue && !l.awake():
		return Asleep
	}
	return Awake
}

// client makes the view of a row.
func (f *Fleet) client(r *row, objects bool) Client {
	return f.view(r.reg.Load(), machine.Time(r.updated.Load()), machine.Time(r.seen.Load()), int(r.pending.Load()), line(r.line.Load()), objects)
}

func (f *Fleet) view(reg *server.Registration, updated, seen machine.Time, pending int, l line, objects bool) Client {
	kind, identity, cid := reg.Security()
	c := Client{Endpoint: reg.Endpoint, ID: reg.ID.String(), State: state(reg, updated, f.o.Now(), l),
		Security: Security{kind.String(), identity, cid}, Version: reg.Version.String(), Binding: reg.Binding.String(), Queue: reg.Queue,
		Lifetime: reg.Lifetime.Seconds(), RegisteredAt: Time(reg.RegisteredAt), UpdatedAt: Time(updated), LastSeen: Time(seen),
		Address: address(reg.Path.Remote), Pending: pending}
	if c.Queued = l.queued(); reg.Queue && l.awake() {
		c.AwakeUntil = Time(seen.Add(l.window()))
	}
	c.Awake = !reg.Queue || l.awake()
	if reg.Lifetime > 0 {
		c.ExpiresAt = Time(updated.Add(reg.Lifetime))
	}
	c.Note, c.Tags = f.o.Notes(reg.Endpoint)
	k := f.kinds.of(reg.Objects, f.o.Registry)
	c.Kind = k.name
	if objects {
		c.Objects = k.paths
	}
	if v, ok := f.lastValue(reg.Endpoint, batteryLevel); ok {
		if b, ok := number(v); ok {
			c.Battery = &b
		}
	}
	return c
}

var batteryLevel = lwm2m.MustPath("/3/0/9")

// address writes an IPv4 address of a socket for both families as people do.
func address(a netip.AddrPort) string {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()).String()
}

// Client returns the view of one device.
func (f *Fleet) Client(endpoint string, objects bool) (Client, bool) {
	r := f.row(endpoint)
	if r == nil {
		return Client{}, false
	}
	return f.client(r, objects), true
}

// encode marshals what we made ourselves of values that JSON has: it cannot fail.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
