package server

import (
	"strings"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/lwm2m"
)

func queryOptions(queries ...string) coap.Options {
	o := coap.Options{}.AppendPath("/rd")
	for _, q := range queries {
		o = o.AddQuery(q)
	}
	return o
}

func TestQuery(t *testing.T) {
	limits := Limits{}
	limits.setDefaults()
	u := lwm2m.BindingUDP
	for _, c := range []struct {
		queries string // separated by &
		want    query
		err     error
	}{
		{"", query{}, nil},
		{"lwm2m=1.0&ep=a&lt=300&b=U", query{ep: []byte("a"), version: lwm2m.V1_0, lifetime: 300 * time.Second, binding: u,
			hasEP: true, hasVersion: true, hasLife: true, hasBinding: true}, nil},
		{"b=UQ&lt=300&ep=a&lwm2m=1.1", query{ep: []byte("a"), version: lwm2m.V1_1, lifetime: 300 * time.Second,
			binding: u | lwm2m.BindingQueue, hasEP: true, hasVersion: true, hasLife: true, hasBinding: true}, nil},
		{"ep=a&Q&sms=+4912345", query{ep: []byte("a"), sms: []byte("+4912345"), hasEP: true, hasSMS: true, queue: true}, nil},
		{"ep=Grüße=:/%20", query{ep: []byte("Grüße=:/%20"), hasEP: true}, nil},
		{"lt=0", query{hasLife: true}, nil},
		{"lt=4294967295", query{hasLife: true, lifetime: (1<<32 - 1) * time.Second}, nil},
		{"lwm2m=1.2", query{version: lwm2m.V1_2, hasVersion: true}, nil},
		{"et=thing&x", query{params: 11}, nil},

		{"ep=", query{}, errQueryEndpoint},
		{"ep", query{}, errQueryEndpoint},
		{"ep=a\x00b", query{}, errQueryEndpoint},
		{"ep=a\nb", query{}, errQueryEndpoint},
		{"ep=\xff", query{}, errQueryEndpoint},
		{"ep=a\u202eb", query{}, errQueryEndpoint},
		{"ep=" + strings.Repeat("a", 193), query{}, errQueryEndpoint},
		{"ep=a&ep=b", query{}, errQueryTwice},
		{"lt=1&lt=1", query{}, errQueryTwice},
		{"lt=", query{}, errQueryLifetime},
		{"lt=-1", query{}, errQueryLifetime},
		{"lt=1.5", query{}, errQueryLifetime},
		{"lt=4294967296", query{}, errQueryLifetime},
		{"lt=99999999999999999999", query{}, errQueryLifetime},
		{"b=", query{}, errQueryBinding},
		{"b=X", query{}, errQueryBinding},
		{"lwm2m=", query{}, errQueryVersion},
		{"lwm2m=1", query{}, errQueryVersion},
		{"lwm2m=one", query{}, errQueryVersion},
		{"Q=1", query{}, errQueryQueue},
		{"Q&Q", query{}, errQueryTwice},
		{"sms=abc", query{}, errQuerySMS},
		{"x=\x01", query{}, errQueryParams},
		{"x=" + strings.Repeat("y", 300), query{}, errQueryParams},
	} {
		var queries []string
		if c.queries != "" {
			queries = strings.Split(c.queries, "&")
		}
		var q query
		err := q.parse(queryOptions(queries...), &limits)
		if err != c.err {
			t.Errorf("%q: error %v, want %v", c.queries, err, c.err)
			continue
		}
		if err == nil && !sameQuery(q, c.want) {
			t.Errorf("%q:\n got %+v\nwant %+v", c.queries, q, c.want)
		}
	}
}

func sameQuery(a, b query) bool {
	same := string(a.ep) == string(b.ep) && string(a.sms) == string(b.sms)
	return same && a.version == b.version && a.lifetime == b.lifetime && a.binding == b.binding && a.params == b.params &&
		a.hasEP == b.hasEP && a.hasVersion == b.hasVersion && a.hasLife == b.hasLife && a.hasBinding == b.hasBinding &&
		a.hasSMS == b.hasSMS && a.queue == b.queue
}

func TestQueryKeepsUnknownParameters(t *testing.T) {
	got := string(appendParams(nil, queryOptions("ep=a", "et=thing", "lt=5", "flag", "Q")))
	if got != "et=thing&flag" {
		t.Errorf("unknown parameters are %q", got)
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", "Grüße": "Grüße", "a\x1b[31mb": "a.[31mb", "\xff\x00": "..", strings.Repeat("x", 100): strings.Repeat("x", 64),
	} {
		if got := lwm2m.Clean([]byte(in), logged); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestExecuteArguments(t *testing.T) {
	for args, want := range map[string]bool{
		"": true, "0": true, "0,1": true, "0='a b'": true, "5='',2='x=y,z',9": true,
		"a": false, "0=": false, "0=1": false, "0='": false, "0,0": false, "0,": false, ",0": false, "10": false, "0='a'b": false,
		"0='\n'": false, "0=\"a\"": false,
	} {
		if got := validArguments(args); got != want {
			t.Errorf("validArguments(%q) = %v", args, got)
		}
	}
}

func TestRegistrationID(t *testing.T) {
	for _, id := range []RegistrationID{{0, 0}, {255, 1<<64 - 1}, {3, 0x0123456789abcdef}} {
		s := id.String()
		if got, ok := ParseRegistrationID([]byte(s)); !ok || got != id || len(s) != idLen {
			t.Errorf("%v: %q reads back as %v, %v", id, s, got, ok)
		}
	}
	for _, s := range []string{"", "a", "AAAAAAAAAAA", "AAAAAAAAAAAAA", "AAAAAAAAAAA=", "AAAAAAAAAA\nA", "AAAAAAAAAA/A", "AAAAAAAAA\r\nA"} {
		if _, ok := ParseRegistrationID([]byte(s)); ok {
			t.Errorf("%q is taken for an id", s)
		}
	}
}

// Whatever a peer sends as query and payload, the parsers do not panic, and what they accept is within its bounds and
// fit to be shown.
func FuzzRegister(f *testing.F) {
	f.Add("ep=a\x00lt=300\x00b=UQ\x00lwm2m=1.1", `</>;rt="oma.lwm2m";ct="110 112",</1/0>,</3/0>,</3303>;ver=1.1,</3303/0>`)
	f.Add("Q\x00sms=1\x00x=y", `</lwm2m>;rt=oma.lwm2m,</lwm2m/3/0>`)
	f.Add("ep=\xff\x00lt=99999999999", `<`)
	limits := Limits{}
	limits.setDefaults()
	f.Fuzz(func(t *testing.T, queries, payload string) {
		o := queryOptions(strings.Split(queries, "\x00")...)
		var q query
		if q.parse(o, &limits) == nil && q.hasEP {
			if len(q.ep) > limits.Endpoint || !lwm2m.Printable(q.ep) {
				t.Fatalf("accepted the endpoint %q", q.ep)
			}
			if q.params > limits.Params || len(appendParams(nil, o)) > limits.Params {
				t.Fatalf("%d bytes of parameters", q.params)
			}
		}
		var table objectsTable
		table.limit, table.maxBytes = 1, limits.LinkBytes
		if objects, err := table.take([]byte(payload), limits.Payload); err == nil {
			if len(objects.Inventory().Objects) == 0 || objects.Text() != payload {
				t.Fatalf("accepted a list without objects: %q", payload)
			}
			objects.Links()
			table.release(objects)
			if len(table.byText) != 0 || table.bytes != 0 {
				t.Fatal("a list that nobody uses is kept")
			}
		}
	})
}
