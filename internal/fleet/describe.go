package fleet

import (
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/format"
	"heddle.example/lwm2m/registry"
	"heddle.example/lwm2m/server"
)

// Message is one CoAP message, decoded for people.
type Message struct {
	At        Time    `json:"at" format:"date-time"`
	Out       bool    `json:"out" doc:"sent by the server"`
	Type      string  `json:"type" enum:"CON,NON,ACK,RST"`
	Code      string  `json:"code" example:"2.05"`
	CodeName  string  `json:"codeName" example:"Content"`
	MessageID uint16  `json:"messageId"`
	Token     string  `json:"token" doc:"hexadecimal"`
	Path      string  `json:"path,omitempty" doc:"of the request, or of the request that this answers"`
	Format    string  `json:"format,omitempty" example:"senml-cbor"`
	Size      int     `json:"size" doc:"bytes of the whole message"`
	Observe   *uint32 `json:"observe,omitempty" doc:"the Observe option"`
	Summary   string  `json:"summary" example:"/3303/0/5700 = 21.37 °C"`
	Payload   string  `json:"payloadHex" doc:"at most 2,048 bytes"`
	Decoded   string  `json:"decoded,omitempty" doc:"the payload in words"`
}

// describe decodes a message. It reads bytes of a stranger and takes nothing for granted.
func (f *Fleet) describe(l *messageLog, e *server.Message) *Message {
	out := &Message{At: Time(e.At), Out: e.Out, Size: len(e.Raw)}
	var m coap.Message
	if err := m.Decode(e.Raw); err != nil {
		out.Summary = "not a CoAP message: " + err.Error()
		out.Payload = hex.EncodeToString(e.Raw[:min(len(e.Raw), payloadMost)])
		return out
	}
	out.Type, out.Code, out.CodeName, out.MessageID = m.Type.String(), m.Code.String(), m.Code.Name(), m.ID
	out.Token = m.Token.String()
	out.Payload = hex.EncodeToString(m.Payload[:min(len(m.Payload), payloadMost)])
	if n, ok := m.Options.GetUint(coap.Observe); ok {
		out.Observe = &n
	}
	ct, hasFormat := m.Options.Format()
	if hasFormat {
		out.Format = format.Name(ct)
	}
	target, known := lwm2m.Root, false
	switch {
	case m.Code == coap.Empty:
		out.Summary = map[coap.Type]string{coap.CON: "ping", coap.ACK: "acknowledged", coap.RST: "rejected"}[m.Type]
		return out
	case m.Code.Class() == 0:
		out.Path = m.Options.Path()
		if p, err := lwm2m.ParsePath(out.Path); err == nil {
			target, known = p, true
			l.ask(m.Token, p)
		}
		out.Summary = f.request(&m, out.Path)
	default:
		if target, known = l.asked[m.Token]; known {
			out.Path = target.String()
		} else if m.Options.Has(coap.LocationPath) {
			out.Path = m.Options.Location()
		}
		out.Summary = m.Code.Name()
	}
	if len(m.Payload) == 0 {
		return out
	}
	out.Decoded = f.payload(e.Endpoint, target, known, ct, hasFormat, &m)
	if short := firstLine(out.Decoded); short != "" && (m.Code.Class() == 2 || m.Code.Class() == 0 && known) {
		if m.Code.Class() == 0 && target.Depth() == 0 {
			short = out.Summary + " " + short // a composite operation
		} else if m.Code.Class() == 0 {
			short = m.Code.Name() + " " + short
		}
		out.Summary = short
	} else if m.Code.Class() >= 4 {
		out.Summary = m.Code.Name() + ": " + short
	}
	return out
}

// request says what a request asks for.
func (f *Fleet) request(m *coap.Message, path string) string {
	var query []string
	for q := range m.Options.Queries() {
		query = append(query, clean(string(q)))
	}
	s := m.Code.Name() + " " + clean(path)
	switch segments := strings.Split(strings.Trim(path, "/"), "/"); {
	case segments[0] == "rd" && m.Code == coap.POST && len(segments) == 1:
		s = "Register"
	case segments[0] == "rd" && m.Code == coap.POST:
		s = "Update"
	case segments[0] == "rd" && m.Code == coap.DELETE:
		s = "Deregister"
	case segments[0] == "dp" && m.Code == coap.POST:
		s = "Send"
	}
	if path == "/" {
		switch m.Code {
		case coap.FETCH:
			s = "Read-Composite"
			if n, ok := m.Options.GetUint(coap.Observe); ok {
				s = [...]string{"Observe-Composite", "Cancel Observe-Composite"}[min(n, 1)]
			}
		case coap.IPATCH:
			s = "Write-Composite"
		}
	}
	if n, ok := m.Options.GetUint(coap.Observe); ok && m.Code == coap.GET {
		s = [...]string{"Observe ", "Cancel observation of "}[min(n, 1)] + clean(path)
	}
	if b, ok := m.Options.Block(coap.Block2); ok && b.Num > 0 {
		s += fmt.Sprintf(", block %d", b.Num)
	}
	if len(query) > 0 {
		s += "  " + strings.Join(query, " ")
	}
	return s
}

