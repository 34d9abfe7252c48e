package api

import (
	"strings"
	"testing"

	"heddle.example/internal/access"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/history"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// Values are read by time, in pages, in brief and as CSV, also of a device that is not registered.
func TestHistory(t *testing.T) {
	r := newRig(t)
	add := func(path string, at int64, v lwm2m.Value) {
		t.Helper()
		b, ok := history.AppendItem(nil, lwm2m.MustPath(path), at, v)
		if !ok {
			t.Fatal(path)
		}
		done := make(chan error, 1)
		r.disk.Append([]machine.Record{{Table: server.HistoryTable, Key: []byte("lamp"), Value: b}}, func(err error) { done <- err })
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	const start = 1_790_000_000_000 // 2026-09-21T14:13:20Z
	add("/3303/0/5700", start, lwm2m.Num(21.5))
	add("/3303/0/5700", start+2000, lwm2m.Num(23))
	add("/3303/0/5700", start+1000, lwm2m.Num(22)) // late
	add("/3303/0/5700", start+60_000, lwm2m.Num(-1))
	add("/3/0/11/1", start, lwm2m.Int(6))
	add("/3/0/0", start, lwm2m.Str("Heddle, \"the\" maker"))
	add("/3/0/5", start, lwm2m.Bytes([]byte{0xC0, 0xFF}))
	get := func(path string, status int, want string) {
		t.Helper()
		w := r.request(access.Read, "GET", "/api/v1/clients/lamp/history"+path, "")
		if got := strings.TrimSpace(w.Body.String()); w.Code != status || !strings.Contains(got, want) {
			t.Errorf("%s: %d %s\nwant %d %s", path, w.Code, got, status, want)
		}
	}
	get("", 200, `{"items":["/3/0/0","/3/0/5","/3/0/11/1","/3303/0/5700"]}`)
	get("/3303/0/5700", 200, `{"points":[{"at":"2026-09-21T14:13:20.000Z","value":21.5,"type":"float"},{"at":"2026-09-21T14:13:21.000Z","value":22,"type":"float"},{"at":"2026-09-21T14:13:22.000Z","value":23,"type":"float"},{"at":"2026-09-21T14:14:20.000Z","value":-1,"type":"float"}]}`)
	get("/3303/0/5700?limit=2", 200, `"next":"`)
	get("/3303/0/5700?from=2026-09-21T14:13:21Z&to=1790000002000", 200, `{"points":[{"at":"2026-09-21T14:13:21.000Z","value":22,"type":"float"},{"at":"2026-09-21T14:13:22.000Z","value":23,"type":"float"}]}`)
	get("/3303/0/5700?step=60", 200, `{"points":[{"at":"2026-09-21T14:13:00.000Z","min":21.5,"max":23,"avg":22.166666666666668,"count":3},{"at":"2026-09-21T14:14:00.000Z","min":-1,"max":-1,"avg":-1,"count":1}]}`)
	get("/3/0/11/1", 200, `"value":6,"type":"integer"`)
	get("/3/0/9", 200, `{"points":[]}`)
	get("/3303/0/5700?format=csv", 200, "time,path,value,type\n2026-09-21T14:13:20.000Z,/3303/0/5700,21.5,float\n2026-09-21T14:13:21.000Z,/3303/0/5700,22.0,float\n")
	get("?format=csv", 200, `2026-09-21T14:13:20.000Z,/3/0/0,"Heddle, ""the"" maker",string
2026-09-21T14:13:20.000Z,/3/0/5,c0ff,opaque
2026-09-21T14:13:20.000Z,/3/0/11/1,6,integer
2026-09-21T14:13:20.000Z,/3303/0/5700,21.5,float`)
	if w := r.request(access.Operate, "DELETE", "/api/v1/clients/lamp/history", ""); w.Code != 403 {
		t.Errorf("forgotten by an operator: %d", w.Code)
	}
	get("/3303/0/5700?limit=2", 200, `"next":"`)
	defer func() {
		if w := r.request(access.Admin, "DELETE", "/api/v1/clients/lamp/history", ""); w.Code != 204 {
			t.Errorf("forget: %d", w.Code)
		}
		get("", 200, `{"items":[]}`)
	}()
	for _, bad := range []string{"?limit=0", "?limit=10001", "?step=0", "?step=x", "?from=yesterday", "?to=x", "?format=xml", "?after=x"} {
		get("/3303/0/5700"+bad, 422, bad[1:strings.IndexByte(bad, '=')])
	}
	get("/3303/0/65535", 422, "65535")
}
