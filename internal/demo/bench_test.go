package demo

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"heddle.example/internal/access"
	"heddle.example/internal/serve"
)

// startQuiet starts a demo on free ports.
func startQuiet(t testing.TB) *Demo {
	t.Helper()
	d, err := Start(serve.Config{CoAP: []string{"127.0.0.1:0"}, CoAPS: []string{"127.0.0.1:0"}, Web: []string{"127.0.0.1:0"}, LeshanAPI: "token", Version: "test"}, Options{Direct: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		d.Stop(ctx)
	})
	return d
}

// reader is a lean HTTP client, so that the figure is the server's.
type reader struct {
	conn net.Conn
	in   *bufio.Reader
	ask  []byte
}

func (d *Demo) reader(t testing.TB, path string) *reader {
	t.Helper()
	token, _, err := d.Program.Access.CreateToken("bench", access.Read, time.Time{}, "test")
	if err != nil {
		t.Fatal(err)
	}
	addr := strings.TrimPrefix(d.Program.URL(), "http://")
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &reader{conn, bufio.NewReader(conn), fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", path, addr, token)}
}

func (r *reader) get() error {
	if _, err := r.conn.Write(r.ask); err != nil {
		return err
	}
	resp, err := http.ReadResponse(r.in, nil)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	if err == nil && resp.StatusCode != 200 {
		err = fmt.Errorf("status %s", resp.Status)
	}
	return err
}

func ready(t testing.TB, d *Demo, n int) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); d.Program.Fleet.Len() < n; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d of %d devices registered", d.Program.Fleet.Len(), n)
		}
	}
}

// BenchmarkRead is a read by REST of one resource: 1 and 64 at a time, plain and over DTLS. The device is in the same
// process, so its work is in the figure too.
func BenchmarkRead(b *testing.B) {
	d := startQuiet(b)
	ready(b, d, Count())
	for _, device := range []string{"plain-temp-1", "temp-attic"} {
		path := "/api/v1/clients/" + device + "/objects/3303/0/5700"
		b.Run(device+"/1", func(b *testing.B) {
			r := d.reader(b, path)
			times := make([]time.Duration, 0, b.N)
			for b.Loop() {
				start := time.Now()
				if err := r.get(); err != nil {
					b.Fatal(err)
				}
				times = append(times, time.Since(start))
			}
			slices.Sort(times)
			b.ReportMetric(float64(times[len(times)/2].Microseconds()), "p50-us")
			b.ReportMetric(float64(times[len(times)*99/100].Microseconds()), "p99-us")
		})
	}
	paths := []string{}
	for _, s := range specs() {
		if s.key == nil {
			paths = append(paths, "/api/v1/clients/"+s.name+"/objects/3/0/0")
		}
	}
	b.Run("plain/64", func(b *testing.B) {
		var left atomic.Int64
		left.Store(int64(b.N))
		var wg sync.WaitGroup
		readers := make([]*reader, 64)
		for i := range readers {
			readers[i] = d.reader(b, paths[i%len(paths)])
		}
		b.ResetTimer()
		for _, r := range readers {
			wg.Go(func() {
				for left.Add(-1) >= 0 {
					if err := r.get(); err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reads/s")
	})
}
