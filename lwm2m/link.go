package lwm2m

import (
	"errors"
	"iter"
	"strconv"
	"strings"
)

// ErrLink is wrapped by every error about link format (RFC 6690).
var ErrLink = errors.New("lwm2m: bad link format")

// Limits of what a peer can send.
const (
	// MaxLinks is how many links a document may have.
	MaxLinks = 4096
	// maxLinkParams is how many parameters a link may have.
	maxLinkParams = 32
)

// Link is one link of a CoRE link-format document: </1/0>;ver=1.1.
type Link struct {
	Target string // the URI reference between < and >, as it stands
	Path   Path   // the target below the root path, if IsPath
	IsPath bool
	params string // well-formed: (";" name ["=" value])*
}

// NewLink returns a link without parameters to a path below an alternate root ("" or "/" is none).
func NewLink(root string, p Path) Link {
	root = strings.TrimRight(root, "/")
	if root != "" && p == Root {
		return Link{Target: root, Path: p, IsPath: true}
	}
	return Link{Target: root + p.String(), Path: p, IsPath: true}
}

// With returns the link with one more parameter. The value is quoted where it is not a plain token; With a name alone
// adds a flag.
func (l Link) With(name string, value ...string) Link {
	var b strings.Builder
	b.WriteString(l.params)
	b.WriteByte(';')
	b.WriteString(name)
	if len(value) > 0 {
		b.WriteByte('=')
		if isToken(value[0]) {
			b.WriteString(value[0])
		} else {
			writeQuoted(&b, value[0])
		}
	}
	l.params = b.String()
	return l
}

// WithQuoted is With, always in quotation marks: RFC 6690 wants them around rt and ct, and some peers insist.
func (l Link) WithQuoted(name, value string) Link {
	var b strings.Builder
	b.WriteString(l.params)
	b.WriteByte(';')
	b.WriteString(name)
	b.WriteByte('=')
	writeQuoted(&b, value)
	l.params = b.String()
	return l
}

// WithAttributes returns the link with the notification attributes that are set.
func (l Link) WithAttributes(a Attributes) Link {
	a.each(func(name, value string, set bool) {
		if set {
			l = l.With(name, value)
		}
	})
	return l
}

func writeQuoted(b *strings.Builder, s string) {
	b.WriteByte('"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	b.WriteByte('"')
}

// isToken reports whether a value may stand without quotation marks: RFC 6690's ptoken without the characters that
// peers trip over.
func isToken(s string) bool {
	for _, c := range []byte(s) {
		if c-'0' > 9 && (c|0x20)-'a' > 25 && c != '.' && c != '-' && c != '_' && c != '+' && c != '/' && c != ':' {
			return false
		}
	}
	return s != ""
}

// Params yields the link's parameters in order, values without their quotation marks.
func (l Link) Params() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for s := l.params; s != ""; {
			name, value, _, rest, _ := cutParam(s)
			if !yield(name, value) {
				return
			}
			s = rest
		}
	}
}

// Param returns the first parameter of a name (RFC 6690 section 2: later ones are ignored).
func (l Link) Param(name string) (value string, ok bool) {
	for s := l.params; s != ""; {
		n, v, _, rest, _ := cutParam(s)
		if n == name {
			return v, true
		}
		s = rest
	}
	return "", false
}

// Version returns the object's version (ver), or the zero Version.
func (l Link) Version() Version {
	s, _ := l.Param("ver")
	v, _ := ParseVersion(s)
	return v
}

// Dim returns how many instances a multiple resource has (dim), or -1.
func (l Link) Dim() int { return l.number("dim") }

// ShortServerID returns ssid, or -1.
func (l Link) ShortServerID() int { return l.number("ssid") }

func (l Link) number(name string) int {
	s, _ := l.Param(name)
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return -1
	}
	return int(n)
}

// Has reports whether one of the words in a parameter (rt, if, ct: separated by blanks) is word.
func (l Link) Has(name, word string) bool {
	s, _ := l.Param(name)
	for f := range strings.FieldsSeq(s) {
		if f == word {
			return true
		}
	}
	return false
}

// Attributes returns the notification attributes that stand at the link; other parameters are passed over.
func (l Link) Attributes() (Attributes, error) {
	var a Attributes
	for s := l.params; s != ""; {
		name, value, has, rest, _ := cutParam(s)
		s = rest
		i := attributeIndex(name)
		if i < 0 {
			continue
		}
		if bit := AttributeSet(1) << i; a.Set&bit != 0 {
			continue
		}
		if err := a.parse(name, value, has); err != nil {
			return Attributes{}, err
		}
	}
	a.Cleared = 0
	return a, nil
}

// Append appends the link as it stands in a document.
func (l Link) Append(dst []byte) []byte {
	dst = append(dst, '<')
	dst = append(dst, l.Target...)
	dst = append(dst, '>')
	return append(dst, l.params...)
}

// String returns the link as it stands in a document.
func (l Link) String() string { return string(l.Append(nil)) }

// AppendLinks appends a link-format document.
func AppendLinks(dst []byte, links []Link) []byte {
	for i, l := range links {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = l.Append(dst)
	}
	return dst
}
