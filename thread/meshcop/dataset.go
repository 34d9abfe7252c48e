package meshcop

import (
	"bytes"
	"encoding/binary"
	"slices"
	"unicode/utf8"

	"heddle.example/thread/status"
)

// Dataset is an operational dataset as it is on the air: TLVs without extended lengths. The zero value is empty.
type Dataset struct{ b []byte }

// ParseDataset takes TLVs in that were checked for length only; Validate checks the rest.
func ParseDataset(b []byte) (Dataset, error) {
	if len(b) > MaxLength {
		return Dataset{}, status.InvalidArgs
	}
	return Dataset{b: slices.Clone(b)}, nil
}

// DatasetOf is the dataset with these TLVs, which it takes over as they are.
func DatasetOf(b []byte) Dataset { return Dataset{b} }

// Bytes returns the TLVs, borrowed until the dataset changes.
func (d *Dataset) Bytes() []byte { return d.b }

// Clone returns a copy that does not change with d.
func (d *Dataset) Clone() Dataset { return Dataset{slices.Clone(d.b)} }

// NextTLV is the walk over TLVs: the type, the value and where the next one begins.
func NextTLV(b []byte, i int) (kind uint8, v []byte, end int, ok bool) {
	if i+2 > len(b) || b[i+1] == 0xff {
		return 0, nil, 0, false
	}
	end = i + 2 + int(b[i+1])
	if end > len(b) {
		return 0, nil, 0, false
	}
	return b[i], b[i+2 : end], end, true
}

// findTLV returns the first TLV of a type.
func findTLV(b []byte, kind uint8) ([]byte, bool) {
	for k, v, i, ok := NextTLV(b, 0); ok; k, v, i, ok = NextTLV(b, i) {
		if k == kind {
			return v, true
		}
	}
	return nil, false
}

// Find returns the value of a TLV.
func (d *Dataset) Find(kind uint8) ([]byte, bool) { return findTLV(d.b, kind) }

// Has reports whether all these TLVs are there.
func (d *Dataset) Has(kinds ...uint8) bool {
	for _, k := range kinds {
		if _, ok := d.Find(k); !ok {
			return false
		}
	}
	return true
}

// Timestamp returns the active or pending timestamp, or NoTimestamp.
func (d *Dataset) Timestamp(kind uint8) Timestamp {
	v, ok := d.Find(kind)
	if !ok || len(v) < 8 {
		return NoTimestamp
	}
	return Timestamp(binary.BigEndian.Uint64(v))
}

// Write sets a TLV; it stands last then.
func (d *Dataset) Write(kind uint8, v []byte) error {
	old, has := d.Find(kind)
	room := MaxLength - len(d.b)
	if has {
		room += 2 + len(old)
	}
	if 2+len(v) > room {
		return status.NoBufs
	}
	if has {
		v = slices.Clone(v) // it may be part of d
		d.Remove(kind)
	}
	d.b = append(append(d.b, kind, byte(len(v))), v...)
	return nil
}

// Write32 sets a TLV with a number.
func (d *Dataset) Write32(kind uint8, v uint32) error {
	return d.Write(kind, binary.BigEndian.AppendUint32(nil, v))
}

// WriteTimestamp sets the active or pending timestamp.
func (d *Dataset) WriteTimestamp(kind uint8, t Timestamp) error {
	return d.Write(kind, binary.BigEndian.AppendUint64(nil, uint64(t)))
}

// WriteAll sets all TLVs of o in d.
func (d *Dataset) WriteAll(o *Dataset) error {
	if err := o.Validate(); err != nil {
		return err
	}
	for k, v, i, ok := NextTLV(o.b, 0); ok; k, v, i, ok = NextTLV(o.b, i) {
		if err := d.Write(k, v); err != nil {
			return err
		}
	}
	return nil
}

// Append adds TLVs as they are (the shell's `-x` of a management request).
func (d *Dataset) Append(b []byte) error {
	if len(d.b)+len(b) > MaxLength {
		return status.NoBufs
	}
	d.b = append(d.b, b...)
	return nil
}

// Remove takes a TLV out.
func (d *Dataset) Remove(kind uint8) {
	start := 0
	for k, _, i, ok := NextTLV(d.b, 0); ok; k, _, i, ok = NextTLV(d.b, i) {
		if k == kind {
			d.b = slices.Delete(d.b, start, i)
			return
		}
		start = i
	}
}

// Validate checks that all TLVs are well-formed, of good values, and there once.
func (d *Dataset) Validate() error {
	if len(d.b) > MaxLength {
		return status.Parse
	}
	for i := 0; i < len(d.b); {
		k, v, end, ok := NextTLV(d.b, i)
		if !ok || !validTLV(k, v) {
			return status.Parse
		}
		if _, twice := findTLV(d.b[:i], k); twice {
			return status.Parse
		}
		i = end
	}
	return nil
}

func validTLV(kind uint8, v []byte) bool {
	n := 0
	switch kind {
	case ActiveTimestamp, PendingTimestamp, ExtPANID, MeshLocalPrefix:
		n = 8
	case DelayTimer:
		n = 4
	case PANID:
		n = 2
	case PSKc, NetworkKeyTLV:
		n = 16
	case Channel, WakeupChannel: // page and number
		if len(v) < 3 || v[0] != 0 {
			return false
		}
		c := binary.BigEndian.Uint16(v[1:])
		return c >= FirstChannel && c <= LastChannel
	case NetworkName:
		return ValidName(v)
	case SecurityPolicyTLV:
		n = 3
	case ChannelMask:
		_, ok := ParseChannelMask(v)
		return ok
	}
	return len(v) >= n
}

// ValidName reports whether a name is UTF-8 without control characters (OpenThread string.cpp, IsValidUtf8String).
func ValidName(v []byte) bool {
	for _, r := range string(v) {
		if r < ' ' || r == 0x7f {
			return false
		}
	}
	return utf8.Valid(v)
}

// Complete reports whether an active dataset has all that a network needs.
func (d *Dataset) Complete() bool {
	return d.Has(ActiveTimestamp, Channel, ChannelMask, ExtPANID, MeshLocalPrefix, NetworkKeyTLV, NetworkName, PANID, PSKc,
		SecurityPolicyTLV)
}

// SubsetOf reports whether o has all TLVs of d, but for timestamps and the delay timer.
func (d *Dataset) SubsetOf(o *Dataset) bool {
	for k, v, i, ok := NextTLV(d.b, 0); ok; k, v, i, ok = NextTLV(d.b, i) {
		if k == ActiveTimestamp || k == PendingTimestamp || k == DelayTimer {
			continue
		}
		if w, has := o.Find(k); !has || !bytes.Equal(v, w) {
			return false
		}
	}
	return true
}