// payload puts a payload into words, a line for each value.
func (f *Fleet) payload(endpoint string, target lwm2m.Path, known bool, ct coap.ContentFormat, hasFormat bool, m *coap.Message) string {
	for _, o := range []coap.OptionNumber{coap.Block1, coap.Block2} {
		if b, ok := m.Options.Block(o); ok && (b.Num > 0 || b.More) {
			return fmt.Sprintf("block %d, bytes %d to %d%s", b.Num, b.Offset(), b.Offset()+len(m.Payload)-1, map[bool]string{true: ", more follow"}[b.More])
		}
	}
	if !hasFormat || ct == coap.LinkFormat || !format.Known(ct) {
		return text(m.Payload)
	}
	if m.Code == coap.FETCH {
		return paths(ct, m.Payload)
	}
	if !known && (ct == coap.Text || ct == coap.Opaque || ct == coap.CBOR || ct == coap.TLV || ct == coap.TLVOld || ct == coap.JSON || ct == coap.JSONOld) {
		if ct == coap.Text {
			return text(m.Payload)
		}
		return fmt.Sprintf("%d bytes of %s", len(m.Payload), format.Name(ct))
	}
	types := f.Types(endpoint)
	entries, err := format.Decode(nil, ct, target, m.Payload, types, format.Options{MaxEntries: 500})
	if err != nil {
		return "cannot be read: " + err.Error()
	}
	var b strings.Builder
	for i, e := range entries {
		if i > 0 {
			b.WriteByte('\n')
		}
		if b.Len() > 4*payloadMost {
			fmt.Fprintf(&b, "… and %d more", len(entries)-i)
			break
		}
		b.WriteString(types.Say(e))
	}
	return b.String()
}

// paths puts the list of a Read-Composite or Observe-Composite into one line.
func paths(ct coap.ContentFormat, payload []byte) string {
	list, err := format.DecodePaths(nil, ct, payload, format.Options{MaxEntries: 500})
	if err != nil {
		return "cannot be read: " + err.Error()
	}
	var words []string
	for _, p := range list {
		words = append(words, p.String())
	}
	return strings.Join(words, " ")
}

// Say writes an entry with its unit: "/3303/0/5700 = 21.37 °C".
func (t *Types) Say(e lwm2m.Entry) string {
	s := e.Path.String()
	if e.Value.IsNone() {
		return s + " (empty)"
	}
	v := e.Value.String()
	switch e.Value.Kind() {
	case lwm2m.String, lwm2m.Corelnk:
		v = `"` + clean(v) + `"`
	case lwm2m.Opaque:
		if len(v) > 64 {
			v = fmt.Sprintf("%s… (%d bytes)", v[:64], len(v)/2)
		}
	case lwm2m.Float:
		if n, ok := e.Value.AsFloat(); ok {
			v = fmt.Sprint(n)
		}
	}
	s += " = " + v
	if r := t.Resource(e.Path); r != nil && r.Units != "" {
		s += " " + r.UnitText()
	}
	return s
}

// Types answers questions about the types of an endpoint's resources. It is for one goroutine.
func (f *Fleet) Types(endpoint string) *Types {
	t := &Types{registry: f.o.Registry()}
	if reg := f.Registration(endpoint); reg != nil {
		t.objects = reg.Objects
	}
	return t
}

// Types is the definitions that hold for one endpoint.
type Types struct {
	registry *registry.Registry
	objects  *server.Objects // nil: not registered
	id       uint16
	last     *registry.Object // of id; a definition is read anew each time that it is asked for
}

// Resource returns the definition of a resource in the version that the endpoint registered, or nil.
func (t *Types) Resource(p lwm2m.Path) *registry.Resource {
	if p.Depth() < 3 {
		return nil
	}
	if t.last == nil || t.id != p.Object() {
		var v lwm2m.Version
		if t.objects != nil {
			v = t.objects.Version(p.Object())
		}
		if t.id, t.last = p.Object(), t.registry.Object(p.Object(), v); t.last == nil {
			return nil
		}
	}
	return t.last.Resource(p.Resource())
}

// TypeOf implements format.Typer.
func (t *Types) TypeOf(p lwm2m.Path) (lwm2m.Kind, bool, bool) {
	r := t.Resource(p)
	if r == nil {
		return lwm2m.None, false, false
	}
	return r.Kind, r.Multiple, true
}

// text returns a payload that is a text, or says how long it is.
func text(b []byte) string {
	if !utf8.Valid(b) {
		return fmt.Sprintf("%d bytes", len(b))
	}
	if len(b) > payloadMost {
		b = b[:payloadMost]
	}
	return clean(string(b))
}

func firstLine(s string) string {
	line, rest, more := strings.Cut(s, "\n")
	if len(line) > 200 {
		line = strings.ToValidUTF8(line[:200], "") + "…"
	}
	if more {
		line += fmt.Sprintf("  (+%d)", 1+strings.Count(rest, "\n"))
	}
	return line
}

// clean makes a stranger's text fit to be shown: no control characters.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return '·'
		}
		return r
	}, s)
}
