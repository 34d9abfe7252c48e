package dtls

import "encoding/binary"

// Extension types.
const (
	extServerName           = 0
	extMaxFragmentLength    = 1
	extSupportedGroups      = 10
	extPointFormats         = 11
	extSignatureAlgorithms  = 13
	extClientCertType       = 19
	extServerCertType       = 20
	extExtendedMasterSecret = 23
	extConnectionIDDraft    = 53 // drafts of RFC 9146 up to version 08: other additional data
	extConnectionID         = 54
	extRRC                  = 61
	extECJPAKE              = 256
	extRenegotiationInfo    = 0xFF01
)

// extensions holds those extensions of a hello that this package knows. Slices are of the message.
type extensions struct {
	serverName    []byte // a host name; nil: none, or one that makes no sense
	maxFragment   byte   // code of RFC 6066 section 4; 0: absent
	groups        []byte // supported_groups, 2 bytes each; nil: absent
	pointFormats  []byte
	signatures    []byte // signature_algorithms, 2 bytes each; nil: absent
	clientTypes   []byte // what client_certificate_type holds: a list in ClientHello, a byte in ServerHello; nil: absent
	serverTypes   []byte // of server_certificate_type
	ems           bool
	cid           []byte
	hasCID        bool
	cidDraft      []byte
	hasCIDDraft   bool
	rrc           bool
	jpake         []byte // the first round of EC-JPAKE
	renegotiation bool
	renegotiated  []byte // renegotiated_connection: empty in a first handshake
	unknown       bool   // there was an extension that this package does not know
}

// decode reads the extensions at the end of a hello. Unknown ones are skipped, and in server_name everything is tolerated,
// an IP literal for one: it can do no more than choose a certificate.
func (x *extensions) decode(b []byte) bool {
	*x = extensions{}
	if len(b) == 0 {
		return true
	}
	r := reader{b: b}
	list := reader{b: r.vector16()}
	if !r.done() {
		return false
	}
	var seen uint64 // of the small types: one of a kind (RFC 5246 section 7.4.1.4)
	for len(list.b) > 0 {
		typ := list.uint16()
		v := reader{b: list.vector16()}
		if list.bad {
			return false
		}
		if typ < 64 {
			if seen>>typ&1 != 0 {
				return false
			}
			seen |= 1 << typ
		}
		switch typ {
		case extServerName:
			x.serverName = hostName(v)
			continue
		case extSignatureAlgorithms:
			x.signatures = v.vector16()
			if len(x.signatures)%2 != 0 {
				return false
			}
		case extClientCertType:
			x.clientTypes = v.b
			continue
		case extServerCertType:
			x.serverTypes = v.b
			continue
		case extMaxFragmentLength:
			x.maxFragment = byte(v.uint8())
			if x.maxFragment < 1 || x.maxFragment > 4 {
				return false
			}
		case extSupportedGroups:
			x.groups = v.vector16()
			if len(x.groups)%2 != 0 {
				return false
			}
		case extPointFormats:
			x.pointFormats = v.vector8()
		case extExtendedMasterSecret:
			x.ems = true
		case extConnectionID:
			x.cid, x.hasCID = v.vector8(), true
		case extConnectionIDDraft:
			x.cidDraft, x.hasCIDDraft = v.vector8(), true
		case extRRC:
			x.rrc = true
		case extECJPAKE:
			if x.jpake != nil {
				return false
			}
			x.jpake = v.b
			continue
		case extRenegotiationInfo:
			x.renegotiation = true
			x.renegotiated = v.vector8()
		default:
			x.unknown = true
			continue
		}
		if !v.done() {
			return false
		}
	}
	return !list.bad
}

// hostName reads the first name of server_name, if it is a host's (RFC 6066 section 3).
func hostName(v reader) []byte {
	list := reader{b: v.vector16()}
	if typ, name := list.uint8(), list.vector16(); !list.bad && typ == 0 && len(name) <= 255 {
		return name
	}
	return nil
}

// append appends the extensions with their length; nothing if there are none.
func (x *extensions) append(dst []byte) []byte {
	start := len(dst)
	dst = append(dst, 0, 0)
	if n := len(x.serverName); n > 0 {
		dst = appendExtension(dst, extServerName, n+5)
		dst = binary.BigEndian.AppendUint16(dst, uint16(n+3))
		dst = append(dst, 0) // host_name
		dst = appendVector16(dst, x.serverName)
	}
	if x.maxFragment != 0 {
		dst = append(appendExtension(dst, extMaxFragmentLength, 1), x.maxFragment)
	}
	if x.groups != nil {
		dst = appendVector16(appendExtension(dst, extSupportedGroups, 2+len(x.groups)), x.groups)
	}
	if x.pointFormats != nil {
		dst = appendVector8(appendExtension(dst, extPointFormats, 1+len(x.pointFormats)), x.pointFormats)
	}
	if x.signatures != nil {
		dst = appendVector16(appendExtension(dst, extSignatureAlgorithms, 2+len(x.signatures)), x.signatures)
	}
	if x.clientTypes != nil {
		dst = append(appendExtension(dst, extClientCertType, len(x.clientTypes)), x.clientTypes...)
	}
	if x.serverTypes != nil {
		dst = append(appendExtension(dst, extServerCertType, len(x.serverTypes)), x.serverTypes...)
	}
	if x.ems {
		dst = appendExtension(dst, extExtendedMasterSecret, 0)
	}
	if x.hasCIDDraft {
		dst = appendVector8(appendExtension(dst, extConnectionIDDraft, 1+len(x.cidDraft)), x.cidDraft)
	}
	if x.hasCID {
		dst = appendVector8(appendExtension(dst, extConnectionID, 1+len(x.cid)), x.cid)
	}
	if x.rrc {
		dst = appendExtension(dst, extRRC, 0)
	}
	if x.jpake != nil {
		dst = append(appendExtension(dst, extECJPAKE, len(x.jpake)), x.jpake...)
	}
	if x.renegotiation {
		dst = appendVector8(appendExtension(dst, extRenegotiationInfo, 1+len(x.renegotiated)), x.renegotiated)
	}
	n := len(dst) - start - 2
	if n == 0 {
		return dst[:start]
	}
	binary.BigEndian.PutUint16(dst[start:], uint16(n))
	return dst
}

func appendExtension(dst []byte, typ uint16, n int) []byte {
	return append(dst, byte(typ>>8), byte(typ), byte(n>>8), byte(n))
}

// fragmentCode returns the code of a length in max_fragment_length, or 0.
func fragmentCode(n int) byte {
	for c := byte(1); c <= 4; c++ {
		if fragmentLength(c) == n {
			return c
		}
	}
	return 0
}

func fragmentLength(code byte) int { return 256 << code }
