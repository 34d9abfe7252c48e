package shell

import (
	"encoding/binary"

	"heddle.example/thread/status"
	"heddle.example/thread/tlv"
)

// A datum is a field of the commissioning data.
type datum struct {
	name string
	kind byte
	read func(a args, i int) ([]byte, error)
}

var data = []datum{
	{"locator", 9, args.bigEndian}, {"sessionid", 11, args.bigEndian},
	{"steeringdata", 8, func(a args, i int) ([]byte, error) { return a.hex(i, 16) }}, {"joinerudpport", 18, args.bigEndian},
}

func (a args) bigEndian(i int) ([]byte, error) {
	v, err := a.u16(i)
	return binary.BigEndian.AppendUint16(nil, v), err
}

func findDatum(name string) *datum {
	for i := range data {
		if data[i].name == name {
			return &data[i]
		}
	}
	return nil
}

func commissionerGet(s *Shell, a args) error {
	var types []byte
	for i := 0; i < len(a); i++ {
		switch d := findDatum(a[i]); {
		case d != nil:
			types = append(types, d.kind)
		case a[i] == "-x":
			i++
			b, err := a.hex(i, 32)
			if err != nil {
				return err
			}
			types = append(types, b...)
		default:
			return status.InvalidArgs
		}
	}
	return s.node.SendCommissionerGet(s.now, s.cause, types)
}

func commissionerSet(s *Shell, a args) error {
	if len(a) == 0 {
		return status.InvalidArgs
	}
	var values [4][]byte
	var extra []byte
	for i := 0; i < len(a); i += 2 {
		d := findDatum(a[i])
		switch {
		case d != nil:
			v, err := d.read(a, i+1)
			if err != nil {
				return err
			}
			for k := range data {
				if data[k].name == d.name {
					values[k] = v
				}
			}
		case a[i] == "-x":
			b, err := a.hex(i+1, 32)
			if err != nil {
				return err
			}
			extra = b
		default:
			return status.InvalidArgs
		}
	}
	var b []byte
	for k, v := range values {
		if v != nil {
			b = tlv.Append(b, data[k].kind, v)
		}
	}
	return s.node.SendCommissionerSet(s.now, s.cause, append(b, extra...))
}
