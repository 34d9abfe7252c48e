package serve

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"heddle.example/internal/api"
)

// inProcess calls a handler without a network. The answer's body comes as it is written.
type inProcess struct{ h http.Handler }

// RoundTrip implements http.RoundTripper.
func (t inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	body, out := io.Pipe()
	w := &piped{header: http.Header{}, out: out, begun: make(chan int, 1)}
	r = r.WithContext(api.Local(r.Context()))
	if r.Body == nil {
		r.Body = http.NoBody
	}
	go func() {
		var err error
		defer func() {
			if x := recover(); x != nil { // as net/http does: the reader sees that the answer was cut short
				err = errors.New("the answer ended early")
			}
			w.WriteHeader(http.StatusOK)
			out.CloseWithError(err)
		}()
		t.h.ServeHTTP(w, r)
	}()
	status := <-w.begun
	return &http.Response{StatusCode: status, Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, Body: body, ContentLength: -1, Request: r}, nil
}

// piped hands an answer on.
type piped struct {
	header, sent http.Header
	out          *io.PipeWriter
	once         sync.Once
	begun        chan int
}

func (w *piped) Header() http.Header { return w.header }

func (w *piped) WriteHeader(status int) {
	w.once.Do(func() {
		w.sent = w.header.Clone()
		w.begun <- status
	})
}

func (w *piped) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.out.Write(b)
}
