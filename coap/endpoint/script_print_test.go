package endpoint

import (
	"errors"
	"fmt"
	"strings"

	"heddle.example/coap"
	"heddle.example/machine"
)

func (s *script) name(p *machine.Path) string {
	for _, n := range s.names {
		if q := s.peers[n]; q.Remote == p.Remote && (q.Security == nil) == (p.Security == nil) {
			return n
		}
	}
	return p.Remote.String()
}

func (s *script) print(a *machine.Action) {
	fmt.Fprintf(&s.out, "%9.3f ", s.now.Sub(scriptStart).Seconds())
	switch a.Kind {
	case machine.Send:
		var m coap.Message
		if err := m.Decode(a.Data); err != nil {
			s.t.Fatalf("sent %x: %v", a.Data, err)
		}
		s.sent = append(s.sent, coap.Message{ID: m.ID, Token: m.Token})
		fmt.Fprintf(&s.out, "#%d -> %s %s", len(s.sent), s.name(&a.Path), text(&m))
		if a.After != 0 {
			fmt.Fprintf(&s.out, " after=%d", a.After)
		}
	case machine.Result:
		r := a.Value.(*Response)
		fmt.Fprintf(&s.out, "op%d = ", a.Op)
		if r.Err != nil {
			s.out.WriteString(errName(r.Err))
		} else {
			fmt.Fprintf(&s.out, "%s%s%s", r.Code, optionsText(r.Options), payloadText(r.Payload))
		}
		if r.Observing {
			fmt.Fprintf(&s.out, " observing seq=%d", r.Sequence)
		}
	case machine.Event:
		switch v := a.Value.(type) {
		case *Incoming:
			s.x = append(s.x, v.Exchange)
			fmt.Fprintf(&s.out, "x%d <- %s %s%s%s", len(s.x), s.name(&a.Path), v.Code.Name(), optionsText(v.Options), payloadText(v.Payload))
			if v.Observe >= 0 {
				fmt.Fprintf(&s.out, " observe=%d", v.Observe)
			}
		case *Notification:
			fmt.Fprintf(&s.out, "op%d notified", a.Op)
			if v.Err != nil {
				fmt.Fprintf(&s.out, " %s", errName(v.Err))
			} else {
				fmt.Fprintf(&s.out, " %s%s%s", v.Code, optionsText(v.Options), payloadText(v.Payload))
			}
			if v.Ended {
				s.out.WriteString(" ended")
			}
			if s.hold && v.Confirmable && v.Err == nil {
				v.Hold = true
				s.held = append(s.held, *v)
			}
		case *Unsubscribed:
			for i := range s.s {
				if s.s[i] == v.Subscription {
					fmt.Fprintf(&s.out, "s%d unsubscribed: %s", i+1, v.Reason)
				}
			}
		}
	}
	s.out.WriteString("\n")
}

func errName(err error) string {
	for name, e := range map[string]error{"ErrTimeout": ErrTimeout, "ErrReset": ErrReset, "ErrCancelled": ErrCancelled,
		"ErrTooLarge": ErrTooLarge, "ErrBusy": ErrBusy, "ErrClosed": ErrClosed, "ErrOption": ErrOption, "ErrBlock": ErrBlock,
		"ErrChanged": ErrChanged, "ErrRequest": ErrRequest} {
		if errors.Is(err, e) {
			return name
		}
	}
	return err.Error()
}

func text(m *coap.Message) string {
	c := m.Code.String()
	if m.Code.IsRequest() || m.Code == coap.Empty {
		c = m.Code.Name()
	}
	s := fmt.Sprintf("%s %s id=%d", m.Type, c, m.ID)
	if m.Token.Len() > 0 {
		s += " token=" + strings.TrimLeft(m.Token.String(), "0")
	}
	return s + optionsText(m.Options) + payloadText(m.Payload)
}

func optionsText(o coap.Options) (s string) {
	for _, x := range o {
		v, _ := x.Uint()
		switch x.Number {
		case coap.URIPath, coap.URIQuery, coap.LocationPath:
			s += fmt.Sprintf(" %s:%s", x.Number, x.Value)
		case coap.Block1, coap.Block2:
			b, _ := coap.DecodeBlock(x.Value)
			more := 0
			if b.More {
				more = 1
			}
			s += fmt.Sprintf(" %s:%d/%d/%d", x.Number, b.Num, more, b.Size())
		case coap.ETag:
			s += fmt.Sprintf(" ETag:%x", x.Value)
		default:
			s += fmt.Sprintf(" %s:%d", x.Number, v)
		}
	}
	return s
}

func payloadText(b []byte) string {
	switch {
	case len(b) == 0:
		return ""
	case len(b) > 40:
		return fmt.Sprintf(" (%d bytes, sum %08x)", len(b), uint32(sum(b)))
	}
	return fmt.Sprintf(" %q", b)
}
