package coap

// Message is a CoAP message (RFC 7252 section 3).
type Message struct {
	Type    Type
	Code    Code
	ID      uint16
	Token   Token
	Options Options
	Payload []byte
}

// Decode reads the message in b. Option values and payload borrow b, and Options is reused. After ErrFormat and
// ErrTooManyOptions Type, Code and ID are valid, so that the message can be rejected.
func (m *Message) Decode(b []byte) error {
	m.Options, m.Payload, m.Token = m.Options[:0], nil, Token{}
	if len(b) < 4 {
		return ErrShort
	}
	if b[0]>>6 != Version {
		return ErrVersion
	}
	m.Type, m.Code, m.ID = Type(b[0]>>4&3), Code(b[1]), uint16(b[2])<<8|uint16(b[3])
	tkl := int(b[0] & 0x0f)
	if m.Code == Empty && len(b) > 4 || tkl > MaxTokenLength || len(b) < 4+tkl {
		return ErrFormat // RFC 7252 sections 3 and 4.1
	}
	m.Token.n = uint8(copy(m.Token.b[:], b[4:4+tkl]))
	return m.decodeOptions(b[4+tkl:])
}

// decodeOptions reads options and payload (RFC 7252 section 3.1).
func (m *Message) decodeOptions(b []byte) error {
	number := uint32(0)
	for len(b) > 0 {
		head := b[0]
		if b = b[1:]; head == 0xff {
			if len(b) == 0 {
				return ErrFormat // a marker followed by nothing
			}
			m.Payload = b
			return nil
		}
		delta, length := uint32(head>>4), uint32(head&0x0f)
		var ok bool
		if delta > 12 {
			if delta, b, ok = extended(delta, b); !ok {
				return ErrFormat
			}
		}
		if length > 12 {
			if length, b, ok = extended(length, b); !ok {
				return ErrFormat
			}
		}
		if number += delta; number > 0xffff || length > uint32(len(b)) {
			return ErrFormat
		}
		if len(m.Options) == MaxOptions {
			return ErrTooManyOptions
		}
		m.Options = append(m.Options, Option{OptionNumber(number), b[:length:length]})
		b = b[length:]
	}
	return nil
}

// extended reads the extension of an option's delta or length nibble.
func extended(nibble uint32, b []byte) (v uint32, rest []byte, ok bool) {
	switch {
	case nibble == 13 && len(b) >= 1:
		return uint32(b[0]) + 13, b[1:], true
	case nibble == 14 && len(b) >= 2:
		return uint32(b[0])<<8 + uint32(b[1]) + 269, b[2:], true
	}
	return 0, b, false
}

// Append appends the encoded message to dst.
func (m *Message) Append(dst []byte) ([]byte, error) {
	dst = append(dst, Version<<6|byte(m.Type&3)<<4|m.Token.n, byte(m.Code), byte(m.ID>>8), byte(m.ID))
	if m.Code == Empty {
		if m.Token.n > 0 || len(m.Options) > 0 || len(m.Payload) > 0 {
			return dst, ErrFormat
		}
		return dst, nil
	}
	dst = append(dst, m.Token.b[:m.Token.n]...)
	last := OptionNumber(0)
	for i := range m.Options {
		n, v := m.Options[i].Number, m.Options[i].Value
		if n < last {
			return dst, ErrOptionOrder
		}
		if len(v) > 0xffff+269 {
			return dst, ErrTooLong
		}
		dst = appendOption(dst, uint32(n-last), v)
		last = n
	}
	if len(m.Payload) > 0 {
		dst = append(dst, 0xff)
		dst = append(dst, m.Payload...)
	}
	return dst, nil
}

func appendOption(dst []byte, delta uint32, value []byte) []byte {
	length := uint32(len(value))
	dst = append(dst, nibble(delta)<<4|nibble(length))
	dst = appendExtended(dst, delta)
	dst = appendExtended(dst, length)
	return append(dst, value...)
}

func nibble(v uint32) byte {
	switch {
	case v < 13:
		return byte(v)
	case v < 269:
		return 13
	}
	return 14
}

func appendExtended(dst []byte, v uint32) []byte {
	switch {
	case v < 13:
		return dst
	case v < 269:
		return append(dst, byte(v-13))
	}
	return append(dst, byte((v-269)>>8), byte(v-269))
}

// Size returns an upper bound of the encoded length.
func (m *Message) Size() int {
	n := 4 + MaxTokenLength + 1 + len(m.Payload)
	for i := range m.Options {
		n += 5 + len(m.Options[i].Value)
	}
	return n
}
