package leshan

import (
	"encoding/json"
	"math"
	"net/http/httptest"
	"strings"
	"testing"

	"heddle.example/coap"
	"heddle.example/lwm2m"
)

var p = lwm2m.MustPath

func TestNodes(t *testing.T) {
	entries := []lwm2m.Entry{
		{Path: p("/3/0/0"), Value: lwm2m.Str("Heddle")}, {Path: p("/3/0/6/0"), Value: lwm2m.Int(1)}, {Path: p("/3/0/6/1"), Value: lwm2m.Int(5)},
		{Path: p("/3/0/13"), Value: lwm2m.TimeValue(1_790_000_000)}, {Path: p("/3/0/20"), Value: lwm2m.Bool(true)}, {Path: p("/3/0/21"), Value: lwm2m.ObjectLink(3, 1)}, {Path: p("/3/0/22"), Value: lwm2m.Bytes([]byte{0xca, 0xfe})},
	}
	const instance = `{"id":0,"kind":"instance","resources":[{"id":0,"kind":"singleResource","type":"STRING","value":"Heddle"},{"id":6,"kind":"multiResource","type":"INTEGER","values":{"0":"1","1":"5"}},` +
		`{"id":13,"kind":"singleResource","type":"TIME","value":1790000000000},{"id":20,"kind":"singleResource","type":"BOOLEAN","value":true},{"id":21,"kind":"singleResource","type":"OBJLNK","value":{"objectId":3,"objectInstanceId":1}},{"id":22,"kind":"singleResource","type":"OPAQUE","value":"cafe"}]}`
	for path, want := range map[string]string{
		"/3/0":     instance,
		"/3":       `{"id":3,"instances":[` + instance + `],"kind":"obj"}`,
		"/":        `{"kind":"root","objects":[{"id":3,"instances":[` + instance + `],"kind":"obj"}]}`,
		"/3/0/6":   `{"id":6,"kind":"multiResource","type":"INTEGER","values":{"0":"1","1":"5"}}`,
		"/3/0/6/1": `{"id":1,"kind":"resourceInstance","type":"INTEGER","value":"5"}`,
		"/3/0/9":   `{"id":9,"kind":"multiResource","type":"STRING","values":{}}`,
	} {
		var below []lwm2m.Entry
		for _, e := range entries {
			if e.Path.HasPrefix(p(path)) {
				below = append(below, e)
			}
		}
		b, err := json.Marshal(nodeOf(p(path), below))
		if err != nil || string(b) != want {
			t.Errorf("%s: %s %v\nwant %s", path, b, err, want)
		}
		if path == "/" || len(below) == 0 {
			continue
		}
		// And back, as a script that writes what it has read.
		var n inNode
		dec := json.NewDecoder(strings.NewReader(string(b)))
		dec.UseNumber()
		if err := dec.Decode(&n); err != nil {
			t.Fatal(err)
		}
		back, err := n.entries(nil, p(path), 0)
		lwm2m.Sort(back)
		if err != nil || len(back) != len(below) {
			t.Fatalf("%s: back to %v %v", path, back, err)
		}
		for i := range back {
			if back[i].Path != below[i].Path || back[i].Value != below[i].Value {
				t.Errorf("%s: %v came back as %v", path, below[i], back[i])
			}
		}
	}
}

func TestJavaDouble(t *testing.T) {
	for f, want := range map[float64]string{0: "0.0", 20: "20.0", -30.5: "-30.5", 1e7: "1.0E7", 1234567.25: "1234567.25", 12345678.5: "1.23456785E7", 0.001: "0.001", 0.0001: "1.0E-4", math.Inf(1): "Infinity"} {
		if got := javaDouble(f); got != want {
			t.Errorf("%v: %s, want %s", f, got, want)
		}
	}
	if got := javaDouble(math.NaN()); got != "NaN" {
		t.Error(got)
	}
}

func TestCodes(t *testing.T) {
	for c, want := range map[coap.Code]string{coap.Content: "CONTENT(205)", coap.MethodNotAllowed: "METHOD_NOT_ALLOWED(405)", coap.UnsupportedContentFormat: "UNSUPPORTED_CONTENT_FORMAT(415)", coap.InternalServerError: "INTERNAL_SERVER_ERROR(500)"} {
		if got := codeName(c); got != want {
			t.Errorf("%v: %s, want %s", c, got, want)
		}
	}
}

// FuzzBody: whatever a script writes, there is no panic, and entries lie at or below the path.
func FuzzBody(f *testing.F) {
	for _, s := range []string{`{"id":1,"kind":"singleResource","type":"integer","value":"77"}`, `{"kind":"instance","resources":[{"id":1,"type":"float","value":1}]}`, `{"instances":[{"id":0,"resources":[{"id":7,"type":"INTEGER","values":{"0":1}}]}]}`, `{"resources":[{"resources":[]}]}`} {
		f.Add(s, "application/json")
	}
	f.Add("x", "text/plain")
	l := New(Config{})
	f.Fuzz(func(t *testing.T, body, contentType string) {
		for _, path := range []string{"/3", "/3/0", "/3/0/1"} {
			r := httptest.NewRequest("PUT", "/", strings.NewReader(body))
			r.Header.Set("Content-Type", contentType)
			entries, err := l.body(httptest.NewRecorder(), r, p(path))
			if err != nil {
				continue
			}
			for _, e := range entries {
				if !e.Path.HasPrefix(p(path)) {
					t.Fatalf("%s: %v is not below %s", body, e.Path, path)
				}
			}
		}
	})
}
