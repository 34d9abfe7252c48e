package lwm2m

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrVersion is wrapped by every error of ParseVersion.
var ErrVersion = errors.New("lwm2m: not a version of the form 1.1")

// Version is the version of the enabler (the lwm2m parameter of Register) or of an object (the ver attribute). The zero
// Version is "not said".
type Version struct{ Major, Minor uint8 }

// The enabler's versions.
var (
	V1_0 = Version{1, 0}
	V1_1 = Version{1, 1}
	V1_2 = Version{1, 2}
)

// ParseVersion reads "1.1".
func ParseVersion(s string) (Version, error) {
	major, minor, ok := strings.Cut(s, ".")
	a, err1 := parseSmall(major)
	b, err2 := parseSmall(minor)
	if !ok || err1 != nil || err2 != nil {
		return Version{}, fmt.Errorf("%w: %s", ErrVersion, quoted(s))
	}
	return Version{a, b}, nil
}

func parseSmall(s string) (uint8, error) {
	if s == "" || s[0] == '+' {
		return 0, strconv.ErrSyntax
	}
	n, err := strconv.ParseUint(s, 10, 8)
	return uint8(n), err
}

// IsZero reports whether no version was said.
func (v Version) IsZero() bool { return v == Version{} }

// Compare orders versions.
func (v Version) Compare(w Version) int {
	return cmp.Or(cmp.Compare(v.Major, w.Major), cmp.Compare(v.Minor, w.Minor))
}

// AtLeast reports whether v is w or newer.
func (v Version) AtLeast(w Version) bool { return v.Compare(w) >= 0 }

// String returns "1.1", and "" where no version was said.
func (v Version) String() string {
	if v.IsZero() {
		return ""
	}
	return strconv.Itoa(int(v.Major)) + "." + strconv.Itoa(int(v.Minor))
}

// MarshalText makes a Version a string in JSON.
func (v Version) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText is ParseVersion; the empty string is the zero Version.
func (v *Version) UnmarshalText(b []byte) (err error) {
	*v = Version{}
	if len(b) > 0 {
		*v, err = ParseVersion(string(b))
	}
	return err
}

// ObjectURN returns the URN that an object of the registry normally has: by the range of its identifier, with the
// version behind it from 1.1 on.
func ObjectURN(id uint16, v Version) string {
	class := "x"
	switch {
	case id < 1024:
		class = "oma"
	case id >= 2048 && id < 10241:
		class = "ext"
	}
	urn := "urn:oma:lwm2m:" + class + ":" + strconv.Itoa(int(id))
	if v.Compare(V1_0) > 0 {
		urn += ":" + v.String()
	}
	return urn
}
