package server

import (
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/machine"
	"heddle.example/machine/machinetest"
)

// The server keeps the rules of all machines under random and half-right messages, commands, failing commits and time.
func TestConform(t *testing.T) {
	var peers []machine.Path
	for i := range 4 {
		peers = append(peers, benchPath(i))
	}
	endpoints := []string{"a", "b", "c", "nobody"}
	lwPaths := []string{"/", "/3", "/3/0", "/3/0/9", "/3303/0/5700", "/31024/10/5"}
	command := func(f func(s *Server, now machine.Time, cause machine.Cause, r machinetest.Rand)) func(machine.Machine, machine.Time, machine.Cause, machinetest.Rand) {
		return func(m machine.Machine, now machine.Time, cause machine.Cause, r machinetest.Rand) {
			f(m.(*Server), now, cause, r)
		}
	}
	machinetest.Conform(t, machinetest.Kit{
		New: func(r machine.Rand) machine.Machine {
			return New(Config{Rand: r, Unknown: AcceptUnknown, History: true, QueueExpiry: time.Minute, ResultsKept: time.Minute, AwakeWindow: 20 * time.Second,
				Limits: Limits{Registrations: 3, ObservationsPerClient: 2, OperationsPerClient: 3, SharedLinks: 2, QueuePerClient: 5, Queue: 8, Results: 3}})
		},
		Paths: peers,
		Datagram: func(r machinetest.Rand, sent [][]byte) []byte {
			m := coap.Message{Type: coap.Type(r.IntN(2)), ID: uint16(r.IntN(50)), Token: coap.NewToken(r.Bytes(8))}
			var q coap.Message
			if len(sent) > 0 && q.Decode(sent[len(sent)-1-r.IntN(min(len(sent), 5))]) == nil {
				switch {
				case q.Code == coap.Created && r.IntN(2) == 0:
					m.Code = [...]coap.Code{coap.POST, coap.POST, coap.DELETE, coap.GET}[r.IntN(4)]
					m.Options = uriOptions(q.Options.Location() + [...]string{"", "", "?lt=5", "?b=UQ", "?lt=x"}[r.IntN(5)])
					return mustAppend(m)
				case q.Code == coap.FETCH && r.IntN(2) == 0:
					m.Type, m.ID, m.Token, m.Code = coap.ACK, q.ID, q.Token, coap.Content
					m.Options, m.Payload = observing(r.Uint32()&0xFFFFFF, coap.SenMLJSON), []byte(`[{"n":"/3/0/9","v":1}]`)
					return mustAppend(m)
				case q.Code.IsRequest():
					m.Type, m.ID, m.Token = coap.ACK, q.ID, q.Token
					m.Code = [...]coap.Code{coap.Content, coap.Content, coap.Content, coap.Changed, coap.NotAcceptable, coap.UnsupportedContentFormat, coap.NotFound, coap.ServiceUnavailable}[r.IntN(8)]
					if m.Code == coap.Content && r.IntN(2) == 0 {
						m.Options = observing(r.Uint32()&0xFFFFFF, coap.Text)
						m.Payload = []byte("17")
					} else if m.Code == coap.Content {
						m.Options, m.Payload = in(coap.TLV), []byte{0xC1, 9, 100}
					}
					if r.IntN(4) == 0 {
						m.Type, m.ID = coap.CON, uint16(r.Uint32())
					}
					return mustAppend(m)
				}
			}
			m.Code = coap.POST
			if r.IntN(5) == 0 {
				m.Options = uriOptions("/dp").SetFormat([...]coap.ContentFormat{coap.SenMLJSON, coap.SenMLJSON, coap.TLV}[r.IntN(3)])
				m.Payload = []byte([...]string{`[{"n":"/3/0/9","v":1}]`, `[{"bn":"/3303/0/5700","bt":-5,"v":1},{"t":1,"v":2}]`, `[{}]`}[r.IntN(3)])
				return mustAppend(m)
			}
			m.Options = uriOptions("/rd?ep=" + endpoints[r.IntN(3)] + "&lwm2m=1.1&lt=" + [...]string{"10", "100", "0", "100&Q", "0&Q"}[r.IntN(5)]).SetFormat(coap.LinkFormat)
			m.Payload = []byte([...]string{links, oldLinks, "</3/0>", "<"}[r.IntN(4)])
			return mustAppend(m)
		},
		Commands: []func(machine.Machine, machine.Time, machine.Cause, machinetest.Rand){
			command(func(s *Server, now machine.Time, cause machine.Cause, r machinetest.Rand) {
				op := &Operation{Kind: OpKind(r.IntN(17)), Paths: paths(lwPaths[r.IntN(len(lwPaths))], lwPaths[r.IntN(len(lwPaths))]), Path: path(lwPaths[r.IntN(len(lwPaths))]), Passive: r.IntN(2) == 0,
					Queue: QueueMode(r.IntN(3)), Expires: time.Duration(r.IntN(100)) * time.Second, Repeat: r.IntN(2) == 0,
					Timeout: time.Duration(r.IntN(20)) * time.Second, Entries: entry1("/3/0/9", lwm2m.Int(5))}
				s.Do(now, cause, endpoints[r.IntN(4)], op)
			}),
			command(func(s *Server, now machine.Time, cause machine.Cause, r machinetest.Rand) {
				s.Do(now, cause, endpoints[r.IntN(3)], &Operation{Kind: Observe, Path: path("/3/0/9")})
			}),
			command(func(s *Server, now machine.Time, cause machine.Cause, r machinetest.Rand) {
				s.Do(now, cause, endpoints[r.IntN(3)], &Operation{Kind: CancelObserve, Path: path("/3/0/9"), Passive: r.IntN(2) == 0})
			}),
			command(func(s *Server, now machine.Time, _ machine.Cause, r machinetest.Rand) { checkCounts(t, s) }),
			command(func(s *Server, now machine.Time, _ machine.Cause, r machinetest.Rand) {
				s.Cancel(now, machine.OpID(r.IntN(50)))
			}),
			command(func(s *Server, now machine.Time, cause machine.Cause, r machinetest.Rand) {
				ep := endpoints[r.IntN(4)]
				switch r.IntN(7) {
				case 4:
					s.CancelQueue(now, cause, ep)
				case 5:
					s.SetAwakeWindow(now, cause, ep, time.Duration(r.IntN(30))*time.Second)
				case 6:
					q := request{id: machine.OpID(r.IntN(50)) + 1<<60, at: now, expires: now + 1e10, op: string(appendOperation(nil, &Operation{Kind: OpKind(r.IntN(12)), Path: path("/3/0/9")}))}
					s.Fetched(now, cause, 0, &HandedOver{ep, []machine.Record{s.requestRecord(ep, &q)}}, nil)
				case 0:
					s.Forget(now, cause, ep)
				case 1:
					s.HandOver(now, cause, &Fetch{Endpoint: ep, Path: device})
				case 2:
					s.CredentialChanged(now, cause, Credential{Endpoint: ep})
				case 3:
					s.Watch(now, ep, r.IntN(2) == 0)
				}
			}),
			command(func(s *Server, now machine.Time, _ machine.Cause, r machinetest.Rand) {
				if seq := s.out.Nest().LastSeq(); seq > 0 && r.IntN(300) == 0 {
					s.PersistFailed(now, seq, machinetestError)
				}
			}),
		},
		Steps: 500, Seeds: 40,
	})
}

