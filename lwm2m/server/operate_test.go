package server

import (
	"errors"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/registry"
)

const oldLinks = `</1/0>,</3/0>,</31024/10>`

func path(s string) lwm2m.Path { return lwm2m.MustPath(s) }

func entry1(p string, v lwm2m.Value) []lwm2m.Entry { return []lwm2m.Entry{{Path: path(p), Value: v}} }

func in(f coap.ContentFormat) coap.Options { return coap.Options{}.SetFormat(f) }

// A 1.0 device: TLV for what is read, text for one plain value.
func TestOperationsOnA10Device(t *testing.T) {
	r := newRig(t, open)
	r.register(device, "old", "&lwm2m=1.0", oldLinks)
	r.forget()

	r.do("old", &Operation{Kind: Read, Path: path("/3/0/9")})
	r.answer(coap.Content, in(coap.TLV), []byte{0xC1, 9, 100})
	r.expect(`
		< CON GET /3/0/9 accept=11542
		> ACK 2.05 ct=11542 c10964
		# 1 old read /3/0/9 2.05 {/3/0/9=100}`)

	r.do("old", &Operation{Kind: Write, Path: path("/3/0/14"), Entries: entry1("/3/0/14", lwm2m.Str("+02:00"))})
	r.answer(coap.Changed, nil, nil)
	r.expect(`
		< CON PUT /3/0/14 ct=0 "+02:00"
		> ACK 2.04
		# 2 old write /3/0/14 2.04`)

	r.do("old", &Operation{Kind: WritePartial, Path: path("/1/0"), Entries: entry1("/1/0/1", lwm2m.Int(60))})
	r.answer(coap.Changed, nil, nil)
	r.expect(`
		< CON POST /1/0 ct=11542 c1013c
		> ACK 2.04
		# 3 old write-partial /1/0 2.04`)

	r.do("old", &Operation{Kind: Execute, Path: path("/3/0/4"), Args: "0='now'"})
	r.answer(coap.Changed, nil, nil)
	r.expect(`
		< CON POST /3/0/4 ct=0 "0='now'"
		> ACK 2.04
		# 4 old execute /3/0/4 2.04`)

	r.do("old", &Operation{Kind: Execute, Path: path("/3/0/4")})
	r.answer(coap.MethodNotAllowed, nil, nil)
	r.expect(`
		< CON POST /3/0/4
		> ACK 4.05
		# 5 old execute /3/0/4 4.05`)

	r.do("old", &Operation{Kind: Discover, Path: path("/3/0")})
	r.answer(coap.Content, in(coap.LinkFormat), []byte("</3/0>;pmin=10,</3/0/9>"))
	r.expect(`
		< CON GET /3/0 accept=40
		> ACK 2.05 ct=40 "</3/0>;pmin=10,</3/0/9>"
		# 6 old discover /3/0 2.05 </3/0>;pmin=10 </3/0/9>`)

	r.do("old", &Operation{Kind: Create, Path: path("/31024/13"), Entries: entry1("/31024/13/1", lwm2m.Int(5))})
	r.answer(coap.Created, nil, nil)
	r.expect(`
		< CON POST /31024 ct=11542 030dc10105
		> ACK 2.01
		# 7 old create /31024 2.01 location /31024/13`)

	r.do("old", &Operation{Kind: Delete, Path: path("/31024/13")})
	r.answer(coap.Deleted, nil, nil)
	r.expect(`
		< CON DELETE /31024/13
		> ACK 2.02
		# 8 old delete /31024/13 2.02`)

	attributes, _ := lwm2m.ParseAttributes("pmin=10", "pmax")
	r.do("old", &Operation{Kind: WriteAttributes, Path: path("/3/0/9"), Attributes: attributes})
	r.answer(coap.Changed, nil, nil)
	r.expect(`
		< CON PUT /3/0/9?pmin=10&pmax
		> ACK 2.04
		# 9 old write-attributes /3/0/9 2.04`)

	r.do("old", &Operation{Kind: Ping})
	m := r.last()
	r.send(device, coap.Message{Type: coap.RST, ID: m.ID})
	r.expect(`
		< CON
		> RST
		# 10 old ping /`)
}

