package lwm2m

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
)

// NoID is MAX_ID, the identifier that no object, instance or resource may have (7.3). Heddle uses it where a peer left
// an identifier out, as in a Create that lets the client choose the instance.
const NoID uint16 = 65535

// ErrPath is wrapped by every error of ParsePath.
var ErrPath = errors.New("lwm2m: not a path of the form /object/instance/resource/resource-instance")

// Path names an object, an object instance, a resource or a resource instance. The zero Path is the root, "/". Paths are
// comparable.
type Path struct {
	// ids holds four identifiers, the object's in the highest 16 bits; those below the depth are zero. So the order of
	// paths is that of (ids, depth).
	ids   uint64
	depth uint8
}

// shift is where the identifier of a level stands in ids.
func shift(level uint8) uint { return 48 - 16*uint(level) }

// Root is the path "/" of a whole client.
var Root Path

// NewPath returns the path of up to four identifiers. More are ignored.
func NewPath(ids ...uint16) Path {
	var p Path
	for _, id := range ids {
		p = p.Child(id)
	}
	return p
}

// ParsePath reads "/3", "3/0/9", "/3/0/7/0" or "/". Identifiers have no leading zeros (7.3, ABNF of a URI path) and are
// at most 65534.
func ParsePath(s string) (Path, error) {
	p, ok := parsePath(s)
	if !ok {
		return Path{}, fmt.Errorf("%w: %s", ErrPath, quoted(s))
	}
	return p, nil
}

// JoinPath is ParsePath of two strings put together, as SenML's base name and name are, for the data path: it allocates
// nothing, and has no error to explain itself. A slash at the end is passed over.
func JoinPath(base, name string) (Path, bool) {
	var q pathParser
	if !q.feed(base) || !q.feed(name) || q.state == pathStart {
		return Path{}, false
	}
	return q.p, true
}

// MustPath is ParsePath for paths that are written in the program.
func MustPath(s string) Path {
	p, err := ParsePath(s)
	if err != nil {
		panic(err)
	}
	return p
}

// parsePath is ParsePath without the price of an error.
func parsePath(s string) (Path, bool) {
	var q pathParser
	ok := q.feed(s)
	return q.p, ok && (q.state == pathNumber || s == "/")
}

// pathParser reads a path in pieces.
type pathParser struct {
	p     Path
	id    uint32
	zero  bool // the identifier began with 0
	state uint8
}

const (
	pathStart  = iota // nothing yet
	pathSlash         // behind a slash
	pathNumber        // in an identifier, which p has already
)

func (q *pathParser) feed(s string) bool {
	for i := range len(s) {
		c := s[i]
		switch {
		case c == '/':
			if q.state == pathSlash {
				return false
			}
			q.state = pathSlash
		case c-'0' > 9:
			return false
		case q.state != pathNumber:
			if q.p.depth == 4 {
				return false
			}
			q.id, q.zero, q.state = uint32(c-'0'), c == '0', pathNumber
			q.p = q.p.Child(uint16(q.id))
		default:
			q.id = q.id*10 + uint32(c-'0')
			if q.zero || q.id >= uint32(NoID) {
				return false
			}
			q.p.ids &^= 0xFFFF << shift(q.p.depth-1)
			q.p.ids |= uint64(q.id) << shift(q.p.depth-1)
		}
	}
	return true
}

// Depth is 0 for the root, 1 for an object, 2 for an instance, 3 for a resource, 4 for a resource instance.
func (p Path) Depth() int { return int(p.depth) }

// Object returns the object's identifier; it is valid from depth 1.
func (p Path) Object() uint16 { return uint16(p.ids >> 48) }

// Instance returns the object instance's identifier; it is valid from depth 2.
func (p Path) Instance() uint16 { return uint16(p.ids >> 32) }

// Resource returns the resource's identifier; it is valid from depth 3.
func (p Path) Resource() uint16 { return uint16(p.ids >> 16) }

// ResourceInstance returns the resource instance's identifier; it is valid at depth 4.
func (p Path) ResourceInstance() uint16 { return uint16(p.ids) }

// ID returns the last identifier, and 0 for the root.
func (p Path) ID() uint16 {
	if p.depth == 0 {
		return 0
	}
	return uint16(p.ids >> shift(p.depth-1))
}

// Child returns the path one level down. A resource instance has no child: the path itself comes back.
func (p Path) Child(id uint16) Path {
	if p.depth < 4 {
		p.ids |= uint64(id) << shift(p.depth)
		p.depth++
	}
	return p
}

// Parent returns the path one level up. The root is its own parent.
func (p Path) Parent() Path {
	if p.depth > 0 {
		p.depth--
		p.ids &^= 0xFFFF << shift(p.depth)
	}
	return p
}

// Cut returns the path's first depth levels.
func (p Path) Cut(depth int) Path {
	if depth < p.Depth() {
		p.depth = uint8(max(depth, 0))
		p.ids &^= 1<<(64-16*uint(p.depth)) - 1
	}
	return p
}

// HasPrefix reports whether p is q or lies below it.
func (p Path) HasPrefix(q Path) bool {
	return q.depth <= p.depth && (p.ids^q.ids)>>(64-16*uint(q.depth)) == 0
}

// Compare orders paths by their identifiers, a parent before its children.
func (p Path) Compare(q Path) int {
	if p.ids != q.ids {
		return cmp.Compare(p.ids, q.ids)
	}
	return cmp.Compare(p.depth, q.depth)
}

// String returns "/3/0/9", and "/" for the root.
func (p Path) String() string {
	var b [4 * 6]byte
	return string(p.Append(b[:0]))
}

// Append appends what String returns.
func (p Path) Append(dst []byte) []byte {
	if p.depth == 0 {
		return append(dst, '/')
	}
	for level := range p.depth {
		dst = append(dst, '/')
		dst = strconv.AppendUint(dst, p.ids>>shift(level)&0xFFFF, 10)
	}
	return dst
}

// AppendSegments appends the path's segments for Uri-Path options.
func (p Path) AppendSegments(dst []string) []string {
	for level := range p.depth {
		dst = append(dst, strconv.Itoa(int(uint16(p.ids>>shift(level)))))
	}
	return dst
}

// MarshalText makes a Path a string in JSON, also as a key.
func (p Path) MarshalText() ([]byte, error) { return p.Append(nil), nil }

// UnmarshalText is ParsePath.
func (p *Path) UnmarshalText(b []byte) (err error) {
	*p, err = ParsePath(string(b))
	return err
}

// quoted shows hostile input in an error: quoted and cut.
func quoted(s string) string {
	if len(s) > 64 {
		return strconv.Quote(s[:64]) + "..."
	}
	return strconv.Quote(s)
}