type stringError string

func (e stringError) Error() string { return string(e) }

const machinetestError = stringError("the disk is gone")

// checkCounts compares every count with what it counts.
func checkCounts(t *testing.T, s *Server) {
	t.Helper()
	entries, ops, obs, delivering, refs := 0, 0, 0, 0, 0
	s.table.each(func(n slot, e *entry) {
		entries++
		if m, _ := s.table.find(e.reg.Endpoint); m != n || s.table.ofBits(e.reg.ID.Bits) != n {
			t.Fatalf("%s is not where the indexes say", e.reg.Endpoint)
		}
		count := 0
		for p := e.ops; p != nil; p = p.next {
			count++
			if s.ops.byInner[p.inner] != p || p.n != n {
				t.Fatalf("an operation of %s is lost", e.reg.Endpoint)
			}
		}
		if count != int(e.nops) {
			t.Fatalf("%s has %d operations, not %d", e.reg.Endpoint, count, e.nops)
		}
		ops, count = ops+count, 0
		for o := e.obs; o != nil; o = o.next {
			count++
			if o.n != n || o.op != 0 && s.obs.byOp[o.op] != o || (o.State == Active) != (o.op != 0) && o.State != Restoring {
				t.Fatalf("observation %v of %s is lost", o.Path, e.reg.Endpoint)
			}
			if o.op != 0 {
				delivering++
			}
		}
		if count != int(e.nobs) {
			t.Fatalf("%s has %d observations, not %d", e.reg.Endpoint, count, e.nobs)
		}
		obs += count
		if e.timer == 0 && e.until != machine.Never {
			t.Fatalf("%s would never expire", e.reg.Endpoint)
		}
	})
	checkLines(t, s)
	for ep, o := range s.obs.asleep {
		if _, e := s.table.find(ep); e != nil {
			t.Fatalf("observations of %s sleep though it is registered", ep)
		}
		for ; o != nil; o = o.next {
			obs++
		}
	}
	lists, bytes := map[*Objects]int{}, 0
	s.table.each(func(_ slot, e *entry) {
		if lists[e.reg.Objects]++; lists[e.reg.Objects] == 1 {
			bytes += len(e.reg.Objects.text)
		}
	})
	for o, users := range lists {
		if o.refs != users {
			t.Fatalf("a list of links has %d users, not %d", users, o.refs)
		}
	}
	if bytes != s.objects.bytes {
		t.Fatalf("%d bytes of links, not %d", bytes, s.objects.bytes)
	}
	for _, o := range s.objects.byText {
		refs += o.refs
	}
	if entries != s.table.count || entries != s.table.byEndpoint.Len() || entries != s.table.byID.Len() || ops != len(s.ops.byInner) ||
		obs != s.obs.count || delivering != len(s.obs.byOp) || refs > entries {
		t.Fatalf("%d entries of %d, %d, %d; %d operations of %d; %d observations of %d, %d of %d deliver; %d users of links", entries,
			s.table.count, s.table.byEndpoint.Len(), s.table.byID.Len(), ops, len(s.ops.byInner), obs, s.obs.count, delivering, len(s.obs.byOp), refs)
	}
}

