package lwm2m

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrAttribute is wrapped by every error about attributes; such a Write-Attributes is answered 4.00.
var ErrAttribute = errors.New("lwm2m: bad attribute")

// AttributeSet is a set of the notification attributes (7.3.2).
type AttributeSet uint16

// The notification attributes, in the order in which they are written.
const (
	Pmin AttributeSet = 1 << iota
	Pmax
	Gt
	Lt
	St
	Epmin
	Epmax
	Edge
	Con
	Hqmax
	attributesEnd
)

var attributeNames = [...]string{"pmin", "pmax", "gt", "lt", "st", "epmin", "epmax", "edge", "con", "hqmax"}

// valueAttributes belong to resources and their instances only.
const valueAttributes = Gt | Lt | St | Edge

// Attributes are the notification attributes of one level, or a change to them. Set says which fields hold.
type Attributes struct {
	Set     AttributeSet // attributes that have a value
	Cleared AttributeSet // attributes that a change takes away ("pmin" without a value)
	Edge    bool         // true: rising edge
	Con     bool         // true: confirmable notifications
	Pmin    uint32       // seconds, as the four below
	Pmax    uint32
	Epmin   uint32
	Epmax   uint32
	Hqmax   uint32 // notifications kept while the server is away
	Gt      float64
	Lt      float64
	St      float64
}

// Has reports whether all of s have a value.
func (a *Attributes) Has(s AttributeSet) bool { return a.Set&s == s }

// IsZero reports whether nothing is set or cleared.
func (a *Attributes) IsZero() bool { return a.Set|a.Cleared == 0 }

// ParseAttributes reads the queries of a Write-Attributes, each "pmin=10" or, to take an attribute away, "pmin".
func ParseAttributes(queries ...string) (Attributes, error) {
	var a Attributes
	for _, q := range queries {
		name, value, has := strings.Cut(q, "=")
		if err := a.parse(name, value, has); err != nil {
			return Attributes{}, err
		}
	}
	return a, nil
}

// parse takes in one attribute. An attribute twice is refused: which one holds would be a guess.
func (a *Attributes) parse(name, value string, has bool) error {
	i := attributeIndex(name)
	if i < 0 {
		return fmt.Errorf("%w: %s is not one of %s", ErrAttribute, quoted(name), strings.Join(attributeNames[:], ", "))
	}
	bit := AttributeSet(1) << i
	if (a.Set|a.Cleared)&bit != 0 {
		return fmt.Errorf("%w: %s stands there twice", ErrAttribute, name)
	}
	if !has {
		a.Cleared |= bit
		return nil
	}
	if !a.setValue(bit, value) {
		return fmt.Errorf("%w: %s=%s", ErrAttribute, name, quoted(value))
	}
	return nil
}

func attributeIndex(name string) int {
	for i, n := range attributeNames {
		if n == name {
			return i
		}
	}
	return -1
}

func (a *Attributes) setValue(bit AttributeSet, value string) (ok bool) {
	switch bit {
	case Gt, Lt, St:
		f, ok := parseFloat(value)
		if !ok || bit == St && f < 0 {
			return false
		}
		*a.float(bit) = f
	case Edge, Con:
		if value != "0" && value != "1" {
			return false
		}
		if bit == Edge {
			a.Edge = value == "1"
		} else {
			a.Con = value == "1"
		}
	default:
		if value == "" || value[0] == '+' {
			return false
		}
		n, err := strconv.ParseUint(value, 10, 32)
		if err != nil {
			return false
		}
		*a.uint(bit) = uint32(n)
	}
	a.Set |= bit
	return true
}

func (a *Attributes) float(bit AttributeSet) *float64 {
	switch bit {
	case Gt:
		return &a.Gt
	case Lt:
		return &a.Lt
	}
	return &a.St
}

func (a *Attributes) uint(bit AttributeSet) *uint32 {
	switch bit {
	case Pmin:
		return &a.Pmin
	case Pmax:
		return &a.Pmax
	case Epmin:
		return &a.Epmin
	case Epmax:
		return &a.Epmax
	}
	return &a.Hqmax
}

// each calls f for every attribute that is set or cleared, in the order of the constants.
func (a *Attributes) each(f func(name, value string, set bool)) {
	for i, name := range attributeNames {
		bit := AttributeSet(1) << i
		switch {
		case a.Set&bit == 0:
			if a.Cleared&bit != 0 {
				f(name, "", false)
			}
		case bit&(Gt|Lt|St) != 0:
			f(name, strconv.FormatFloat(*a.float(bit), 'f', -1, 64), true)
		case bit == Edge:
			f(name, zeroOne(a.Edge), true)
		case bit == Con:
			f(name, zeroOne(a.Con), true)
		default:
			f(name, strconv.FormatUint(uint64(*a.uint(bit)), 10), true)
		}
	}
}

func zeroOne(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// AppendQueries appends the queries of a Write-Attributes: "pmin=10", "lt".
func (a *Attributes) AppendQueries(dst []string) []string {
	a.each(func(name, value string, set bool) {
		if set {
			name += "=" + value
		}
		dst = append(dst, name)
	})
	return dst
}

// String returns the queries with "&" between them.
func (a Attributes) String() string { return strings.Join(a.AppendQueries(nil), "&") }

// String returns the names of the set.
func (s AttributeSet) String() string {
	var names []string
	for i, n := range attributeNames {
		if s&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	return strings.Join(names, ", ")
}
