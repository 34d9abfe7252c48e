package shell

import (
	"errors"
	"strings"

	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
)

// maxArgs is how many words a line can have (Interpreter::kMaxArgs, less the empty one at the end).
const maxArgs = 31

// args are the words of a line. Words that are not there are empty, and no word that is there is.
type args []string

// split cuts a line into words at blanks; a backslash takes a blank or a backslash as it is (utils/parse_cmdline.cpp).
func split(line string) (args, error) {
	var a args
	var word []byte
	open := false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == 0:
			i = len(line) // a C string ends here
			continue
		case c == '\\' && i+1 < len(line) && strings.IndexByte(" \t\r\n\\", line[i+1]) >= 0:
			i++
			c = line[i]
		case strings.IndexByte(" \t\r\n", c) >= 0:
			if open {
				a = append(a, string(word))
				word, open = word[:0], false
			}
			continue
		}
		if !open && len(a) == maxArgs {
			return a, status.InvalidArgs
		}
		word, open = append(word, c), true
	}
	if open {
		a = append(a, string(word))
	}
	return a, nil
}

// at returns a word, empty when there is none.
func (a args) at(i int) string {
	if i < len(a) {
		return a[i]
	}
	return ""
}

// has reports whether there is a word.
func (a args) has(i int) bool { return i < len(a) }

// is reports whether a word is there and is this.
func (a args) is(i int, s string) bool { return i < len(a) && a[i] == s }

// from returns the words from i on.
func (a args) from(i int) args {
	if i < len(a) {
		return a[i:]
	}
	return nil
}

// number is the error's number; what is none of ours is Failed.
func number(err error) status.Error {
	var e status.Error
	if errors.As(err, &e) {
		return e
	}
	return status.Failed
}

// uint parses a number, decimal or 0x hexadecimal, of at most so many bits.
func (a args) uint(i int, bits uint) (uint64, error) {
	v, err := parseUint(a.at(i))
	if err == nil && bits < 64 && v>>bits != 0 {
		return 0, status.InvalidArgs
	}
	return v, err
}

func parseUint(s string) (uint64, error) {
	base := uint64(10)
	if len(s) >= 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') {
		s, base = s[2:], 16
	}
	if s == "" {
		return 0, status.InvalidArgs
	}
	var v uint64
	for _, c := range []byte(s) {
		d, ok := hexDigit(c)
		if !ok || uint64(d) >= base || v > ^uint64(0)/base {
			return 0, status.InvalidArgs
		}
		n := v*base + uint64(d)
		if n < v*base {
			return 0, status.InvalidArgs
		}
		v = n
	}
	return v, nil
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

func (a args) u8(i int) (uint8, error)   { v, err := a.uint(i, 8); return uint8(v), err }
func (a args) u16(i int) (uint16, error) { v, err := a.uint(i, 16); return uint16(v), err }
func (a args) u32(i int) (uint32, error) { v, err := a.uint(i, 32); return uint32(v), err }
func (a args) u64(i int) (uint64, error) { return a.uint(i, 64) }

// bool is any number; zero is false.
func (a args) bool(i int) (bool, error) { v, err := a.u32(i); return v != 0, err }

// int parses a number with an optional sign, of so many bits.
func (a args) int(i int, bits uint) (int64, error) {
	s := a.at(i)
	neg := strings.HasPrefix(s, "-")
	if neg || strings.HasPrefix(s, "+") {
		s = s[1:]
	}
	v, err := parseUint(s)
	limit := uint64(1) << (bits - 1)
	if err != nil || v > limit || v == limit && !neg {
		return 0, status.InvalidArgs
	}
	if neg {
		return -int64(v), nil
	}
	return int64(v), nil
}

func (a args) i8(i int) (int8, error) { v, err := a.int(i, 8); return int8(v), err }

// hex parses at most limit bytes. An odd number of digits has a zero in front.
func (a args) hex(i, limit int) ([]byte, error) {
	s := a.at(i)
	if s == "" || (len(s)+1)/2 > limit {
		return nil, status.InvalidArgs
	}
	if len(s)%2 != 0 {
		s = "0" + s
	}
	b := make([]byte, len(s)/2)
	for n := range b {
		hi, ok := hexDigit(s[2*n])
		lo, ok2 := hexDigit(s[2*n+1])
		if !ok || !ok2 {
			return nil, status.InvalidArgs
		}
		b[n] = hi<<4 | lo
	}
	return b, nil
}

// hexInto parses exactly as many bytes as dst has.
func (a args) hexInto(i int, dst []byte) error {
	b, err := a.hex(i, len(dst))
	if err == nil && len(b) != len(dst) {
		err = status.InvalidArgs
	}
	if err == nil {
		copy(dst, b)
	}
	return err
}

// ext parses 8 bytes.
func (a args) ext(i int) (e [8]byte, err error) {
	err = a.hexInto(i, e[:])
	return e, err
}

// ip parses an address. A missing one is InvalidArgs, a wrong one Parse.
func (a args) ip(i int) (ip6.Address, error) {
	if !a.has(i) {
		return ip6.Address{}, status.InvalidArgs
	}
	ip, err := ip6.Parse(a[i])
	if err != nil {
		return ip, status.Parse
	}
	return ip, nil
}

// prefix parses address/length.
func (a args) prefix(i int) (ip6.Prefix, error) {
	if !a.has(i) {
		return ip6.Prefix{}, status.InvalidArgs
	}
	p, err := ip6.ParsePrefix(a[i])
	if err != nil {
		return p, status.Parse
	}
	return p, nil
}

// enable parses enable or disable.
func (a args) enable(i int) (bool, error) {
	switch {
	case a.is(i, "enable"):
		return true, nil
	case a.is(i, "disable"):
		return false, nil
	}
	return false, status.InvalidCommand
}