// A 1.1 device: the best format that it says it knows, and the types of the object version that it registered.
func TestOperationsOnA11Device(t *testing.T) {
	r := newRig(t, open)
	r.register(device, "new", "&lwm2m=1.1", links)
	r.forget()

	r.do("new", &Operation{Kind: Read, Path: path("/3303/0/5700")})
	r.answer(coap.Content, in(coap.SenMLCBOR), unhex("81a200" /* n */ +"6c2f333330332f302f35373030"+"02f94d40"))
	r.expect(`
		< CON GET /3303/0/5700 accept=112
		> ACK 2.05 ct=112 81a2006c2f333330332f302f3537303002f94d40
		# 1 new read /3303/0/5700 2.05 {/3303/0/5700=21.0}`)

	// It says which formats it knows, and text is not one of them.
	r.do("new", &Operation{Kind: Write, Path: path("/3303/0/5701"), Entries: entry1("/3303/0/5701", lwm2m.Str("C"))})
	r.answer(coap.Changed, nil, nil)
	if m := r.out[len(r.out)-1]; m.Code != coap.PUT {
		t.Errorf("the write was sent as %s", m.Code.Name())
	} else if f, _ := m.Options.Format(); f != coap.SenMLCBOR {
		t.Errorf("the write was sent in %v", f)
	}
	r.forget()

	// SenML names the instance; where the device is to choose it, only TLV can leave it out.
	r.do("new", &Operation{Kind: Create, Path: path("/3303/4")})
	r.answer(coap.Created, nil, nil)
	r.do("new", &Operation{Kind: Create, Path: path("/3303"), Entries: []lwm2m.Entry{{Path: lwm2m.NewPath(3303, lwm2m.NoID, 5701), Value: lwm2m.Str("C")}}})
	r.answer(coap.Created, coap.Options{}.AppendLocation("/3303/7"), nil)
	r.do("new", &Operation{Kind: Create, Path: path("/3303")})
	r.answer(coap.Created, coap.Options{}.AppendLocation("/3303/8"), nil)
	r.expect(`
		< CON POST /3303 ct=11542 0004
		> ACK 2.01
		# 3 new create /3303 2.01 location /3303/4
		< CON POST /3303 ct=11542 e1164543
		> ACK 2.01 location /3303/7
		# 4 new create /3303 2.01 location /3303/7
		< CON POST /3303 ct=11542
		> ACK 2.01 location /3303/8
		# 5 new create /3303 2.01 location /3303/8`)

	// What the operator asks for is asked for.
	r.do("new", &Operation{Kind: Read, Path: path("/3303/0"), Format: coap.TLV, HasFormat: true})
	r.answer(coap.NotAcceptable, nil, nil)
	r.expect(`
		< CON GET /3303/0 accept=11542
		> ACK 4.06
		# 6 new read /3303/0 4.06`)
}

