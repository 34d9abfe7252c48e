package shell

import (
	"strings"

	"heddle.example/thread/status"
)

// referenceState is what commands of OpenThread's reference device set. Where nothing in the node depends on it yet, the
// value is only kept.
type referenceState struct {
	tmfOriginOff bool
	lnaGain      int8
	duaIID       [8]byte
	hasDUAIID    bool
}

func ccm(_ *Shell, a args) error { return onOff(a, always(func(bool) {})) }

func tvCheck(_ *Shell, a args) error { return onOff(a, always(func(bool) {})) }

func testCommand(s *Shell, a args) error {
	if !a.is(0, "tmforiginfilter") {
		return nil
	}
	return showOnOff(s, a[1:], func() bool { return !s.tmfOriginOff }, always(func(on bool) { s.tmfOriginOff = !on }))
}

func fem(s *Shell, a args) error {
	switch {
	case len(a) == 0:
		s.Line("LNA gain %d dBm", s.lnaGain)
		return nil
	case a[0] != "lnagain":
		return status.InvalidArgs
	case len(a) == 1:
		s.Line("%d", s.lnaGain)
		return nil
	}
	v, err := a.i8(1)
	if err == nil {
		s.lnaGain = v
	}
	return err
}

func targetPower(s *Shell, a args) error {
	c, err := a.u8(0)
	if mask, _ := s.node.ChannelMasks(); err == nil && (c >= 32 || mask>>c&1 == 0) {
		err = status.InvalidArgs
	}
	if err == nil {
		_, err = a.int(1, 16)
	}
	return err // the simulated radio takes it and does nothing with it
}

func domainName(s *Shell, a args) error {
	return text(s, a, s.node.DomainName, s.node.SetDomainName)
}

func dua(s *Shell, a args) error {
	switch {
	case !a.is(0, "iid"):
		return status.InvalidCommand
	case len(a) == 1:
		if s.hasDUAIID {
			s.Line("%s", hexOf(s.duaIID[:]))
		}
	case a[1] == "clear":
		s.hasDUAIID = false
	default:
		iid, err := a.ext(1)
		if err != nil {
			return err
		}
		s.duaIID, s.hasDUAIID = iid, true
	}
	return nil
}

func verhoeff(s *Shell, a args) error {
	if !a.is(0, "calculate") && !a.is(0, "validate") {
		return status.InvalidCommand
	}
	if len(a) != 2 || strings.Trim(a[1], "0123456789") != "" || len(a[1]) > 128 {
		return status.InvalidArgs
	}
	if a[0] == "calculate" {
		s.Line("%d", verhoeffDigit(a[1]))
		return nil
	}
	n := len(a[1]) - 1
	if verhoeffDigit(a[1][:n]) != a[1][n]-'0' {
		return status.Failed
	}
	return nil
}

// verhoeffDigit returns the check digit of decimal digits by Verhoeff's scheme: multiplication in the dihedral group D5
// after a permutation that depends on the position.
func verhoeffDigit(digits string) byte {
	multiply := func(a, b byte) byte {
		switch {
		case a < 5 && b < 5:
			return (a + b) % 5
		case a < 5:
			return 5 + (a+b)%5
		case b < 5:
			return 5 + (a-b)%5
		}
		return (5 + a - b) % 5
	}
	permute := []byte{1, 5, 7, 6, 2, 8, 3, 0, 9, 4}
	code := byte(0)
	for i := range len(digits) {
		d := digits[len(digits)-1-i] - '0'
		for range (i + 1) % 8 {
			d = permute[d]
		}
		code = multiply(code, d)
	}
	if code < 5 { // a rotation's inverse; a reflection is its own
		return (5 - code) % 5
	}
	return code
}
