package format

import (
	"slices"
	"strings"

	"heddle.example/coap"
	"heddle.example/lwm2m"
)

// names are the words that people and the REST interface use, the first for each format being the one that is shown.
var names = []struct {
	ct   coap.ContentFormat
	name string
}{
	{coap.Text, "text"},
	{coap.LinkFormat, "link"},
	{coap.Opaque, "opaque"},
	{coap.CBOR, "cbor"},
	{coap.SenMLJSON, "senml-json"},
	{coap.SenMLCBOR, "senml-cbor"},
	{coap.TLV, "tlv"},
	{coap.TLVOld, "tlv"},
	{coap.JSON, "json"},
	{coap.JSONOld, "json"},
	{coap.LwM2MCBOR, "lwm2m-cbor"},
	{coap.ETCHJSON, "senml-etch-json"},
	{coap.ETCHCBOR, "senml-etch-cbor"},
}

// Names returns the words for all formats that carry values, each once.
func Names() []string {
	var list []string
	for _, n := range names {
		if Known(n.ct) && !slices.Contains(list, n.name) {
			list = append(list, n.name)
		}
	}
	return list
}

// Name returns the word for a format, and its media type or number where there is none.
func Name(ct coap.ContentFormat) string {
	for _, n := range names {
		if n.ct == ct {
			return n.name
		}
	}
	return ct.String()
}

// ParseName reads what Name gives, in any case and with "_" for "-" as Leshan writes it, or a media type.
func ParseName(s string) (coap.ContentFormat, bool) {
	s = strings.ReplaceAll(strings.ToLower(s), "_", "-")
	for _, n := range names {
		if n.name == s || n.ct.String() == s {
			return n.ct, true
		}
	}
	return 0, false
}

// Supported returns the formats that a device of 1.1 says it knows, in the order of preference for an answer with several
// values. Decode and Append know more: see Known.
func Supported() []coap.ContentFormat {
	return []coap.ContentFormat{coap.SenMLCBOR, coap.TLV, coap.SenMLJSON, coap.CBOR, coap.Text, coap.Opaque}
}

// Known reports whether Decode and Append know a format.
func Known(ct coap.ContentFormat) bool {
	switch ct {
	case coap.TLVOld, coap.ETCHJSON, coap.ETCHCBOR, coap.JSON, coap.JSONOld, coap.LwM2MCBOR:
		return true
	}
	return slices.Contains(Supported(), ct)
}

// Fits reports whether a format can carry these values about a path: text, opaque and CBOR carry one value, TLV nothing
// above an object and no time-stamps, the others no object instance without an identifier, LwM2M JSON nothing above an
// object, nothing that is empty and a time for all values or none, LwM2M CBOR no time-stamps.
func Fits(ct coap.ContentFormat, base lwm2m.Path, entries []lwm2m.Entry) bool {
	timed := slices.ContainsFunc(entries, func(e lwm2m.Entry) bool { return e.Time != 0 })
	switch ct {
	case coap.Text, coap.CBOR, coap.Opaque:
		if len(entries) != 1 || timed || entries[0].Path != base || base.Depth() < 3 {
			return false
		}
		k := entries[0].Value.Kind()
		return k != lwm2m.None && (ct != coap.Opaque || k == lwm2m.Opaque)
	case coap.TLV, coap.TLVOld:
		return base.Depth() > 0 && !timed
	case coap.SenMLJSON, coap.SenMLCBOR, coap.ETCHJSON, coap.ETCHCBOR:
		return !slices.ContainsFunc(entries, unnamed)
	case coap.LwM2MCBOR:
		return !timed && !slices.ContainsFunc(entries, unnamed)
	case coap.JSON, coap.JSONOld:
		return base.Depth() > 0 && !slices.ContainsFunc(entries, func(e lwm2m.Entry) bool {
			return unnamed(e) || e.Value.IsNone() || timed && e.Time == 0
		})
	}
	return false
}

// unnamed reports whether an entry belongs to an object instance that has no identifier yet.
func unnamed(e lwm2m.Entry) bool { return e.Path.Depth() > 1 && e.Path.Instance() == lwm2m.NoID }

// Choose returns the format in which to send values to a device: TLV to a 1.0 device; to a newer one SenML CBOR or SenML
// JSON if it named them in its registration, else TLV, which all of them kept (7.4).
func Choose(named []uint16, v lwm2m.Version, base lwm2m.Path, entries []lwm2m.Entry) coap.ContentFormat {
	if v.AtLeast(lwm2m.V1_1) {
		for _, ct := range []coap.ContentFormat{coap.SenMLCBOR, coap.SenMLJSON} {
			if slices.Contains(named, uint16(ct)) && Fits(ct, base, entries) {
				return ct
			}
		}
	}
	if !Fits(coap.TLV, base, entries) {
		return coap.SenMLJSON
	}
	return coap.TLV
}
