package follow

import (
	"encoding/hex"
	"fmt"

	"heddle.example/internal/trace"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/lowpan"
	"heddle.example/thread/radio"
)

// describe decodes a frame into a span: what each of its bytes is. The payload is shown opened, which is the network's and
// not the application's secret.
func describe(s *trace.Span, a *radio.Air) {
	f := a.Parsed()
	if f == nil {
		s.Label = fmt.Sprintf("%d B", len(a.PSDU))
		return
	}
	raw := append([]byte(nil), a.PSDU...)
	header := len(f.Header())
	payload := f.Payload
	if b, ok := a.Opened(); ok && f.Secured() {
		payload = b
		copy(raw[header:], b)
	}
	s.Raw = hex.EncodeToString(raw)
	add := func(name, value, kind string, at, n int) {
		if n > 0 {
			s.Fields = append(s.Fields, trace.Field{Name: name, Value: value, Kind: kind, At: at, Len: n})
		}
	}
	security := f.Security.Len()
	ack := "no ack wanted"
	if f.AckRequest {
		ack = "ack wanted"
	}
	add("MAC header", fmt.Sprintf("%s to %s, seq %d, %s", address(f.Src), address(f.Dst), f.Sequence, ack), "header", 0, header-security)
	add("security", fmt.Sprintf("level %d, key %d, counter %d", f.Security.Level, f.Security.KeyIndex, f.Security.Counter), "security", header-security, security)
	s.Label = fmt.Sprintf("%s to %s, %d B", address(f.Src), address(f.Dst), len(a.PSDU))
	at := header
	if f.Secured() && payload == nil || len(payload) == 0 {
		payload = f.Payload
	}
	if m, n, err := lowpan.ParseMesh(payload); err == nil {
		add("mesh header", fmt.Sprintf("%04x to %04x, %d hops left", m.Src, m.Dst, m.HopsLeft), "mesh", at, n)
		at, payload = at+n, payload[n:]
	}
	what := "compressed IPv6, UDP and its payload"
	if g, n, err := lowpan.ParseFragment(payload); err == nil {
		name := "FRAG1"
		if what = "IPv6 and UDP headers, and the first part"; g.Offset > 0 {
			name, what = "FRAGN", "a later part"
		}
		add(name, fmt.Sprintf("%d B in all, tag %04x, at %d", g.Size, g.Tag, g.Offset), "fragment", at, n)
		at, payload = at+n, payload[n:]
		s.Label = fmt.Sprintf("fragment at %d of %d B, %d B", g.Offset, g.Size, len(a.PSDU))
	}
	s.Short = fmt.Sprintf("%d B", len(a.PSDU))
	add("payload", what, "payload", at, len(payload))
	add("MIC, FCS", "checked by its receiver", "check", len(a.PSDU)-len(f.MIC)-ieee802154.FCSLen, len(f.MIC)+ieee802154.FCSLen)
}

func address(a ieee802154.Address) string {
	if a.Kind == ieee802154.Short {
		return fmt.Sprintf("%04x", a.Short)
	}
	return fmt.Sprintf("%x", a.Ext)
}
