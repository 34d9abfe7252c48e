package dtls

import "fmt"

// Suite is the number of a cipher suite.
type Suite uint16

// The suites of this package. All use SHA-256 as the hash of their pseudorandom function.
const (
	PSKWithAES128CCM8      Suite = 0xC0A8 // RFC 6655; mandatory in LwM2M
	PSKWithAES128CCM       Suite = 0xC0A4 // RFC 6655
	PSKWithAES128GCM       Suite = 0x00A8 // RFC 5487
	ECDHEPSKWithAES128GCM  Suite = 0xD001 // RFC 8442
	ECDHEPSKWithAES128CCM8 Suite = 0xD003 // RFC 8442
	ECDHEPSKWithAES128CCM  Suite = 0xD005 // RFC 8442
	PSKWithAES128CBC       Suite = 0x00AE // RFC 5487; only with Config.AllowCBC
	ECJPAKEWithAES128CCM8  Suite = 0xC0FF // Thread's commissioning; only where Suites names it

	ECDHEECDSAWithAES128CCM8 Suite = 0xC0AE // RFC 7251; mandatory with certificates and raw public keys (RFC 7252)
	ECDHEECDSAWithAES128CCM  Suite = 0xC0AC // RFC 7251
	ECDHEECDSAWithAES128GCM  Suite = 0xC02B // RFC 5289
)

// emptyRenegotiationInfo is the signalling suite of RFC 5746 section 3.3.
const emptyRenegotiationInfo Suite = 0x00FF

// suiteInfo is one row of the table of suites.
type suiteInfo struct {
	id       Suite
	name     string
	exchange func() keyExchange
	aead     aeadKind
	tagLen   int
	ecdhe    bool // needs a named group
	secret   secretKind
}

// secretKind is what a peer proves itself with.
type secretKind uint8

const (
	secretKey         secretKind = iota // a pre-shared key
	secretPassword                      // EC-JPAKE: not for long keys of devices, but for a password that both know
	secretCertificate                   // a certificate or a raw public key
)

// All suites here but the one with CBC are AEAD suites with a 16-byte key, a 4-byte implicit and an 8-byte explicit nonce (RFC 5288
// section 3, RFC 6655 section 3).
const (
	keyLen           = 16
	implicitNonceLen = 4
	explicitNonceLen = 8
)

// suites is in the order that a client offers: what LwM2M makes mandatory first.
var suites = [...]suiteInfo{
	{PSKWithAES128CCM8, "TLS_PSK_WITH_AES_128_CCM_8", newPSK, kindCCM, 8, false, secretKey},
	{PSKWithAES128CCM, "TLS_PSK_WITH_AES_128_CCM", newPSK, kindCCM, 16, false, secretKey},
	{PSKWithAES128GCM, "TLS_PSK_WITH_AES_128_GCM_SHA256", newPSK, kindGCM, 16, false, secretKey},
	{ECDHEPSKWithAES128CCM, "TLS_ECDHE_PSK_WITH_AES_128_CCM_SHA256", newECDHEPSK, kindCCM, 16, true, secretKey},
	{ECDHEPSKWithAES128GCM, "TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256", newECDHEPSK, kindGCM, 16, true, secretKey},
	{ECDHEPSKWithAES128CCM8, "TLS_ECDHE_PSK_WITH_AES_128_CCM_8_SHA256", newECDHEPSK, kindCCM, 8, true, secretKey},
	{ECDHEECDSAWithAES128CCM8, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8", newECDHEECDSA, kindCCM, 8, true, secretCertificate},
	{ECDHEECDSAWithAES128CCM, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM", newECDHEECDSA, kindCCM, 16, true, secretCertificate},
	{ECDHEECDSAWithAES128GCM, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", newECDHEECDSA, kindGCM, 16, true, secretCertificate},
	{PSKWithAES128CBC, "TLS_PSK_WITH_AES_128_CBC_SHA256", newPSK, kindCBC, 0, false, secretKey}, // last: nothing better is left then
	{ECJPAKEWithAES128CCM8, "TLS_ECJPAKE_WITH_AES_128_CCM_8", newECJPAKE, kindCCM, 8, true, secretPassword},
}

func suiteByID(id Suite) *suiteInfo {
	for i := range suites {
		if suites[i].id == id {
			return &suites[i]
		}
	}
	return nil
}

func suiteIndex(info *suiteInfo) uint8 {
	for i := range suites {
		if &suites[i] == info {
			return uint8(i)
		}
	}
	return 0
}

// SecureSuites returns the suites of this package, in the order that a client offers, but for the one with CBC and for the
// one with a password.
func SecureSuites() []Suite {
	var ids []Suite
	for i := range suites {
		if suites[i].aead != kindCBC && suites[i].secret != secretPassword {
			ids = append(ids, suites[i].id)
		}
	}
	return ids
}

func (s Suite) String() string {
	if i := suiteByID(s); i != nil {
		return i.name
	}
	return fmt.Sprintf("0x%04X", uint16(s))
}

// expansion is by how much a record grows at least when it is protected.
func (s *suiteInfo) expansion() int {
	if s.aead == kindCBC {
		return cbcBlock + cbcMAC + 1
	}
	return explicitNonceLen + s.tagLen
}

// padding is how much more the content may seem to be before it is opened: an inner type, or all the padding of CBC.
func (s *suiteInfo) padding() int {
	if s.aead == kindCBC {
		return 256
	}
	return 1
}

// bodyLen is the length of the body of a record with n bytes of content.
func (s *suiteInfo) bodyLen(n int) int {
	if s.aead == kindCBC {
		return cbcLen(n)
	}
	return n + s.expansion()
}
