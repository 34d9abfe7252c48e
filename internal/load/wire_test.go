package load

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestWire(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		switch req.URL.Path {
		case "/base/plain":
			fmt.Fprint(w, req.Header.Get("Authorization"))
		case "/base/chunked":
			for i := range 3 {
				fmt.Fprint(w, strings.Repeat(fmt.Sprint(i), 5000))
				w.(http.Flusher).Flush()
			}
		case "/base/closing":
			w.Header().Set("Connection", "close")
			fmt.Fprint(w, "bye")
		case "/base/nothing":
			w.WriteHeader(204)
		default:
			http.NotFound(w, req)
		}
	}))
	defer srv.Close()
	w := (&client{base: srv.URL + "/base", token: "secret"}).wire()
	defer w.close()
	chunked := strings.Repeat("0", 5000) + strings.Repeat("1", 5000) + strings.Repeat("2", 5000)
	for range 2 {
		for _, c := range []struct {
			path   string
			status int
			body   string
		}{
			{"/plain", 200, "Bearer secret"}, {"/chunked", 200, chunked}, {"/closing", 200, "bye"}, {"/nothing", 204, ""},
			{"/none", 404, "404 page not found\n"},
		} {
			if status, body, err := w.get(context.Background(), c.path); err != nil || status != c.status || string(body) != c.body {
				t.Errorf("%s: %d %.20q %v", c.path, status, body, err)
			}
		}
	}
}

// Whatever answers, the generator neither panics nor takes more than a bounded amount of memory.
func FuzzWireAnswer(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x\r\nhi\r\n0\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"))
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		w := &wire{in: bufio.NewReader(strings.NewReader(string(b)))}
		if _, body, err := w.answer(); err == nil && len(body) > len(b) {
			t.Errorf("%d bytes of body from %d", len(body), len(b))
		}
	})
}
