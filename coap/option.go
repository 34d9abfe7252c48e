package coap

import "strconv"

// OptionNumber is the number of an option (RFC 7252 section 5.10).
type OptionNumber uint16

// Registered option numbers.
const (
	IfMatch             OptionNumber = 1
	URIHost             OptionNumber = 3
	ETag                OptionNumber = 4
	IfNoneMatch         OptionNumber = 5
	Observe             OptionNumber = 6 // RFC 7641
	URIPort             OptionNumber = 7
	LocationPath        OptionNumber = 8
	OSCORE              OptionNumber = 9 // RFC 8613
	URIPath             OptionNumber = 11
	ContentFormatOption OptionNumber = 12
	MaxAge              OptionNumber = 14
	URIQuery            OptionNumber = 15
	HopLimit            OptionNumber = 16 // RFC 8768
	Accept              OptionNumber = 17
	QBlock1             OptionNumber = 19 // RFC 9177
	LocationQuery       OptionNumber = 20
	Block2              OptionNumber = 23 // RFC 7959
	Block1              OptionNumber = 27 // RFC 7959
	Size2               OptionNumber = 28 // RFC 7959
	QBlock2             OptionNumber = 31 // RFC 9177
	ProxyURI            OptionNumber = 35
	ProxyScheme         OptionNumber = 39
	Size1               OptionNumber = 60
	Echo                OptionNumber = 252 // RFC 9175
	NoResponse          OptionNumber = 258 // RFC 7967
	RequestTag          OptionNumber = 292 // RFC 9175
)

// Critical reports whether a recipient that does not understand the option must refuse the message (RFC 7252 section
// 5.4.1).
func (n OptionNumber) Critical() bool { return n&1 != 0 }

// definition is a row of the option tables of the RFCs: how long a value may be and whether the option may repeat.
type definition struct {
	name     string
	min, max uint16
	repeat   bool
}

// define is a switch and not a map: it is asked for every option of every message.
func define(n OptionNumber) (d definition, ok bool) {
	switch n {
	case IfMatch:
		return definition{"If-Match", 0, 8, true}, true
	case URIHost:
		return definition{"Uri-Host", 1, 255, false}, true
	case ETag:
		return definition{"ETag", 1, 8, true}, true
	case IfNoneMatch:
		return definition{"If-None-Match", 0, 0, false}, true
	case Observe:
		return definition{"Observe", 0, 3, false}, true
	case URIPort:
		return definition{"Uri-Port", 0, 2, false}, true
	case LocationPath:
		return definition{"Location-Path", 0, 255, true}, true
	case OSCORE:
		return definition{"OSCORE", 0, 255, false}, true
	case URIPath:
		return definition{"Uri-Path", 0, 255, true}, true
	case ContentFormatOption:
		return definition{"Content-Format", 0, 2, false}, true
	case MaxAge:
		return definition{"Max-Age", 0, 4, false}, true
	case URIQuery:
		return definition{"Uri-Query", 0, 255, true}, true
	case HopLimit:
		return definition{"Hop-Limit", 1, 1, false}, true
	case Accept:
		return definition{"Accept", 0, 2, false}, true
	case QBlock1:
		return definition{"Q-Block1", 0, 3, false}, true
	case LocationQuery:
		return definition{"Location-Query", 0, 255, true}, true
	case Block2:
		return definition{"Block2", 0, 3, false}, true
	case Block1:
		return definition{"Block1", 0, 3, false}, true
	case Size2:
		return definition{"Size2", 0, 4, false}, true
	case QBlock2:
		return definition{"Q-Block2", 0, 3, true}, true
	case ProxyURI:
		return definition{"Proxy-Uri", 1, 1034, false}, true
	case ProxyScheme:
		return definition{"Proxy-Scheme", 1, 255, false}, true
	case Size1:
		return definition{"Size1", 0, 4, false}, true
	case Echo:
		return definition{"Echo", 1, 40, false}, true
	case NoResponse:
		return definition{"No-Response", 0, 1, false}, true
	case RequestTag:
		return definition{"Request-Tag", 0, 8, true}, true
	}
	return definition{}, false
}

// Repeatable reports whether the option may occur more than once (RFC 7252 section 5.4.5). Of unknown options we cannot
// tell, so they may.
func (n OptionNumber) Repeatable() bool { d, ok := define(n); return !ok || d.repeat }

// String returns the registered name, or the number.
func (n OptionNumber) String() string {
	if d, ok := define(n); ok {
		return d.name
	}
	return strconv.Itoa(int(n))
}

// Option is one option of a message. A decoded one borrows its value from the datagram.
type Option struct {
	Number OptionNumber
	Value  []byte
}

// WellFormed reports whether the value's length is one that the option may have. One that is not is treated like an
// unrecognized option (RFC 7252 section 5.4.3). Unknown options are well formed.
func (o Option) WellFormed() bool {
	d, ok := define(o.Number)
	return !ok || len(o.Value) >= int(d.min) && len(o.Value) <= int(d.max)
}

// Uint returns the value as an unsigned integer (RFC 7252 section 3.2); ok is false when it has more than 4 bytes.
func (o Option) Uint() (v uint32, ok bool) {
	if len(o.Value) > 4 {
		return 0, false
	}
	for _, b := range o.Value {
		v = v<<8 | uint32(b)
	}
	return v, true
}
