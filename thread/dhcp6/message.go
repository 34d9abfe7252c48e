package dhcp6

import (
	"encoding/binary"

	"heddle.example/thread/ip6"
)

// message is a DHCPv6 message: type, transaction and options, borrowed.
type message struct {
	kind    uint8
	id      [3]byte
	options []byte
}

func parse(b []byte) (m message, ok bool) {
	if len(b) < 4 {
		return m, false
	}
	return message{b[0], [3]byte(b[1:4]), b[4:]}, true
}

// next is the walk over options.
func next(b []byte) (code uint16, value, rest []byte, ok bool) {
	if len(b) < 4 {
		return 0, nil, nil, false
	}
	end := 4 + int(binary.BigEndian.Uint16(b[2:]))
	if end > len(b) {
		return 0, nil, nil, false
	}
	return binary.BigEndian.Uint16(b), b[4:end], b[end:], true
}

func find(b []byte, code uint16) ([]byte, bool) {
	for c, v, rest, ok := next(b); ok; c, v, rest, ok = next(rest) {
		if c == code {
			return v, true
		}
	}
	return nil, false
}

// success reports whether options say that all went well, which they also do by saying nothing.
func success(b []byte) bool {
	v, ok := find(b, optStatus)
	return !ok || len(v) >= 2 && binary.BigEndian.Uint16(v) == 0
}

// eui64 reads the EUI-64 of a client or server identifier.
func eui64(b []byte, code uint16) (e [8]byte, ok bool) {
	v, ok := find(b, code)
	if !ok || len(v) < 12 || [4]byte(v) != duidEUI64 {
		return e, false
	}
	return [8]byte(v[4:]), true
}

func appendOption(dst []byte, code uint16, value []byte) []byte {
	return append(binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(dst, code), uint16(len(value))), value...)
}

func appendID(dst []byte, code uint16, e [8]byte) []byte {
	return appendOption(dst, code, append(duidEUI64[:], e[:]...))
}

// addresses is the walk over the IA addresses in an IA_NA option.
func addresses(iana []byte, f func(a ip6.Address, preferred, valid uint32)) (ok bool) {
	if len(iana) < 12 {
		return false
	}
	for b := iana[12:]; len(b) > 0; {
		c, v, rest, ok := next(b)
		if !ok {
			return false
		}
		if b = rest; c == optIAAddress {
			if len(v) < 24 {
				return false
			}
			f(ip6.Address(v), binary.BigEndian.Uint32(v[16:]), binary.BigEndian.Uint32(v[20:]))
		}
	}
	return true
}

func appendAddress(dst []byte, a ip6.Address, lifetime uint32) []byte {
	v := binary.BigEndian.AppendUint32(append([]byte(nil), a[:]...), lifetime)
	return appendOption(dst, optIAAddress, binary.BigEndian.AppendUint32(v, lifetime))
}

const forEver = 0xffffffff
