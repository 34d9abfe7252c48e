package server

import (
	"encoding/binary"
	"math"

	"heddle.example/coap"
	"heddle.example/lwm2m"
)

// How an Operation is written down while it waits for a sleeping device: its kind, and then the fields that are not
// zero, each with a tag before it. The tag says how the value looks; a tag that is not known makes the record unreadable.
//
// A new kind of operation needs nothing here if it uses the fields that there are. A new field of Operation gets a tag
// at the end of the list and a case in both functions; TestOperationCode fails until it has them. Tags are never used
// again for something else: records of an older program are still on disk.
const (
	tagPath       = 1
	tagEntries    = 2
	tagArgs       = 3
	tagAttributes = 4
	tagFormat     = 5
	tagPassive    = 6
	tagRepeat     = 7
	tagPaths      = 8
)

// appendOperation writes an operation down. Timeout, Queue and Expires are about the waiting and not part of it.
func appendOperation(w writer, op *Operation) writer {
	w.uint(uint64(op.Kind))
	if op.Path.Depth() > 0 {
		w.uint(tagPath)
		w.path(op.Path)
	}
	if len(op.Entries) > 0 {
		w.uint(tagEntries)
		w.entries(op.Path, op.Entries)
	}
	if op.Args != "" {
		w.uint(tagArgs)
		w.text(op.Args)
	}
	if !op.Attributes.IsZero() {
		w.uint(tagAttributes)
		w.attributes(&op.Attributes)
	}
	if op.HasFormat {
		w.uint(tagFormat)
		w.uint(uint64(op.Format))
	}
	if op.Passive {
		w.uint(tagPassive)
	}
	if op.Repeat {
		w.uint(tagRepeat)
	}
	if len(op.Paths) > 0 {
		w.uint(tagPaths)
		w.paths(op.Paths)
	}
	return w
}

// readOperation is the reverse of appendOperation.
func readOperation(b []byte) (Operation, error) {
	r := reader{b: b}
	op := Operation{Kind: OpKind(r.uint())}
	for r.err == nil && len(r.b) > 0 {
		switch r.uint() {
		case tagPath:
			op.Path = r.path()
		case tagEntries:
			op.Entries = r.entries(op.Path)
		case tagArgs:
			op.Args = r.text()
		case tagAttributes:
			op.Attributes = r.attributes()
		case tagFormat:
			op.Format, op.HasFormat = coap.ContentFormat(r.uint()), true
		case tagPassive:
			op.Passive = true
		case tagRepeat:
			op.Repeat = true
		case tagPaths:
			op.Paths = r.paths()
		default:
			r.fail()
		}
	}
	return op, r.err
}

// operationHead reads only what a list of waiting operations shows.
func operationHead(b string) (kind OpKind, path lwm2m.Path) {
	r := reader{b: []byte(b[:min(len(b), 24)])}
	if kind = OpKind(r.uint()); r.uint() == tagPath {
		path = r.path()
	}
	return kind, path
}

func (r *reader) fail() { r.b, r.err = nil, errRecord }

func (w *writer) path(p lwm2m.Path) {
	w.uint(uint64(p.Depth()))
	w.ids(p, 0)
}

func (w *writer) ids(p lwm2m.Path, from int) {
	ids := [...]uint16{p.Object(), p.Instance(), p.Resource(), p.ResourceInstance()}
	for _, id := range ids[from:p.Depth()] {
		w.uint(uint64(id))
	}
}

func (w *writer) paths(list []lwm2m.Path) {
	w.uint(uint64(len(list)))
	for _, p := range list {
		w.path(p)
	}
}

func (r *reader) paths() []lwm2m.Path {
	n := r.uint()
	if n > uint64(len(r.b)) { // each takes a byte at least
		r.fail()
	}
	if r.err != nil || n == 0 {
		return nil
	}
	list := make([]lwm2m.Path, n)
	for i := range list {
		list[i] = r.path()
	}
	return list
}

func (r *reader) path() lwm2m.Path { return r.ids(lwm2m.Root, r.uint()) }

func (r *reader) ids(base lwm2m.Path, depth uint64) lwm2m.Path {
	if depth < uint64(base.Depth()) || depth > 4 {
		r.fail()
		return base
	}
	for base.Depth() < int(depth) {
		id := r.uint()
		if id > math.MaxUint16 {
			r.fail()
		}
		base = base.Child(uint16(id))
	}
	return base
}

// timed marks the kind of a value that has a time.
const timed = 0x80

