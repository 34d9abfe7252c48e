package server

import (
	"heddle.example/coap"
	"heddle.example/lwm2m"
)

type contentFormat = coap.ContentFormat

// formatSet is a set of the content formats that carry values.
type formatSet uint16

// formatOrder is all of them, the one that the server likes best first.
var formatOrder = [...]contentFormat{coap.SenMLCBOR, coap.TLV, coap.SenMLJSON, coap.JSON, coap.TLVOld, coap.JSONOld,
	coap.Text, coap.Opaque, coap.CBOR, coap.LwM2MCBOR, coap.ETCHCBOR, coap.ETCHJSON}

func formatBit(f contentFormat) formatSet {
	for i, g := range formatOrder {
		if f == g {
			return 1 << i
		}
	}
	return 0
}

func (s *formatSet) add(f contentFormat)     { *s |= formatBit(f) }
func (s formatSet) has(f contentFormat) bool { return s&formatBit(f) != 0 }

func (s formatSet) list() []contentFormat {
	var l []contentFormat
	for i, f := range formatOrder {
		if s&(1<<i) != 0 {
			l = append(l, f)
		}
	}
	return l
}

// multiFormats is the formats that can carry more than one value, the one that the server likes best first.
var multiFormats = [...]contentFormat{coap.SenMLCBOR, coap.TLV, coap.SenMLJSON, coap.JSON, coap.TLVOld, coap.JSONOld}

// oldFormats is those of LwM2M 1.0 (its section 6.4).
var oldFormats = [...]contentFormat{coap.TLV, coap.JSON, coap.TLVOld, coap.JSONOld}

// preferred chooses the format for what a device is asked for and is sent: TLV with a 1.0 device, from 1.1 on the best
// of what it says it knows, and TLV again where it says nothing.
func (e *entry) preferred() contentFormat {
	known := e.reg.Objects.formats &^ e.nofmt
	if !e.reg.Version.AtLeast(lwm2m.V1_1) {
		if known.has(coap.TLVOld) && !known.has(coap.TLV) {
			return coap.TLVOld
		}
		for _, f := range oldFormats {
			if !e.nofmt.has(f) {
				return f
			}
		}
	}
	for _, f := range multiFormats {
		if known.has(f) {
			return f
		}
	}
	for _, f := range multiFormats[1:] {
		if !e.nofmt.has(f) {
			return f
		}
	}
	return coap.SenMLCBOR
}

// forWriting chooses the format for what is written: text for one plain value to a device that does not say otherwise,
// because every device reads it; else the preferred one.
func (e *entry) forWriting(op *Operation) contentFormat {
	if op.Kind == Create && !e.nofmt.has(coap.TLV) && needsTLV(op.Entries) {
		return coap.TLV
	}
	if op.Path.Depth() < 3 || len(op.Entries) != 1 || op.Entries[0].Path != op.Path {
		return e.preferred()
	}
	f := coap.Text
	switch op.Entries[0].Value.Kind() {
	case lwm2m.Opaque:
		f = coap.Opaque
	case lwm2m.Objlink, lwm2m.None:
		return e.preferred()
	}
	if listed := e.reg.Objects.formats; e.nofmt.has(f) || listed != 0 && !listed.has(f) {
		return e.preferred()
	}
	return f
}

// needsTLV reports whether a new instance can only be said in TLV: SenML has to name the instance and to give a value.
func needsTLV(entries []lwm2m.Entry) bool {
	return len(entries) == 0 || entries[0].Value.IsNone() || entries[0].Path.Depth() > 1 && entries[0].Path.Instance() == lwm2m.NoID
}

// defaultFormat is what a payload without Content-Format is taken for.
func defaultFormat(r *Registration, base lwm2m.Path) contentFormat {
	if base.Depth() >= 3 {
		return coap.Text
	}
	return coap.TLV
}
