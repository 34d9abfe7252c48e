package server

import (
	"errors"
	"strings"
	"testing"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

func paths(list ...string) []lwm2m.Path {
	var out []lwm2m.Path
	for _, s := range list {
		out = append(out, path(s))
	}
	return out
}

const jsonLinks = `</>;rt="oma.lwm2m";ct="0 110 11542",</1/0>,</3/0>,</3303/0>`

func TestETS_280_281_ReadComposite(t *testing.T) {
	r := newRig(t, open)
	r.register(device, "dev", "&lwm2m=1.1", jsonLinks)
	r.forget()
	// Paths are sorted, each once; what the device leaves out is not in the result.
	r.do("dev", &Operation{Kind: ReadComposite, Paths: paths("/3/0/9", "/1/0/1", "/3/0/9", "/3339/0/5522")})
	r.answer(coap.Content, in(coap.SenMLJSON), []byte(`[{"n":"/1/0/1","v":300},{"n":"/3/0/9","v":100}]`))
	r.expect(`
		< CON FETCH / accept=110 ct=110 "[{\"n\":\"/1/0/1\"},{\"n\":\"/3/0/9\"},{\"n\":\"/3339/0/5522\"}]"
		> ACK 2.05 ct=110 "[{\"n\":\"/1/0/1\",\"v\":300},{\"n\":\"/3/0/9\",\"v\":100}]"
		# 1 dev read-composite / 2.05 {/1/0/1=300 /3/0/9=100}`)
	// The whole device, in the format that was asked for; the device leaves the answer's format out.
	r.do("dev", &Operation{Kind: ReadComposite, Paths: paths("/"), Format: coap.SenMLCBOR, HasFormat: true})
	r.answer(coap.Content, nil, unhex("81a200662f332f302f39021864"))
	r.expect(`
		< CON FETCH / accept=112 ct=112 81a100612f
		> ACK 2.05 81a200662f332f302f39021864
		# 2 dev read-composite / 2.05 {/3/0/9=100}`)
	r.do("dev", &Operation{Kind: ReadComposite, Paths: paths("/5/0/3")})
	r.answer(coap.NotFound, nil, nil)
	r.expect(`
		< CON FETCH / accept=110 ct=110 "[{\"n\":\"/5/0/3\"}]"
		> ACK 4.04
		# 3 dev read-composite / 4.04`)
}

func TestETS_230_257_WriteComposite(t *testing.T) {
	r := newRig(t, open)
	r.register(device, "dev", "&lwm2m=1.1", jsonLinks)
	r.forget()
	r.do("dev", &Operation{Kind: WriteComposite, Entries: append(entry1("/3/0/14", lwm2m.Str("+02:00")), entry1("/1/0/1", lwm2m.Int(60))...)})
	r.answer(coap.Changed, nil, nil)
	r.expect(`
		< CON iPATCH / ct=110 "[{\"n\":\"/1/0/1\",\"v\":60},{\"n\":\"/3/0/14\",\"vs\":\"+02:00\"}]"
		> ACK 2.04
		# 1 dev write-composite / 2.04`)
	// A device that refuses one SenML is asked in the other, and from then on only in that.
	r.do("dev", &Operation{Kind: WriteComposite, Entries: entry1("/1/0/1", lwm2m.Int(60))})
	r.answer(coap.UnsupportedContentFormat, nil, nil)
	r.answer(coap.Changed, nil, nil)
	r.do("dev", &Operation{Kind: ReadComposite, Paths: paths("/1/0/1")})
	r.answer(coap.NotAcceptable, nil, nil)
	r.expect(`
		< CON iPATCH / ct=110 "[{\"n\":\"/1/0/1\",\"v\":60}]"
		> ACK 4.15
		< CON iPATCH / ct=112 81a200662f312f302f3102183c
		> ACK 2.04
		# 2 dev write-composite / 2.04
		< CON FETCH / accept=112 ct=112 81a100662f312f302f31
		> ACK 4.06
		< CON FETCH / accept=112 ct=112 81a100662f312f302f31`)
}

func TestETS_304_305_ObserveComposite(t *testing.T) {
	r := newRig(t, open)
	r.register(device, "dev", "&lwm2m=1.1", jsonLinks)
	r.forget()
	id := r.do("dev", &Operation{Kind: ObserveComposite, Paths: paths("/3/0/9", "/1/0/1")})
	token := r.last().Token
	r.answer(coap.Content, observing(5, coap.SenMLJSON), []byte(`[{"n":"/1/0/1","v":300}]`))
	r.expect(`
		< CON FETCH / observe=0 accept=110 ct=110 "[{\"n\":\"/1/0/1\"},{\"n\":\"/3/0/9\"}]"
		> ACK 2.05 observe=5 ct=110 "[{\"n\":\"/1/0/1\",\"v\":300}]"
		= lwm2m.observation "dev\x00 /1/0/1 /3/0/9"
		* observation dev / active err=<nil>
		# 1 dev observe-composite / 2.05 {/1/0/1=300}`)
	if o := r.result[id].Observation; o.ID == 0 || len(o.Paths) != 2 || o.State != Active {
		t.Errorf("%+v", o)
	}
	r.mid++
	r.send(device, coap.Message{Type: coap.CON, Code: coap.Content, ID: r.mid, Token: token, Options: observing(6, coap.SenMLJSON),
		Payload: []byte(`[{"n":"/1/0/1","v":300},{"bn":"/3/0/9","bt":1790000010,"v":99},{"t":1,"v":98}]`)})
	r.expect(`
		> CON 2.05 observe=6 ct=110 "[{\"n\":\"/1/0/1\",\"v\":300},{\"bn\":\"/3/0/9\",\"bt\":1790000010,\"v\":99},{\"t\":1,\"v\":98}]"
		* notified dev / 2.05 {/1/0/1=300 /3/0/9=99@10s /3/0/9=98@11s} err=<nil>
		< ACK`)
	// The same paths again are the same observation; others, and the single path, are observations of their own.
	if r.do("dev", &Operation{Kind: ObserveComposite, Paths: paths("/1/0/1", "/3/0/9")}); r.last().Token == token {
		t.Error("a new Observe has the old token")
	}
	token = r.last().Token
	r.answer(coap.Content, observing(1, coap.SenMLJSON), []byte(`[]`))
	r.do("dev", &Operation{Kind: ObserveComposite, Paths: paths("/3/0/9")})
	r.answer(coap.Content, observing(1, coap.SenMLJSON), []byte(`[]`))
	r.observe("dev", "/3/0/9")
	if l := r.s.Observations("dev"); len(l) != 3 || len(l[0].Paths) != 2 || len(l[1].Paths) != 1 || l[2].Paths != nil {
		t.Errorf("%+v", l)
	}
	r.forget()

	// Over a restart it goes on.
	r.restart(open)
	r.result = map[machine.OpID]*Outcome{}
	r.forget()
	r.mid++
	r.send(device, coap.Message{Type: coap.NON, Code: coap.Content, ID: r.mid, Token: token, Options: observing(7, coap.SenMLJSON), Payload: []byte(`[{"n":"/1/0/1","v":1}]`)})
	r.expect(`
		> NON 2.05 observe=7 ct=110 "[{\"n\":\"/1/0/1\",\"v\":1}]"
		* notified dev / 2.05 {/1/0/1=1} err=<nil>`)
	// Cancelled with its token and its paths.
	r.do("dev", &Operation{Kind: CancelObserveComposite, Paths: paths("/3/0/9", "/1/0/1")})
	if got := r.last().Token; got != token {
		t.Errorf("cancelled with token %v, observed with %v", got, token)
	}
	r.answer(coap.Content, in(coap.SenMLJSON), []byte(`[{"n":"/1/0/1","v":1}]`))
	r.expect(`
		= lwm2m.observation "dev\x00 /1/0/1 /3/0/9" removed
		* observation dev / ended err=<nil>
		< CON FETCH / observe=1 accept=110 ct=110 "[{\"n\":\"/1/0/1\"},{\"n\":\"/3/0/9\"}]"
		> ACK 2.05 ct=110 "[{\"n\":\"/1/0/1\",\"v\":1}]"
		# 1 dev cancel-observe-composite / 2.05 {/1/0/1=1}`)
	r.do("dev", &Operation{Kind: CancelObserveComposite, Paths: paths("/3/0/9"), Passive: true})
	r.do("dev", &Operation{Kind: CancelObserveComposite, Paths: paths("/3/0/10")})
	r.expect(`
		= lwm2m.observation "dev\x00 /3/0/9" removed
		* observation dev / ended err=<nil>
		# 2 dev cancel-observe-composite /
		# 3 dev cancel-observe-composite / err=this path is not observed`)
}

// A device that registers again is asked for its composite again, and while it is gone it can be cancelled.
func TestObserveCompositeAfterANewRegistration(t *testing.T) {
	r := newRig(t, open)
	location := r.register(device, "dev", "&lwm2m=1.1", jsonLinks)
	r.do("dev", &Operation{Kind: ObserveComposite, Paths: paths("/1/0/1", "/3/0/9")})
	r.answer(coap.Content, observing(5, coap.SenMLJSON), []byte(`[]`))
	r.request(device, coap.DELETE, location, "")
	r.register(device, "dev", "&lwm2m=1.1", jsonLinks)
	r.forget()
	r.wait(2e9)
	r.answer(coap.Content, observing(1, coap.SenMLJSON), []byte(`[{"n":"/3/0/9","v":7}]`))
	r.expect(`
		* observation dev / restoring err=<nil>
		< CON FETCH / observe=0 accept=110 ct=110 "[{\"n\":\"/1/0/1\"},{\"n\":\"/3/0/9\"}]"
		> ACK 2.05 observe=1 ct=110 "[{\"n\":\"/3/0/9\",\"v\":7}]"
		= lwm2m.observation "dev\x00 /1/0/1 /3/0/9"
		* observation dev / active err=<nil>
		* notified dev / 2.05 {/3/0/9=7} err=<nil>`)
	r.request(device, coap.DELETE, r.s.mustLocation("dev"), "")
	r.forget()
	r.do("dev", &Operation{Kind: CancelObserveComposite, Paths: paths("/1/0/1", "/3/0/9")})
	r.expect(`
		= lwm2m.observation "dev\x00 /1/0/1 /3/0/9" removed
		* observation dev / ended err=<nil>
		# 2 dev cancel-observe-composite /`)
}

func (s *Server) mustLocation(ep string) string {
	reg, _, ok := s.Registration(ep)
	if !ok {
		panic("not registered: " + ep)
	}
	return reg.Location()
}

// What makes no sense is not sent.
func TestCompositeRefused(t *testing.T) {
	config := open
	config.Limits.Paths = 3
	r := newRig(t, config)
	r.register(device, "dev", "&lwm2m=1.1", jsonLinks)
	r.register(machine.Path{Local: serverAddr, Remote: addr("192.0.2.11:40000")}, "old", "&lwm2m=1.0", oldLinks)
	r.forget()
	for _, c := range []struct {
		ep   string
		op   Operation
		want string
	}{
		{"dev", Operation{Kind: ReadComposite}, "name at least one path"},
		{"dev", Operation{Kind: ObserveComposite}, "name at least one path"},
		{"dev", Operation{Kind: ReadComposite, Paths: paths("/1", "/2", "/3", "/4")}, "4 paths are more than the 3"},
		{"dev", Operation{Kind: ObserveComposite, Paths: paths("/1", "/2", "/3", "/4")}, "4 paths are more than the 3"},
		{"dev", Operation{Kind: WriteComposite}, "nothing to write"},
		{"dev", Operation{Kind: WriteComposite, Entries: []lwm2m.Entry{{Path: path("/3/0")}}}, "give the value of a resource"},
		{"dev", Operation{Kind: ReadComposite, Paths: paths("/1"), Format: coap.TLV, HasFormat: true}, "senml-cbor or senml-json"},
		{"dev", Operation{Kind: ReadComposite, Paths: paths("/1"), Format: coap.ETCHCBOR, HasFormat: true}, "senml-cbor or senml-json"},
		{"old", Operation{Kind: ReadComposite, Paths: paths("/1")}, "came with LwM2M 1.1"},
		{"old", Operation{Kind: ObserveComposite, Paths: paths("/1")}, "came with LwM2M 1.1"},
	} {
		var invalid *ErrInvalid
		id := r.do(c.ep, &c.op)
		if o := r.result[id]; o == nil || !errors.As(o.Err, &invalid) || !strings.Contains(o.Err.Error(), c.want) {
			t.Errorf("%s %v: %+v, want %s", c.ep, c.op.Kind, o, c.want)
		}
	}
	if r.s.Stats().Observations != 0 || len(r.out) != 2 {
		t.Errorf("%d observations, %d messages", r.s.Stats().Observations, len(r.out))
	}
}

// LwM2M JSON of 1.0 is spoken with a device that refuses TLV.
func TestOldJSONFallback(t *testing.T) {
	r := newRig(t, open)
	r.register(device, "old", "&lwm2m=1.0", oldLinks)
	r.forget()
	r.do("old", &Operation{Kind: Read, Path: path("/3/0/9")})
	r.answer(coap.NotAcceptable, nil, nil)
	r.answer(coap.Content, in(coap.JSON), []byte(`{"bn":"/3/0/9","e":[{"v":100}]}`))
	r.do("old", &Operation{Kind: WritePartial, Path: path("/1/0"), Entries: entry1("/1/0/1", lwm2m.Int(60))})
	r.answer(coap.Changed, nil, nil)
	r.expect(`
		< CON GET /3/0/9 accept=11542
		> ACK 4.06
		< CON GET /3/0/9 accept=11543
		> ACK 2.05 ct=11543 "{\"bn\":\"/3/0/9\",\"e\":[{\"v\":100}]}"
		# 1 old read /3/0/9 2.05 {/3/0/9=100}
		< CON POST /1/0 ct=11543 "{\"bn\":\"/1/0/\",\"e\":[{\"n\":\"1\",\"v\":60}]}"
		> ACK 2.04
		# 2 old write-partial /1/0 2.04`)
}
