// Package format reads and writes the content formats of LwM2M: text/plain, opaque, CBOR, TLV, SenML JSON, SenML CBOR, the
// JSON of LwM2M 1.0 and the CBOR of LwM2M 1.2. Link format is in package lwm2m, since it carries links and not values.
package format

import (
	"errors"
	"fmt"
	"slices"

	"heddle.example/coap"
	"heddle.example/lwm2m"
)

// What a caller branches on. A client answers ErrUnsupported with 4.15, or 4.06 where it was asked for, and the rest with
// 4.00.
var (
	ErrUnsupported = errors.New("lwm2m/format: content format not supported here")
	ErrMalformed   = errors.New("lwm2m/format: malformed payload")
	ErrType        = errors.New("lwm2m/format: value does not fit the resource's type")
	ErrPath        = errors.New("lwm2m/format: payload is about another path")
	ErrTooMany     = errors.New("lwm2m/format: too many values")
)

// Typer says what a resource's type is; the path is a resource or resource instance. ok is false where the resource is
// unknown: then the format's own type holds, and bytes of TLV stay Opaque.
type Typer interface {
	TypeOf(p lwm2m.Path) (kind lwm2m.Kind, multiple, ok bool)
}

// DefaultMaxEntries is how many values a payload may have where Options does not say.
const DefaultMaxEntries = 8192

// Options of a decode. The zero Options are fine.
type Options struct {
	MaxEntries int   // 0: DefaultMaxEntries
	Now        int64 // nanoseconds since the Unix epoch: what relative times of SenML count from
	// Instance is the object instance that resources belong to which come without one at the path of an object. A
	// client that decodes a Create puts lwm2m.NoID here and chooses an instance.
	Instance uint16
	// Patch says that the payload is the one of a Write-Composite: every record has a value. Where the format is one of
	// SenML-ETCH, null takes a resource instance away (RFC 8790 section 3.2), which is an entry without a value.
	Patch bool
}

// Decode reads a payload about the path base, appends its values to dst and sorts them. types may be nil. Values keep
// nothing of payload: a decode copies it once. On an error dst comes back as it was.
func Decode(dst []lwm2m.Entry, ct coap.ContentFormat, base lwm2m.Path, payload []byte, types Typer, o Options) ([]lwm2m.Entry, error) {
	d := decoder{dst: dst, start: len(dst), max: o.MaxEntries, base: base, types: types, o: o}
	if d.max == 0 {
		d.max = DefaultMaxEntries
	}
	if err := d.decode(ct, string(payload)); err != nil {
		return dst, err
	}
	return d.finish()
}

func (d *decoder) decode(ct coap.ContentFormat, s string) error {
	switch ct {
	case coap.Text:
		return d.text(s)
	case coap.Opaque:
		return d.opaque(s)
	case coap.CBOR:
		return d.cbor(s)
	case coap.TLV, coap.TLVOld:
		return d.tlv(s)
	case coap.SenMLJSON, coap.ETCHJSON:
		return d.senmlJSON(s, ct == coap.ETCHJSON && d.o.Patch)
	case coap.SenMLCBOR, coap.ETCHCBOR:
		return d.senmlCBOR(s, ct == coap.ETCHCBOR && d.o.Patch)
	case coap.JSON, coap.JSONOld:
		return d.oldJSON(s)
	case coap.LwM2MCBOR:
		return d.lwm2mCBOR(s)
	}
	return fmt.Errorf("%w: %v", ErrUnsupported, ct)
}

// Append appends the values as a payload about the path base. entries are sorted and lie at or below base, which is the
// root for a composite.
func Append(dst []byte, ct coap.ContentFormat, base lwm2m.Path, entries []lwm2m.Entry) ([]byte, error) {
	// An object or instance without anything in it is an empty list.
	if len(entries) > 0 && entries[0].Value.IsNone() && entries[0].Path == base && base.Depth() < 3 {
		entries = entries[1:]
	}
	for i := range entries {
		if !entries[i].Path.HasPrefix(base) {
			return dst, fmt.Errorf("%w: %s is not in %s", ErrPath, entries[i].Path, base)
		}
	}
	switch ct {
	case coap.Text:
		v, err := one("text", base, entries)
		return v.AppendText(dst), err
	case coap.Opaque:
		v, err := one("opaque", base, entries)
		if err == nil && v.Kind() != lwm2m.Opaque {
			err = typeError(base, v.Kind(), nil)
		}
		return append(dst, v.Raw()...), err
	case coap.CBOR:
		v, err := one("CBOR", base, entries)
		if err != nil {
			return dst, err
		}
		return appendCBORValue(dst, v), nil
	case coap.TLV, coap.TLVOld:
		return appendTLV(dst, base, entries)
	}
	if slices.ContainsFunc(entries, unnamed) {
		return dst, fmt.Errorf("%w: only TLV has room for an object instance without an identifier, which a Create leaves to the device", ErrPath)
	}
	switch ct {
	case coap.SenMLJSON, coap.ETCHJSON:
		return appendSenMLJSON(dst, base, entries)
	case coap.SenMLCBOR, coap.ETCHCBOR:
		return appendSenMLCBOR(dst, base, entries)
	case coap.JSON, coap.JSONOld:
		return appendOldJSON(dst, base, entries)
	case coap.LwM2MCBOR:
		return appendLwM2MCBOR(dst, base, entries)
	}
	return dst, fmt.Errorf("%w: %v", ErrUnsupported, ct)
}
