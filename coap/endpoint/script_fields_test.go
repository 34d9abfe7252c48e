package endpoint

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"heddle.example/coap"
	"heddle.example/machine"
)

type fields struct {
	plain   []string
	values  map[string]string
	options coap.Options
	payload []byte
	token   coap.Token
	after   int
	timeout time.Duration
}

func (f *fields) has(word string) bool {
	for _, p := range f.plain {
		if p == word {
			return true
		}
	}
	return false
}

func (s *script) fields(words []string) *fields {
	f := &fields{values: map[string]string{}}
	for _, w := range words {
		k, v, ok := strings.Cut(w, "=")
		if !ok {
			f.plain = append(f.plain, w)
			continue
		}
		f.values[k] = v
		switch k {
		case "path":
			f.options = f.options.AppendPath(v)
		case "query":
			f.options = f.options.AddQuery(v)
		case "location":
			f.options = f.options.AppendLocation(v)
		case "format":
			f.options = f.options.SetFormat(coap.ContentFormat(s.number(v)))
		case "accept":
			f.options = f.options.SetAccept(coap.ContentFormat(s.number(v)))
		case "observe":
			f.options = f.options.SetUint(coap.Observe, uint32(s.number(v)))
		case "block1":
			f.options = f.options.SetUint(coap.Block1, s.block(v))
		case "block2":
			f.options = f.options.SetUint(coap.Block2, s.block(v))
		case "size1":
			f.options = f.options.SetUint(coap.Size1, uint32(s.number(v)))
		case "size2":
			f.options = f.options.SetUint(coap.Size2, uint32(s.number(v)))
		case "etag":
			f.options = f.options.Set(coap.ETag, s.hex(v))
		case "option":
			n, value, _ := strings.Cut(v, ":")
			f.options = f.options.Add(coap.OptionNumber(s.number(n)), s.hex(value))
		case "payload":
			f.payload = []byte(v)
		case "fill":
			for i := range s.number(v) {
				f.payload = append(f.payload, "abcdefghijklmnopqrstuvwxyz"[i/16%26])
			}
		case "token":
			f.token = s.tokenOf(v)
		case "re":
			f.token = s.tokenOf(v)
		case "after":
			f.after = s.number(v)
		case "timeout":
			f.timeout, _ = time.ParseDuration(v)
		}
	}
	return f
}

func (s *script) block(v string) uint32 {
	p := strings.Split(v, "/")
	return coap.Block{Num: uint32(s.number(p[0])), More: p[1] == "1", SZX: coap.SZX(s.number(p[2]))}.Uint()
}

func (s *script) tokenOf(v string) coap.Token {
	if v[0] == '#' {
		return s.message(v).Token
	}
	return coap.NewToken(s.hex(v))
}

func (s *script) idOf(v string) uint16 {
	if v[0] == '#' {
		return s.message(v).ID
	}
	return uint16(s.number(v))
}

func (s *script) exchange(f *fields) Exchange {
	n := s.number(f.plain[0][1:])
	if n < 1 || n > len(s.x) {
		s.t.Fatalf("x%d has not come:\n%s", n, s.out.String())
	}
	return s.x[n-1]
}

func (s *script) message(v string) *coap.Message {
	n := s.number(v[1:])
	if n < 1 || n > len(s.sent) {
		s.t.Fatalf("%s was not sent:\n%s", v, s.out.String())
	}
	return &s.sent[n-1]
}

func (s *script) hex(v string) (b []byte) {
	if _, err := fmt.Sscanf(v, "%x", &b); err != nil && v != "" {
		s.t.Fatalf("hex %q: %v", v, err)
	}
	return b
}

func (s *script) number(v string) int {
	n, err := strconv.Atoi(v)
	if err != nil {
		s.t.Fatalf("number %q", v)
	}
	return n
}

func (s *script) path(f *fields) machine.Path {
	for _, k := range []string{"from", "to"} {
		if v, ok := f.values[k]; ok {
			return s.peers[v]
		}
	}
	return s.peers[s.names[0]]
}

func method(v string) coap.Code {
	for c := coap.GET; c <= coap.IPATCH; c++ {
		if c.Name() == v {
			return c
		}
	}
	return code(v)
}

func code(v string) coap.Code {
	if v == "Empty" {
		return 0
	}
	return coap.Code((v[0]-'0')<<5 | (v[2]-'0')*10 + v[3] - '0')
}

func (s *script) datagram(f *fields) []byte {
	if v, ok := f.values["raw"]; ok {
		return s.hex(v)
	}
	m := coap.Message{Code: method(f.plain[1]), Options: f.options, Payload: f.payload, Token: f.token}
	for _, t := range []coap.Type{coap.CON, coap.NON, coap.ACK, coap.RST} {
		if t.String() == f.plain[0] {
			m.Type = t
		}
	}
	for _, k := range []string{"id", "re"} {
		if v, ok := f.values[k]; ok {
			m.ID = s.idOf(v)
		}
	}
	b, err := m.Append(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return b
}
