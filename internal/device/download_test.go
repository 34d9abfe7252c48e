package device_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"heddle.example/host"
	"heddle.example/internal/device"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/firmware"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
	"heddle.example/store"
)

// pack makes a package of version 2.0.
func pack(t *testing.T, size int) []byte {
	image := bytes.Repeat([]byte("0123456789abcdef"), size/16)
	h := firmware.Header{Name: "lamp", Version: "2.0", Image: uint64(len(image)), Digest: sha256.Sum256(image)}
	b, err := h.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	return append(b, image...)
}

// webHost serves a package and cuts the connection in the middle of the first answers.
type webHost struct {
	*httptest.Server
	mu       sync.Mutex
	file     []byte
	etag     string
	cuts     int
	requests []string
}

func newWebHost(t *testing.T, file []byte, cuts int) *webHost {
	x := &webHost{file: file, cuts: cuts, etag: `"one"`}
	x.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.requests = append(x.requests, r.Header.Get("Range")+" "+r.Header.Get("If-Range"))
		if r.URL.Path != "/fw" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("ETag", x.etag)
		if x.cuts > 0 {
			x.cuts--
			from := 0
			if r.Header.Get("If-Range") == x.etag {
				fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from)
				w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(x.file)-1, len(x.file)))
			}
			w.Header().Set("Content-Length", fmt.Sprint(len(x.file)-from))
			if from > 0 {
				w.WriteHeader(http.StatusPartialContent)
			}
			w.Write(x.file[from : from+40_000])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
		http.ServeContent(w, r, "fw", time.Time{}, bytes.NewReader(x.file))
	}))
	t.Cleanup(x.Close)
	return x
}

// firmwareDevice is a device that is registered, and what it says of itself.
func firmwareDevice(t *testing.T, h *host.Host, x *realServer, st store.Store) *device.Device {
	t.Helper()
	o := options("plain", client.ServerURI(false, "localhost", x.plain), st)
	d, err := device.Start(h, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Kill(context.Background()) })
	x.registered("plain")
	return d
}

// until waits until a resource of the device has a value.
func until(t *testing.T, d *device.Device, path, want string) {
	t.Helper()
	got := ""
	for range 400 {
		d.Do(func(now machine.Time, c *client.Client) {
			if e, err := c.Read(now, lwm2m.MustPath(path)); err == nil && len(e) > 0 {
				got = e[0].Value.String()
			}
		})
		if got == want {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%s is %q, not %q", path, got, want)
}

func (x *realServer) write(path string, v lwm2m.Value) {
	x.t.Helper()
	p := lwm2m.MustPath(path)
	x.do("plain", server.Operation{Kind: server.Write, Path: p, Entries: []lwm2m.Entry{{Path: p, Value: v}}})
}

func TestDownloadOverHTTPGoesOnAfterABreak(t *testing.T) {
	h := host.New(host.Options{})
	x := newServer(t, h)
	web := newWebHost(t, pack(t, 300_000), 2)
	st, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	d := firmwareDevice(t, h, x, st)
	x.write("/5/0/1", lwm2m.Str(web.URL+"/fw"))
	until(t, d, "/5/0/3", "2")
	if len(web.requests) != 3 || web.requests[0] != " " || web.requests[1] == " " || web.requests[1] == web.requests[2] {
		t.Errorf("the requests were %q", web.requests)
	}
	x.do("plain", server.Operation{Kind: server.Execute, Path: lwm2m.MustPath("/5/0/2")})
	x.registered("plain") // after the reboot
	until(t, d, "/5/0/5", "1")
	until(t, d, "/3/0/3", "2.0")
	until(t, d, "/5/0/3", "0")
	// Nothing of the package is left on disk.
	d.Kill(context.Background())
	st.Flush()
	n := 0
	if err := st.Load(client.KeepTable, func(k, v []byte) error { n++; return nil }); err != nil || n != 1 {
		t.Errorf("%d records are left, %v", n, err)
	}
}

// The package that was half there is another one now.
func TestDownloadOverHTTPOfAChangedPackage(t *testing.T) {
	h := host.New(host.Options{})
	x := newServer(t, h)
	web := newWebHost(t, bytes.Repeat([]byte("old"), 100_000), 1)
	d := firmwareDevice(t, h, x, nil)
	x.write("/5/0/1", lwm2m.Str(web.URL+"/fw"))
	until(t, d, "/5/0/3", "1")
	web.mu.Lock()
	web.file, web.etag = pack(t, 200_000), `"two"`
	web.mu.Unlock()
	until(t, d, "/5/0/3", "2")
	until(t, d, "/5/0/7", "2.0")
}

func TestDownloadOverHTTPThatFails(t *testing.T) {
	h := host.New(host.Options{})
	x := newServer(t, h)
	web := newWebHost(t, nil, 0)
	d := firmwareDevice(t, h, x, nil)
	x.write("/5/0/1", lwm2m.Str(web.URL+"/nothing-here"))
	until(t, d, "/5/0/5", "7")
	x.write("/5/0/1", lwm2m.Str("http://[::1]:99999/"))
	until(t, d, "/5/0/5", "7")
}

// A device without a disk keeps its firmware over the reboot, as in flash.
func TestUpdateWithoutDisk(t *testing.T) {
	h := host.New(host.Options{})
	x := newServer(t, h)
	d := firmwareDevice(t, h, x, nil)
	pkg := pack(t, 2000)
	for off := 0; off < len(pkg); off += 1024 {
		end := min(off+1024, len(pkg))
		b := server.WriteBlock{Data: pkg[off:end], Size: int64(len(pkg))}
		b.Block.Num, b.Block.SZX, b.Block.More = uint32(off/1024), 6, end < len(pkg)
		x.do("plain", server.Operation{Kind: server.Write, Path: lwm2m.MustPath("/5/0/0"), Block: &b})
	}
	until(t, d, "/5/0/3", "2")
	x.do("plain", server.Operation{Kind: server.Execute, Path: lwm2m.MustPath("/5/0/2")})
	x.registered("plain")
	until(t, d, "/5/0/5", "1")
	until(t, d, "/3/0/3", "2.0")
}
