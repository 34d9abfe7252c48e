package api

import (
	"strings"
	"testing"

	"heddle.example/internal/access"
	"heddle.example/store"
)

// Notes belong to the endpoint: they are there before it registers, shown in its row, found by tag, and stay when its
// credentials go.
func TestNotes(t *testing.T) {
	r := newRig(t)
	ask := func(method, path, body string, status int, want string) {
		t.Helper()
		w := r.request(access.Admin, method, "/api/v1"+path, body)
		if got := compact(w.Body.Bytes()); w.Code != status || !strings.Contains(got, want) {
			t.Errorf("%s %s: %d %s, want %d with %s", method, path, w.Code, got, status, want)
		}
	}
	ask("GET", "/clients/lamp/notes", "", 200, `{"note":"","tags":[]}`)
	ask("PUT", "/clients/lamp/notes", `{"note":"hall","tags":["floor-2","a"]}`, 200, `{"note":"hall","tags":["a","floor-2"]}`)
	ask("PUT", "/credentials/lamp", `{"identity":"lamp","key":"00112233445566778899aabbccddeeff"}`, 201, "")
	ask("DELETE", "/credentials/lamp", "", 204, "")
	r.register("lamp", thermometer)
	r.register("pump", thermometer)
	ask("GET", "/clients/lamp", "", 200, `"note":"hall","tags":["a","floor-2"]`)
	ask("GET", "/clients?q=tag:floor-2", "", 200, `"matched":1`)
	ask("GET", "/clients?q=tag:floor-2", "", 200, `"note":"hall","tags":["a","floor-2"]`)
	ask("GET", "/clients?q=tag:floor", "", 200, `"matched":0`)
	ask("POST", "/tags", `{"endpoints":["pump","shed"],"q":"tag:a","add":["b"],"remove":["a"]}`, 200, `{"selected":3,"changed":3}`)
	ask("GET", "/tags", "", 200, `{"items":[{"tag":"b","count":3},{"tag":"floor-2","count":1}]}`)
	ask("GET", "/tags/b?limit=2", "", 200, `{"items":["lamp","pump"],"next":"pump"}`)
	ask("GET", "/tags/b?limit=2&after=pump", "", 200, `{"items":["shed"]}`)
	ask("GET", "/clients/lamp/notes", "", 200, `{"note":"hall","tags":["b","floor-2"]}`)
	ask("POST", "/tags", `{"endpoints":["pump"]}`, 422, "Name the tags")
	ask("PUT", "/clients/lamp/notes", `{"tags":["two words"]}`, 422, "without spaces")
	r.disk.err = store.ErrFull
	ask("PUT", "/clients/lamp/notes", `{"note":"lost"}`, 507, "disk is full")
	ask("GET", "/clients/lamp/notes", "", 200, `"note":"hall"`)
}