// entries writes values: where all are below base, as they nearly always are, without the ids of base.
func (w *writer) entries(base lwm2m.Path, entries []lwm2m.Entry) {
	for i := range entries {
		if !entries[i].Path.HasPrefix(base) {
			base = lwm2m.Root
		}
	}
	w.uint(uint64(base.Depth()))
	w.uint(uint64(len(entries)))
	for i := range entries {
		e := &entries[i]
		w.uint(uint64(e.Path.Depth()))
		w.ids(e.Path, base.Depth())
		kind := uint64(e.Value.Kind())
		if e.Time != 0 {
			kind |= timed
		}
		w.uint(kind)
		if e.Time != 0 {
			*w = binary.AppendVarint(*w, e.Time)
		}
		w.value(e.Value)
	}
}

func (r *reader) entries(base lwm2m.Path) []lwm2m.Entry {
	if depth := r.uint(); depth == 0 {
		base = lwm2m.Root
	} else if depth != uint64(base.Depth()) {
		r.fail()
	}
	n := r.uint()
	if n > uint64(len(r.b))/2 { // each takes two bytes at least
		r.fail()
		return nil
	}
	list := make([]lwm2m.Entry, 0, n)
	for range n {
		e := lwm2m.Entry{Path: r.ids(base, r.uint())}
		kind := r.uint()
		if kind&timed != 0 {
			e.Time = r.int()
		}
		e.Value = r.value(lwm2m.Kind(kind &^ timed))
		list = append(list, e)
	}
	return list
}

func (r *reader) int() int64 {
	v, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return v
}

func (w *writer) float(f float64) { *w = binary.BigEndian.AppendUint64(*w, math.Float64bits(f)) }

func (r *reader) float() float64 {
	if len(r.b) < 8 {
		r.fail()
		return 0
	}
	f := math.Float64frombits(binary.BigEndian.Uint64(r.b))
	r.b = r.b[8:]
	return f
}

func (w *writer) value(v lwm2m.Value) {
	switch v.Kind() {
	case lwm2m.None:
	case lwm2m.String, lwm2m.Corelnk, lwm2m.Opaque:
		w.text(v.Raw())
	case lwm2m.Integer, lwm2m.Time:
		n, _ := v.AsInt()
		*w = binary.AppendVarint(*w, n)
	case lwm2m.Unsigned:
		n, _ := v.AsUint()
		w.uint(n)
	case lwm2m.Float:
		f, _ := v.AsFloat()
		w.float(f)
	case lwm2m.Boolean:
		b, _ := v.AsBool()
		w.bool(b)
	case lwm2m.Objlink:
		object, instance, _ := v.AsObjectLink()
		w.uint(uint64(object)<<16 | uint64(instance))
	}
}

func (r *reader) value(k lwm2m.Kind) lwm2m.Value {
	switch k {
	case lwm2m.None:
		return lwm2m.Value{}
	case lwm2m.String:
		return lwm2m.Str(r.text())
	case lwm2m.Corelnk:
		return lwm2m.Core(r.text())
	case lwm2m.Opaque:
		return lwm2m.BytesOf(r.text())
	case lwm2m.Integer:
		return lwm2m.Int(r.int())
	case lwm2m.Time:
		return lwm2m.TimeValue(r.int())
	case lwm2m.Unsigned:
		return lwm2m.Uint(r.uint())
	case lwm2m.Float:
		return lwm2m.Num(r.float())
	case lwm2m.Boolean:
		return lwm2m.Bool(r.bool())
	case lwm2m.Objlink:
		n := r.uint()
		return lwm2m.ObjectLink(uint16(n>>16), uint16(n))
	}
	r.fail()
	return lwm2m.Value{}
}

func (w *writer) attributes(a *lwm2m.Attributes) {
	w.uint(uint64(a.Set))
	w.uint(uint64(a.Cleared))
	w.bool(a.Edge)
	w.bool(a.Con)
	for _, n := range []uint32{a.Pmin, a.Pmax, a.Epmin, a.Epmax, a.Hqmax} {
		w.uint(uint64(n))
	}
	for _, f := range []float64{a.Gt, a.Lt, a.St} {
		w.float(f)
	}
}

func (r *reader) attributes() lwm2m.Attributes {
	a := lwm2m.Attributes{Set: lwm2m.AttributeSet(r.uint()), Cleared: lwm2m.AttributeSet(r.uint()), Edge: r.bool(), Con: r.bool()}
	for _, n := range []*uint32{&a.Pmin, &a.Pmax, &a.Epmin, &a.Epmax, &a.Hqmax} {
		*n = uint32(r.uint())
	}
	for _, f := range []*float64{&a.Gt, &a.Lt, &a.St} {
		*f = r.float()
	}
	return a
}
