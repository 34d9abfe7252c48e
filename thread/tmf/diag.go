package tmf

import (
	"heddle.example/coap"
	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/tlv"
)

// DiagEnv is what Diagnostics needs of its node.
type DiagEnv interface {
	// AppendDiagnostic appends the TLV of a type, or nothing where the node has none.
	AppendDiagnostic(now machine.Time, dst []byte, t DiagType) []byte
	// EachDiagnostic yields the TLVs of a type that is a list with a TLV an entry (IsList), without the empty one at its end.
	EachDiagnostic(now machine.Time, t DiagType, yield func(tlv []byte))
	// ResetDiagnostic resets the counters of a type.
	ResetDiagnostic(now machine.Time, t DiagType)
	// DiagSource is the address that diagnostics to dst leave from: link-local to link-local, else the RLOC.
	DiagSource(dst ip6.Address) ip6.Address
	// DiagAnswer hands up an answer to Get. a is borrowed.
	DiagAnswer(now machine.Time, a *DiagAnswer)
}

// DiagAnswer is an answer to Get, or why there is none.
type DiagAnswer struct {
	Err  error
	From ip6.Address
	TLVs []byte
	// Query: it answers a query, and there may be more of it. Else it ends a request to one node.
	Query bool
}

const (
	// answerThreshold is the length at which an answer message is closed and another one begun (network_diagnostic.hpp).
	answerThreshold = 800
	// answerHeader is what OpenThread counts in that length beside the TLVs: CoAP header, token, path and marker.
	answerHeader = 4 + 2 + 2 + 3 + 1
	// MaxChildEntries is the most entries of a child table TLV.
	MaxChildEntries = 398
	maxAnswers      = 8 // queries being answered at once
	// maxMessages is how many messages answer one query: the children of a full router take 40. maxAnswer is the length at
	// which an answer in one message gets no further TLV: a longer one is not assembled anywhere.
	maxMessages = 128
	maxAnswer   = 2048
)

// Diagnostics is both sides of network diagnostics (Thread 1.4 section 10.11).
type Diagnostics struct {
	agent   *Agent
	env     DiagEnv
	queryID uint16
	known   bool
	busy    int
}

// NewDiagnostics returns the diagnostics on an agent.
func NewDiagnostics(a *Agent, env DiagEnv) Diagnostics { return Diagnostics{agent: a, env: env} }

// Get asks a node for TLVs, or all that hear a multicast.
func (d *Diagnostics) Get(now machine.Time, dst ip6.Address, types []byte) error {
	m := Message{URI: DiagnosticGetRequest, Src: d.env.DiagSource(dst), Dst: dst, Priority: Normal, Confirmable: true}
	if m.Payload = appendTypes(nil, types); dst.IsMulticast() {
		id := d.NextQueryID()
		m.URI, m.Confirmable, m.Loop = DiagnosticGetQuery, false, true
		m.Payload = tlv.AppendUint16(m.Payload, byte(DiagQueryID), id)
		return d.agent.Send(now, m)
	}
	m.Done = func(now machine.Time, r Response) {
		a := DiagAnswer{Err: r.Err, From: r.From, TLVs: r.Payload}
		if r.Err == nil && r.Code != coap.Changed {
			a.Err = ErrReset
		}
		d.env.DiagAnswer(now, &a)
	}
	return d.agent.Send(now, m)
}

// NextQueryID returns the number of a new query.
func (d *Diagnostics) NextQueryID() uint16 {
	if !d.known {
		d.queryID, d.known = uint16(d.agent.rand.Uint64()), true
	}
	d.queryID++
	return d.queryID
}

// Reset asks nodes to reset counters.
func (d *Diagnostics) Reset(now machine.Time, dst ip6.Address, types []byte) error {
	return d.agent.Send(now, Message{URI: DiagnosticReset, Src: d.env.DiagSource(dst), Dst: dst, Priority: Normal,
		Confirmable: true, Loop: dst.IsMulticast(), Payload: appendTypes(nil, types)})
}

func appendTypes(dst, types []byte) []byte {
	if len(types) == 0 {
		return dst
	}
	return tlv.Append(dst, byte(DiagTypeList), types)
}

// Serve handles a request of diagnostics and reports whether it was one.
func (d *Diagnostics) Serve(now machine.Time, r *Request) bool {
	if r.Code != coap.POST {
		return false
	}
	types, _ := tlv.Find(r.Payload, byte(DiagTypeList))
	switch r.URI {
	case DiagnosticGetRequest:
		if !r.Confirmable {
			return true
		}
		var out []byte
		for _, t := range types {
			if len(out) < maxAnswer {
				out = d.env.AppendDiagnostic(now, out, DiagType(t))
			}
		}
		d.agent.Respond(now, r, coap.Changed, out)
	case DiagnosticGetQuery:
		d.agent.Changed(now, r)
		id, ok := tlv.Uint16(r.Payload, byte(DiagQueryID))
		d.answer(now, r, types, id, ok)
	case DiagnosticReset:
		if !r.Confirmable || len(r.Payload) < 2 || r.Payload[0] != byte(DiagTypeList) {
			return true
		}
		for _, t := range types {
			d.env.ResetDiagnostic(now, DiagType(t))
		}
		d.agent.Changed(now, r)
	case DiagnosticGetAnswer:
		if r.Confirmable {
			d.env.DiagAnswer(now, &DiagAnswer{From: r.Src, TLVs: r.Payload, Query: true})
			d.agent.Changed(now, r)
		}
	default:
		return false
	}
	return true
}

// answer sends what a query asks for in as many messages as it takes, each when the one before was acknowledged.
func (d *Diagnostics) answer(now machine.Time, r *Request, types []byte, id uint16, hasID bool) {
	if d.busy >= maxAnswers {
		return
	}
	var done [][]byte
	begin := func() []byte {
		if !hasID {
			return nil
		}
		return tlv.AppendUint16(nil, byte(DiagQueryID), id)
	}
	cur := begin()
	split := func() {
		if len(cur)+answerHeader >= answerThreshold {
			done = append(done, tlv.AppendUint16(cur, byte(DiagAnswerIndex), uint16(len(done))))
			cur = begin()
		}
	}
	for _, t := range types {
		if len(done) >= maxMessages {
			break
		}
		if t := DiagType(t); !t.IsList() {
			cur = d.env.AppendDiagnostic(now, cur, t)
		} else {
			d.env.EachDiagnostic(now, t, func(entry []byte) {
				if len(done) < maxMessages {
					cur = append(cur, entry...)
					split()
				}
			})
			cur = append(cur, byte(t), 0)
		}
		split()
	}
	done = append(done, tlv.AppendUint16(cur, byte(DiagAnswerIndex), uint16(len(done))|lastAnswer))
	d.busy++
	d.sendAnswers(now, r.Src, r.Priority, done)
}

const lastAnswer = 1 << 15

func (d *Diagnostics) sendAnswers(now machine.Time, dst ip6.Address, p Priority, left [][]byte) {
	m := Message{URI: DiagnosticGetAnswer, Src: d.env.DiagSource(dst), Dst: dst, Priority: p, Confirmable: true, Payload: left[0]}
	m.Done = func(now machine.Time, r Response) {
		if r.Err == nil && r.Code == coap.Changed && len(left) > 1 {
			d.sendAnswers(now, r.From, p, left[1:])
			return
		}
		d.busy--
	}
	if d.agent.Send(now, m) != nil {
		d.busy--
	}
}
