package endpoint

import (
	"bytes"
	"encoding/binary"

	"heddle.example/coap"
)

// appendETags appends the entity-tags of a GET or FETCH, each after its length.
func appendETags(dst []byte, m *coap.Message) []byte {
	if m.Code != coap.GET && m.Code != coap.FETCH {
		return dst
	}
	for i := range m.Options {
		if o := &m.Options[i]; o.Number == coap.ETag && len(dst) < 8*9 {
			dst = append(append(dst, byte(len(o.Value))), o.Value...)
		}
	}
	return dst
}

// validate makes an answer that the peer has already a 2.03 without a payload (RFC 7252 section 5.10.6.2).
func (e *Endpoint) validate(x *exchange, m *coap.Message) bool {
	if len(x.etags) == 0 || m.Code != coap.Content {
		return false
	}
	if !m.Options.Has(coap.ETag) {
		m.Options = e.tag(m)
	}
	tag, _ := m.Options.Get(coap.ETag)
	for have := x.etags; len(have) > 0; have = have[1+have[0]:] {
		if bytes.Equal(have[1:1+have[0]], tag) {
			m.Code, m.Payload = coap.Valid, nil
			m.Options = m.Options.Del(coap.ContentFormatOption)
			return true
		}
	}
	return false
}

// tag returns the options of an answer with an entity-tag made of its body.
func (e *Endpoint) tag(m *coap.Message) coap.Options {
	return m.Options.Add(coap.ETag, binary.BigEndian.AppendUint64(e.out.Nest().Buf(8), sum(m.Payload)))
}
