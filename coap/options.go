package coap

import (
	"iter"
	"slices"
	"strings"
)

// Options are the options of a message, sorted by number; options with the same number keep their order.
type Options []Option

// Get returns the value of the first option with number n.
func (o Options) Get(n OptionNumber) (value []byte, ok bool) {
	for i := range o {
		if o[i].Number >= n {
			if o[i].Number == n {
				return o[i].Value, true
			}
			break
		}
	}
	return nil, false
}

// Has reports whether there is an option with number n.
func (o Options) Has(n OptionNumber) bool { _, ok := o.Get(n); return ok }

// GetUint returns the value of the first option with number n as an unsigned integer.
func (o Options) GetUint(n OptionNumber) (v uint32, ok bool) {
	b, ok := o.Get(n)
	if !ok {
		return 0, false
	}
	return Option{n, b}.Uint()
}

// All returns the values of all options with number n, in order.
func (o Options) All(n OptionNumber) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for i := range o {
			if o[i].Number == n && !yield(o[i].Value) {
				return
			}
		}
	}
}

// Add inserts an option after all options with the same or a lower number. The value is kept, not copied.
func (o Options) Add(n OptionNumber, value []byte) Options {
	o = append(o, Option{n, value})
	for i := len(o) - 1; i > 0 && o[i-1].Number > n; i-- {
		o[i-1], o[i] = o[i], o[i-1]
	}
	return o
}

// AddUint inserts an option with an unsigned integer in its shortest form.
func (o Options) AddUint(n OptionNumber, v uint32) Options { return o.Add(n, uintValue(v)) }

// AddString inserts an option with a string.
func (o Options) AddString(n OptionNumber, s string) Options { return o.Add(n, []byte(s)) }

// Del removes all options with number n, in place.
func (o Options) Del(n OptionNumber) Options {
	return slices.DeleteFunc(o, func(x Option) bool { return x.Number == n })
}

// Set replaces all options with number n by one.
func (o Options) Set(n OptionNumber, value []byte) Options { return o.Del(n).Add(n, value) }

// SetUint replaces all options with number n by one with an unsigned integer.
func (o Options) SetUint(n OptionNumber, v uint32) Options { return o.Set(n, uintValue(v)) }

// AppendPath adds a Uri-Path option for each segment of a path such as "/3/0/9" or "rd". Slashes at both ends are
// ignored: a path that needs empty segments is built with Add.
func (o Options) AppendPath(path string) Options { return o.addSegments(URIPath, path) }

// AppendLocation adds a Location-Path option for each segment of a path.
func (o Options) AppendLocation(path string) Options { return o.addSegments(LocationPath, path) }

func (o Options) addSegments(n OptionNumber, path string) Options {
	if path = strings.Trim(path, "/"); path == "" {
		return o
	}
	for s := range strings.SplitSeq(path, "/") {
		o = o.AddString(n, s)
	}
	return o
}

// Path returns the Uri-Path options as a path with slashes: "/3/0/9", or "/" for none.
func (o Options) Path() string { return o.join(URIPath) }

// Location returns the Location-Path options as a path with slashes, or "/" for none.
func (o Options) Location() string { return o.join(LocationPath) }

func (o Options) join(n OptionNumber) string {
	var s strings.Builder
	for v := range o.All(n) {
		s.WriteByte('/')
		s.Write(v)
	}
	if s.Len() == 0 {
		return "/"
	}
	return s.String()
}

// PathSegments returns the Uri-Path options, in order.
func (o Options) PathSegments() iter.Seq[[]byte] { return o.All(URIPath) }

// Queries returns the Uri-Query options, in order.
func (o Options) Queries() iter.Seq[[]byte] { return o.All(URIQuery) }

// AddQuery adds a Uri-Query option such as "lt=300".
func (o Options) AddQuery(q string) Options { return o.AddString(URIQuery, q) }

// Format returns the Content-Format option.
func (o Options) Format() (f ContentFormat, ok bool) {
	v, ok := o.GetUint(ContentFormatOption)
	return ContentFormat(v), ok && v <= 0xffff
}

// SetFormat sets the Content-Format option.
func (o Options) SetFormat(f ContentFormat) Options { return o.SetUint(ContentFormatOption, uint32(f)) }

// Accepts returns the Accept option.
func (o Options) Accepts() (f ContentFormat, ok bool) {
	v, ok := o.GetUint(Accept)
	return ContentFormat(v), ok && v <= 0xffff
}

// SetAccept sets the Accept option.
func (o Options) SetAccept(f ContentFormat) Options { return o.SetUint(Accept, uint32(f)) }

// Block returns the Block1 or Block2 option n; ok is false when there is none or it is malformed.
func (o Options) Block(n OptionNumber) (b Block, ok bool) {
	v, ok := o.Get(n)
	if !ok {
		return Block{}, false
	}
	b, err := DecodeBlock(v)
	return b, err == nil
}

// Clone returns a copy that shares no memory with o.
func (o Options) Clone() Options {
	if o == nil {
		return nil
	}
	size := 0
	for i := range o {
		size += len(o[i].Value)
	}
	c, b := make(Options, len(o)), make([]byte, 0, size)
	for i := range o {
		l := len(b)
		b = append(b, o[i].Value...)
		c[i] = Option{o[i].Number, b[l:len(b):len(b)]}
	}
	return c
}

// Recognize removes, in place, the elective options that a recipient must ignore, and returns the number of the first
// critical one that it must refuse, or 0: options that understood does not know, values of a wrong length, and repeats
// of what may not repeat (RFC 7252 sections 5.4.1, 5.4.3 and 5.4.5). Unknown elective options stay: they do no harm.
func (o Options) Recognize(understood func(OptionNumber) bool) (Options, OptionNumber) {
	keep := 0
	for i := range o {
		n := o[i].Number
		bad := !o[i].WellFormed() || i > 0 && o[i-1].Number == n && !n.Repeatable()
		if n.Critical() && (bad || !understood(n)) {
			return o, n
		}
		if !bad {
			if keep != i {
				o[keep] = o[i]
			}
			keep++
		}
	}
	return o[:keep], 0
}

// AppendUint appends v in its shortest form: no byte for 0 (RFC 7252 section 3.2).
func AppendUint(dst []byte, v uint32) []byte {
	switch {
	case v == 0:
		return dst
	case v < 1<<8:
		return append(dst, byte(v))
	case v < 1<<16:
		return append(dst, byte(v>>8), byte(v))
	case v < 1<<24:
		return append(dst, byte(v>>16), byte(v>>8), byte(v))
	}
	return append(dst, byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
}

// small holds all one-byte values, so that the options set most often need no memory of their own.
var small = func() (t [256]byte) {
	for i := range t {
		t[i] = byte(i)
	}
	return t
}()

var tlvFormat, jsonFormat = []byte{0x2d, 0x16}, []byte{0x2d, 0x17}

func uintValue(v uint32) []byte {
	switch {
	case v < 1<<8 && v > 0:
		return small[v : v+1 : v+1]
	case v == uint32(TLV):
		return tlvFormat[:2:2]
	case v == uint32(JSON):
		return jsonFormat[:2:2]
	}
	return AppendUint(nil, v)
}
