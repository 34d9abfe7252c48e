package commissioning

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"heddle.example/thread/joining"
)

// letters of a joining device credential: base32-thread (Thread 1.4, 8.2).
const letters = "0123456789ABCDEFGHJKLMNPRSTUVWXY"

// NewPSKd draws a password for a device.
func NewPSKd() string {
	var b [10]byte
	rand.Read(b[:])
	for i := range b {
		b[i] = letters[b[i]%32]
	}
	return string(b[:])
}

// QRText is what stands on a device's label (Thread 1.4: a URI-like text with version, EUI-64 and credential).
func QRText(eui64, pskd string) string { return "v=1&&eui=" + eui64 + "&&cc=" + pskd }

// parseQR reads such a text.
func parseQR(text string) (id, pskd string, err error) {
	text = strings.TrimSpace(text)
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == '&' || r == ' ' || r == '\n' || r == '\t' }) {
		name, value, _ := strings.Cut(part, "=")
		switch strings.ToLower(name) {
		case "v":
			if value != "1" {
				return "", "", fmt.Errorf("the label is of version %q; 1 is known", value)
			}
		case "eui":
			id = value
		case "cc":
			pskd = value
		}
	}
	if id == "" || pskd == "" {
		return "", "", fmt.Errorf("the text is none of a device's label: v=1&&eui=EUI64&&cc=PSKD")
	}
	return id, pskd, nil
}

// entry makes the node's entry of what was asked for.
func (a *Add) entry() (e joining.Entry, err error) {
	id, pskd := a.ID, strings.TrimSpace(a.PSKd)
	if a.QR != "" {
		if id, pskd, err = parseQR(a.QR); err != nil {
			return e, err
		}
	}
	if e, err = parseID(id); err != nil {
		return e, err
	}
	if !joining.ValidPassword(pskd) {
		return e, fmt.Errorf("a PSKd has 6 to 32 digits and capital letters, but no I, O, Q or Z")
	}
	e.Password = pskd
	return e, nil
}

// parseID reads *, an EUI-64 with or without separators, or number/bits.
func parseID(s string) (e joining.Entry, err error) {
	s = strings.TrimSpace(s)
	if s == "*" {
		return e, nil
	}
	if number, bits, ok := strings.Cut(s, "/"); ok {
		e.Kind = joining.ByDiscerner
		n, err := strconv.ParseUint(bits, 10, 8)
		if err != nil || n < 1 || n > 64 {
			return e, fmt.Errorf("a discerner is a number, a slash, and how many bits it has: 1 to 64")
		}
		e.Discerner.Length = int(n)
		if e.Discerner.Value, err = strconv.ParseUint(number, 0, 64); err != nil {
			return e, fmt.Errorf("a discerner is a number, a slash, and how many bits it has: 1 to 64")
		}
		return e, nil
	}
	b, err := hex.DecodeString(strings.NewReplacer(":", "", "-", "").Replace(s))
	if err != nil || len(b) != 8 {
		return e, fmt.Errorf("%q is no EUI-64: that is 16 hexadecimal digits, as the device prints for eui64; * lets any device join", s)
	}
	e.Kind, e.EUI64 = joining.ByEUI64, [8]byte(b)
	return e, nil
}

func nameOf(e *joining.Entry) string {
	switch e.Kind {
	case joining.ByEUI64:
		return hex.EncodeToString(e.EUI64[:])
	case joining.ByDiscerner:
		return fmt.Sprintf("%#x/%d", e.Discerner.Value, e.Discerner.Length)
	}
	return "*"
}

func kindOf(e *joining.Entry) string {
	return [...]string{"any", "eui64", "discerner"}[min(e.Kind, joining.ByDiscerner)]
}
