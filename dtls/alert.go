package dtls

import "fmt"

// Alert levels and descriptions (RFC 5246 section 7.2).
const (
	alertWarning = 1
	alertFatal   = 2

	alertCloseNotify      = 0
	alertUnexpected       = 10
	alertBadRecordMAC     = 20
	alertHandshakeFailure = 40
	alertBadCertificate   = 42
	alertUnsupportedCert  = 43
	alertExpired          = 45
	alertCertUnknown      = 46
	alertIllegalParameter = 47
	alertUnknownCA        = 48
	alertDecodeError      = 50
	alertDecryptError     = 51
	alertProtocolVersion  = 70
	alertNoRenegotiation  = 100
	alertUnsupportedExt   = 110
)

var alertNames = map[uint8]string{
	0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 21: "decryption_failed", 22: "record_overflow",
	30: "decompression_failure", 40: "handshake_failure", 41: "no_certificate", 42: "bad_certificate",
	43: "unsupported_certificate", 44: "certificate_revoked", 45: "certificate_expired", 46: "certificate_unknown",
	47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied", 50: "decode_error", 51: "decrypt_error",
	60: "export_restriction", 70: "protocol_version", 71: "insufficient_security", 80: "internal_error",
	90: "user_canceled", 100: "no_renegotiation", 110: "unsupported_extension", 112: "unrecognized_name",
	115: "unknown_psk_identity",
}

func alertName(d uint8) string {
	if n, ok := alertNames[d]; ok {
		return n
	}
	return fmt.Sprintf("unknown alert %d", d)
}

// decodeAlert reads the body of an alert record.
func decodeAlert(b []byte) (level, description uint8, ok bool) {
	if len(b) != 2 || b[0] != alertWarning && b[0] != alertFatal {
		return 0, 0, false
	}
	return b[0], b[1], true
}