func TestAlternateRoot(t *testing.T) {
	r := newRig(t, open)
	r.register(device, "alt", "", `</lwm2m/x>;rt="oma.lwm2m",</lwm2m/x/3/0>`)
	r.forget()
	r.do("alt", &Operation{Kind: Read, Path: path("/3/0/0")})
	r.answer(coap.Content, in(coap.Text), []byte("Heddle"))
	r.do("alt", &Operation{Kind: Discover, Path: path("/3")})
	r.answer(coap.Content, in(coap.LinkFormat), []byte("</lwm2m/x/3>,</lwm2m/x/3/0>"))
	r.do("alt", &Operation{Kind: Create, Path: path("/3"), Entries: []lwm2m.Entry{{Path: lwm2m.NewPath(3, lwm2m.NoID, 0), Value: lwm2m.Str("a")}}})
	r.answer(coap.Created, coap.Options{}.AppendLocation("/lwm2m/x/3/1"), nil)
	if got := r.result[2].Links[1].Path; got != path("/3/0") {
		t.Errorf("the link below the root is %v", got)
	}
	if got := r.result[3].Location; got != path("/3/1") {
		t.Errorf("the new instance is %v", got)
	}
	r.expect(`
		< CON GET /lwm2m/x/3/0/0 accept=11542
		> ACK 2.05 ct=0 "Heddle"
		# 1 alt read /3/0/0 2.05 {/3/0/0=Heddle}
		< CON GET /lwm2m/x/3 accept=40
		> ACK 2.05 ct=40 "</lwm2m/x/3>,</lwm2m/x/3/0>"
		# 2 alt discover /3 2.05 </lwm2m/x/3> </lwm2m/x/3/0>
		< CON POST /lwm2m/x/3 ct=11542 c10061
		> ACK 2.01 location /lwm2m/x/3/1
		# 3 alt create /3 2.01 location /3/1`)
}

// A format that the device does not know is tried once; the device's other operations remember it.
func TestFormatFallback(t *testing.T) {
	r := newRig(t, open)
	r.register(device, "dev", "&lwm2m=1.1", `</>;ct="112 11542",</3/0>`)
	r.forget()
	r.do("dev", &Operation{Kind: Read, Path: path("/3/0/9")})
	r.answer(coap.NotAcceptable, nil, nil)
	r.answer(coap.Content, in(coap.TLV), []byte{0xC1, 9, 100})
	r.do("dev", &Operation{Kind: Read, Path: path("/3/0/9")})
	r.answer(coap.Content, in(coap.TLV), []byte{0xC1, 9, 99})
	r.expect(`
		< CON GET /3/0/9 accept=112
		> ACK 4.06
		< CON GET /3/0/9 accept=11542
		> ACK 2.05 ct=11542 c10964
		# 1 dev read /3/0/9 2.05 {/3/0/9=100}
		< CON GET /3/0/9 accept=11542
		> ACK 2.05 ct=11542 c10963
		# 2 dev read /3/0/9 2.05 {/3/0/9=99}`)
}

func TestUnknownObjectIsShownAsItIs(t *testing.T) {
	r := newRig(t, open)
	r.register(device, "dev", "", `</32999/0>`)
	r.forget()
	r.do("dev", &Operation{Kind: Read, Path: path("/32999/0")})
	r.answer(coap.Content, in(coap.TLV), []byte{0xC2, 1, 0xCA, 0xFE})
	r.do("dev", &Operation{Kind: Read, Path: path("/32999/0/2")})
	r.answer(coap.Content, in(coap.Text), []byte("hello"))
	r.expect(`
		< CON GET /32999/0 accept=11542
		> ACK 2.05 ct=11542 c201cafe
		# 1 dev read /32999/0 2.05 {/32999/0/1=cafe}
		< CON GET /32999/0/2 accept=11542
		> ACK 2.05 ct=0 "hello"
		# 2 dev read /32999/0/2 2.05 {/32999/0/2=hello}`)
}

// A definition that is added at run time gives the values of an object their types.
func TestDefinitionAddedAtRunTime(t *testing.T) {
	r := newRig(t, open)
	r.register(device, "dev", "", `</32999/0>`)
	r.s.SetRegistry(r.now, registry.Builtin().WithObject(&registry.Object{ID: 32999, Version: lwm2m.V1_0, Name: "Mine",
		Resources: []registry.Resource{{ID: 1, Name: "Count", Kind: lwm2m.Integer, Operations: lwm2m.Read}}}))
	id := r.do("dev", &Operation{Kind: Read, Path: path("/32999/0")})
	r.answer(coap.Content, in(coap.TLV), []byte{0xC2, 1, 0x01, 0x00})
	if o := r.result[id]; o.Err != nil || len(o.Entries) != 1 || o.Entries[0].Value != lwm2m.Int(256) {
		t.Errorf("%+v", o)
	}
}

