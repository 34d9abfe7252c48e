package server

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// The tables of this package.
const (
	RegistrationTable machine.Table = "lwm2m.registration" // key: endpoint
	ObservationTable  machine.Table = "lwm2m.observation"  // key: endpoint, zero byte, path; or each path of a composite behind a blank
	QueueTable        machine.Table = "lwm2m.queue"        // key: endpoint, zero byte, operation id
	ResultTable       machine.Table = "lwm2m.result"       // key: operation id
	AwakeTable        machine.Table = "lwm2m.awake"        // key: endpoint; its awake window where an operator said one
)

// Tables returns every table that a Server's Persist actions name. Their records go to Restore.
func Tables() []machine.Table {
	return []machine.Table{sessionTable, RegistrationTable, ObservationTable, QueueTable, ResultTable, AwakeTable}
}

const recordVersion = 1

var errRecord = errors.New("record is cut short or malformed")

// writer appends the fields of a record: unsigned numbers as varints, bytes with their length before them.
type writer []byte

func (w *writer) uint(v uint64)       { *w = binary.AppendUvarint(*w, v) }
func (w *writer) time(t machine.Time) { w.uint(uint64(t)) }
func (w *writer) text(s string)       { w.uint(uint64(len(s))); *w = append(*w, s...) }
func (w *writer) bool(b bool) {
	if b {
		w.uint(1)
	} else {
		w.uint(0)
	}
}

func (w *writer) addr(a netip.AddrPort) {
	b, _ := a.Addr().MarshalBinary() // never fails
	w.text(string(b))
	w.uint(uint64(a.Port()))
}

// reader reads them back. After the first error everything is zero.
type reader struct {
	b   []byte
	err error
}

func (r *reader) uint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.b, r.err = nil, errRecord
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (r *reader) time() machine.Time { return machine.Time(r.uint()) }
func (r *reader) bool() bool         { return r.uint() != 0 }

func (r *reader) bytes() []byte {
	n := r.uint()
	if n > uint64(len(r.b)) {
		r.b, r.err = nil, errRecord
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) text() string { return string(r.bytes()) }

func (r *reader) addr() netip.AddrPort {
	var a netip.Addr
	if err := a.UnmarshalBinary(r.bytes()); err != nil {
		r.err = errRecord
	}
	return netip.AddrPortFrom(a, uint16(r.uint()))
}

func (r *reader) version() {
	if v := r.uint(); r.err == nil && v != recordVersion {
		r.b, r.err = nil, fmt.Errorf("record has version %d, this program knows %d", v, recordVersion)
	}
}

// registrationRecord makes a record in the nest's memory.
func registrationRecord(n *machine.Nest, reg *Registration) machine.Record {
	w := writer(n.Buf(160 + len(reg.Objects.text)))
	w.uint(recordVersion)
	w.uint(uint64(reg.ID.Shard))
	w.uint(reg.ID.Bits)
	w.uint(uint64(reg.Version.Major))
	w.uint(uint64(reg.Version.Minor))
	w.uint(uint64(reg.Binding))
	w.bool(reg.Queue)
	w.uint(uint64(reg.Lifetime / time.Second))
	w.text(reg.SMS)
	w.text(reg.Params)
	w.text(reg.Objects.text)
	w.time(reg.RegisteredAt)
	w.time(reg.UpdatedAt)
	w.addr(reg.Path.Local)
	w.addr(reg.Path.Remote)
	w.uint(uint64(reg.Path.Link))
	id := reg.Path.Security
	if w.bool(id != nil); id != nil {
		w.uint(uint64(id.Kind))
		w.text(id.Name)
		w.uint(id.Session)
		w.bool(id.CID)
	}
	return machine.Record{Table: RegistrationTable, Key: append(n.Buf(len(reg.Endpoint)), reg.Endpoint...), Value: w}
}

func registrationRemoved(ep string) machine.Record {
	return machine.Record{Table: RegistrationTable, Key: []byte(ep)}
}

// readRegistration reads a record; its object links come apart, to be shared.
func readRegistration(key, value []byte) (reg *Registration, objects []byte, err error) {
	r := reader{b: value}
	r.version()
	reg = &Registration{Endpoint: string(key)}
	reg.ID.Shard = uint8(r.uint())
	reg.ID.Bits = r.uint()
	reg.Version = lwm2m.Version{Major: uint8(r.uint()), Minor: uint8(r.uint())}
	reg.Binding = lwm2m.Binding(r.uint())
	reg.Queue = r.bool()
	reg.Lifetime = time.Duration(r.uint()) * time.Second
	reg.SMS = r.text()
	reg.Params = r.text()
	objects = r.bytes()
	reg.RegisteredAt = r.time()
	reg.UpdatedAt = r.time()
	reg.Path.Local = r.addr()
	reg.Path.Remote = r.addr()
	reg.Path.Link = uint32(r.uint())
	if r.bool() {
		id := &machine.Identity{Kind: machine.SecurityKind(r.uint()), Name: r.text(), Session: r.uint(), CID: r.bool()}
		id.Resumed = true
		reg.Path.Security = id
	}
	return reg, objects, r.err
}

func observationKey(o *observation) []byte {
	key := append([]byte(o.endpoint), 0)
	if o.Paths == nil {
		return o.Path.Append(key)
	}
	for _, p := range o.Paths {
		key = p.Append(append(key, ' '))
	}
	return key
}

func observationRecord(o *observation) machine.Record {
	w := make(writer, 0, 64)
	w.uint(recordVersion)
	w.uint(uint64(o.ID))
	w.text(string(o.token.Bytes()))
	w.uint(o.under)
	w.time(o.Since)
	w.time(o.LastAt)
	w.uint(uint64(o.Sequence))
	w.uint(o.Count)
	w.bool(o.hasFormat)
	w.uint(uint64(o.format))
	return machine.Record{Table: ObservationTable, Key: observationKey(o), Value: w}
}

func observationRemoved(o *observation) machine.Record {
	return machine.Record{Table: ObservationTable, Key: observationKey(o)}
}

// readTarget reads what is observed: a path, or for an Observe-Composite each path behind a blank.
func (o *observation) readTarget(s string) (err error) {
	list, composite := strings.CutPrefix(s, " ")
	if !composite {
		if o.Path, err = lwm2m.ParsePath(s); err != nil {
			return errRecord
		}
		return nil
	}
	for s := range strings.SplitSeq(list, " ") {
		p, err := lwm2m.ParsePath(s)
		if err != nil {
			return errRecord
		}
		o.Paths = append(o.Paths, p)
	}
	return nil
}

func readObservation(key, value []byte) (*observation, error) {
	ep, target, ok := cutByte(key, 0)
	if !ok {
		return nil, errRecord
	}
	r := reader{b: value}
	r.version()
	o := &observation{endpoint: string(ep), stored: true}
	if err := o.readTarget(string(target)); err != nil {
		return nil, err
	}
	o.ID = ObservationID(r.uint())
	o.token = coap.NewToken(r.bytes())
	o.under = r.uint()
	o.Since = r.time()
	o.LastAt = r.time()
	o.Sequence = uint32(r.uint())
	o.Count = r.uint()
	o.hasFormat = r.bool()
	o.format = coap.ContentFormat(r.uint())
	o.State = Waiting
	return o, r.err
}
