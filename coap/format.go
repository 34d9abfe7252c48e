package coap

import "strconv"

// ContentFormat is a content format's number (RFC 7252 section 12.3).
type ContentFormat uint16

// Content formats that LwM2M uses.
const (
	Text       ContentFormat = 0
	LinkFormat ContentFormat = 40
	XML        ContentFormat = 41
	Opaque     ContentFormat = 42
	PlainJSON  ContentFormat = 50 // application/json; JSON is LwM2M's own
	CBOR       ContentFormat = 60
	SenMLJSON  ContentFormat = 110
	SenMLCBOR  ContentFormat = 112
	ETCHJSON   ContentFormat = 320 // application/senml-etch+json
	ETCHCBOR   ContentFormat = 322
	TLVOld     ContentFormat = 1542 // TLV of LwM2M drafts, still sent by old devices
	JSONOld    ContentFormat = 1543
	TLV        ContentFormat = 11542
	JSON       ContentFormat = 11543
	LwM2MCBOR  ContentFormat = 11544
)

// String returns the media type, or the number of an unknown format.
func (f ContentFormat) String() string {
	switch f {
	case Text:
		return "text/plain"
	case LinkFormat:
		return "application/link-format"
	case XML:
		return "application/xml"
	case Opaque:
		return "application/octet-stream"
	case PlainJSON:
		return "application/json"
	case CBOR:
		return "application/cbor"
	case SenMLJSON:
		return "application/senml+json"
	case SenMLCBOR:
		return "application/senml+cbor"
	case ETCHJSON:
		return "application/senml-etch+json"
	case ETCHCBOR:
		return "application/senml-etch+cbor"
	case TLV, TLVOld:
		return "application/vnd.oma.lwm2m+tlv"
	case JSON, JSONOld:
		return "application/vnd.oma.lwm2m+json"
	case LwM2MCBOR:
		return "application/vnd.oma.lwm2m+cbor"
	}
	return strconv.Itoa(int(f))
}