func TestUnreadableAnswer(t *testing.T) {
	r := newRig(t, open)
	r.register(device, "dev", "", oldLinks)
	for _, c := range []struct {
		kind    OpKind
		ct      coap.ContentFormat
		payload string
	}{{Read, coap.TLV, "\xC8\x09\xFF"}, {Read, 9999, "x"}, {Discover, coap.LinkFormat, "<"}} {
		id := r.do("dev", &Operation{Kind: c.kind, Path: path("/3/0")})
		r.answer(coap.Content, in(c.ct), []byte(c.payload))
		if o := r.result[id]; !errors.Is(o.Err, ErrUnreadable) || string(o.Payload) != c.payload || o.Code != coap.Content {
			t.Errorf("%v in %v: %+v", c.kind, c.ct, o)
		}
	}
}

// What makes no sense is refused before anything is sent.
func TestSenselessOperations(t *testing.T) {
	r := newRig(t, open)
	r.register(device, "dev", "", oldLinks)
	sent := len(r.out)
	pmin, _ := lwm2m.ParseAttributes("pmin=1")
	gt, _ := lwm2m.ParseAttributes("gt=1")
	for _, op := range []Operation{
		{Kind: Read},
		{Kind: Write, Path: path("/3"), Entries: entry1("/3/0/14", lwm2m.Str("a"))},
		{Kind: Write, Path: path("/3/0/14")},
		{Kind: Write, Path: path("/3/0/14"), Entries: entry1("/3/0/15", lwm2m.Str("a"))},
		{Kind: Write, Path: path("/3/0"), Entries: entry1("/3/0/14", lwm2m.Str("a")), Format: 9999, HasFormat: true},
		{Kind: Execute, Path: path("/3/0")},
		{Kind: Execute, Path: path("/3/0/4"), Args: "now"},
		{Kind: Create, Path: path("/3/0/4")},
		{Kind: Delete, Path: path("/3")},
		{Kind: WriteAttributes, Path: path("/3/0")},
		{Kind: WriteAttributes, Attributes: pmin},
		{Kind: WriteAttributes, Path: path("/3/0"), Attributes: gt},
		{Kind: Observe},
		{Kind: 99, Path: path("/3/0")},
		{},
	} {
		id := r.do("dev", &op)
		var invalid *ErrInvalid
		if o := r.result[id]; o == nil || !errors.As(o.Err, &invalid) {
			t.Errorf("%+v: %+v", op, o)
		}
	}
	if len(r.out) != sent {
		t.Errorf("%d messages were sent", len(r.out)-sent)
	}
	for _, c := range []struct {
		op   Operation
		want error
	}{
		{Operation{Kind: CancelObserve, Path: path("/3/0/9")}, ErrNoObservation},
	} {
		if id := r.do("dev", &c.op); r.result[id] == nil || r.result[id].Err != c.want {
			t.Errorf("%+v: %+v", c.op, r.result[id])
		}
	}
	if id := r.do("nobody", &Operation{Kind: Read, Path: path("/3")}); r.result[id].Err != ErrUnknownEndpoint {
		t.Errorf("an unknown endpoint: %+v", r.result[id])
	}
}

func TestSilentDevice(t *testing.T) {
	r := newRig(t, open)
	r.register(device, "dev", "", oldLinks)
	id := r.do("dev", &Operation{Kind: Read, Path: path("/3/0/9"), Timeout: 5 * time.Second})
	r.wait(4 * time.Second)
	if r.result[id] != nil {
		t.Fatal("a result before the time-out")
	}
	r.wait(2 * time.Second)
	if o := r.result[id]; o == nil || o.Err != ErrTimeout || o.Took != 5*time.Second {
		t.Fatalf("%+v", o)
	}
	id = r.do("dev", &Operation{Kind: Read, Path: path("/3/0/9")})
	r.wait(10 * time.Minute)
	if o := r.result[id]; o == nil || o.Err != ErrTimeout {
		t.Fatalf("%+v", o)
	}
	id = r.do("dev", &Operation{Kind: Read, Path: path("/3/0/9")})
	r.send(device, coap.Message{Type: coap.RST, ID: r.last().ID})
	if o := r.result[id]; o == nil || o.Err != ErrReset {
		t.Fatalf("%+v", o)
	}
	if st := r.s.Stats(); st.UnderWay != 0 {
		t.Errorf("%d operations are left", st.UnderWay)
	}
}

