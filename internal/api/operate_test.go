package api

import (
	"net/http/httptest"
	"strings"
	"testing"

	"heddle.example/lwm2m/server"
)

// FuzzOperation: whatever body comes in, it becomes an operation that fits its path, or a problem that says what to do.
func FuzzOperation(f *testing.F) {
	for _, s := range []string{
		`{"op":"read","path":"/3/0/9"}`, `{"op":"write","path":"/31024/10/1","value":5}`, `{"op":"write","path":"/3/0","resources":{"1":5,"7":{"0":1}}}`, `{"op":"create","path":"/31024","instance":3,"resources":{"1":1}}`,
		`{"op":"write-attributes","path":"/3/0","attributes":{"pmin":1e300,"lt":null}}`, `{"op":"execute","path":"/3/0/4","args":"0='x'"}`, `{"op":"observe","path":"/"}`, `{"op":"write","path":"/9/9/9","value":"zz","type":"opaque","timeout":-1}`,
	} {
		f.Add(s)
	}
	r := newRig(f)
	r.register("lamp", thermometer)
	f.Fuzz(func(t *testing.T, body string) {
		in := OperationInput{}
		err := decodeBody(httptest.NewRecorder(), httptest.NewRequest("POST", "/", strings.NewReader(body)), &in)
		var o *server.Operation
		if err == nil {
			o, err = r.api.operation("lamp", &in)
		}
		if err != nil {
			if p := problemOf(err); p.Status < 400 || p.Status >= 500 || p.Detail == "" {
				t.Fatalf("%q: %+v", body, p)
			}
			return
		}
		for _, e := range o.Entries {
			if !e.Path.HasPrefix(o.Path) {
				t.Fatalf("%q: %v is not below %v", body, e.Path, o.Path)
			}
		}
		if o.Timeout <= 0 || o.Timeout > timeoutMost {
			t.Fatalf("%q: time-out %v", body, o.Timeout)
		}
	})
}