// checkLines compares the lines of devices with what their counts and indexes say.
func checkLines(t *testing.T, s *Server) {
	t.Helper()
	requests, bytes, awake := 0, 0, 0
	for n, l := range s.lines.of {
		e := s.table.at(n)
		if e.reg == nil {
			t.Fatal("a line without a registration")
		}
		if l.first == nil && l.sleep == 0 {
			t.Fatalf("the line of %s says nothing", e.reg.Endpoint)
		}
		if l.sleep != 0 {
			awake++
		}
		count, kept, own := 0, 0, 0
		for q := l.first; q != nil; q = q.next {
			count++
			own += q.cost()
			if q.kept {
				kept++
			}
			if s.lines.byID[q.id] != q || q.n != n || q.next == nil && l.last != q {
				t.Fatalf("request %d of %s is lost", q.id, e.reg.Endpoint)
			}
		}
		if count != int(l.count) || kept != int(l.kept) || own != int(l.bytes) || l.first == nil && (l.last != nil || l.flight != nil) {
			t.Fatalf("the line of %s has %d requests, %d kept, %d bytes: %+v", e.reg.Endpoint, count, kept, own, l)
		}
		if p := l.flight; p != nil && (p.q != l.first || s.ops.byInner[p.inner] != p) {
			t.Fatalf("the request under way to %s is lost", e.reg.Endpoint)
		}
		if l.first != nil && l.flight == nil && l.timer == 0 {
			t.Fatalf("what waits for %s would never end", e.reg.Endpoint)
		}
		requests, bytes = requests+count, bytes+own
	}
	results := 0
	for r := s.results.first; r != nil; r = r.next {
		results++
		if s.results.byID[r.id] != r {
			t.Fatalf("result %d is lost", r.id)
		}
	}
	if requests != len(s.lines.byID) || bytes != s.lines.bytes || awake != s.lines.awake || len(s.lines.due) != 0 || results != len(s.results.byID) {
		t.Fatalf("%d requests of %d, %d bytes of %d, %d awake of %d, %d due, %d results of %d", requests, len(s.lines.byID), bytes, s.lines.bytes,
			awake, s.lines.awake, len(s.lines.due), results, len(s.results.byID))
	}
}