func TestOperationsEndWithTheirRegistration(t *testing.T) {
	r := newRig(t, open)
	at := r.register(device, "dev", "", oldLinks)
	read := &Operation{Kind: Read, Path: path("/3/0/9")}
	a, b := r.do("dev", read), r.do("dev", read)
	r.s.Cancel(r.now, a)
	r.drain()
	if r.result[a] == nil || r.result[a].Err != ErrCancelled || r.result[b] != nil {
		t.Fatalf("%+v, %+v", r.result[a], r.result[b])
	}
	r.request(device, coap.DELETE, at, "")
	if o := r.result[b]; o == nil || o.Err != ErrDeregistered || o.Endpoint != "dev" {
		t.Fatalf("%+v", o)
	}
	// The device registers again, from elsewhere: what was asked of the old address ends.
	r.register(device, "dev", "", oldLinks)
	c := r.do("dev", read)
	other := device
	other.Remote = addr("192.0.2.99:1")
	r.register(other, "dev", "", oldLinks)
	if o := r.result[c]; o == nil || o.Err != ErrReregistered {
		t.Fatalf("%+v", o)
	}
	// From the same address, it can still be answered.
	d := r.do("dev", read)
	r.register(other, "dev", "", oldLinks)
	r.answer(coap.Content, in(coap.Text), []byte("7"))
	if o := r.result[d]; o == nil || o.Err != nil || len(o.Entries) != 1 {
		t.Fatalf("%+v", o)
	}
}

func TestTooManyOperations(t *testing.T) {
	config := open
	config.Limits.OperationsPerClient = 2
	r := newRig(t, config)
	r.register(device, "dev", "", oldLinks)
	read := &Operation{Kind: Read, Path: path("/3/0/9")}
	r.do("dev", read)
	r.do("dev", read)
	if id := r.do("dev", read); r.result[id] == nil || r.result[id].Err != ErrBusy {
		t.Errorf("%+v", r.result[id])
	}
	for range 2 {
		r.answer(coap.Content, in(coap.Text), []byte("7"))
	}
	id := r.do("dev", read)
	r.answer(coap.Content, in(coap.Text), []byte("7"))
	if o := r.result[id]; o == nil || o.Err != nil {
		t.Errorf("%+v", o)
	}
}

func TestWatch(t *testing.T) {
	r := newRig(t, open)
	if !r.s.Watch(r.now, "dev", true) {
		t.Fatal("not watched")
	}
	at := r.register(device, "dev", "", oldLinks)
	other := device
	other.Remote = addr("192.0.2.11:1")
	r.register(other, "else", "", oldLinks)
	r.request(device, coap.POST, at, "")
	r.s.Watch(r.now, "dev", false)
	r.request(device, coap.POST, at, "")
	var log []string
	for _, e := range r.events {
		if m, ok := e.(*Message); ok {
			var c coap.Message
			if err := c.Decode(m.Raw); err != nil {
				t.Fatal(err)
			}
			log = append(log, map[bool]string{true: "out ", false: "in "}[m.Out]+c.Type.String())
		}
	}
	want := []string{"in CON", "out ACK", "in CON", "out ACK"}
	if len(log) != len(want) {
		t.Fatalf("logged %q, want %q", log, want)
	}
	for i := range want {
		if log[i] != want[i] {
			t.Fatalf("logged %q, want %q", log, want)
		}
	}
}
