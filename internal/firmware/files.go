package firmware

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"strings"
	"time"

	"heddle.example/coap"
	"heddle.example/lwm2m/server"
)

// Prefix is the first segment of the paths of packages, over coap and http.
const Prefix = "fw"

// How many requests for blocks are worked on, and wait.
const (
	blockWorkers  = 2
	blocksWaiting = 1024
)

// etagLength is how much of the digest an entity-tag over coap has.
const etagLength = 8

type blockRequest struct {
	*server.FileRequest
	answer func(server.FilePart)
}

// TakeFile answers a device's request for a block of a package, a moment later: the disk may take its time.
func (m *Manager) TakeFile(r *server.FileRequest, answer func(server.FilePart)) {
	select {
	case m.blocks <- blockRequest{r, answer}:
	default:
		answer(server.FilePart{Code: coap.ServiceUnavailable, Reason: "too many downloads at once"})
	}
}

func (m *Manager) serveBlocks() {
	for {
		select {
		case <-m.ctx.Done():
			return
		case r := <-m.blocks:
			r.answer(m.block(r.FileRequest))
		}
	}
}

// block reads a block of a package for who may have it: over coaps a registered device, over coap, where that is allowed
// at all, a device that was told to fetch it.
func (m *Manager) block(r *server.FileRequest) server.FilePart {
	p, d := m.find(r.Name)
	switch id := r.Path.Security; {
	case id != nil:
		endpoint, ok := m.c.Endpoint(id.Name)
		if !ok || m.c.Registration(endpoint) == nil || d != nil && d.Endpoint != endpoint {
			return server.FilePart{Code: coap.Forbidden, Reason: "register first"}
		}
	case !m.c.Plain || p != nil && d == nil:
		return server.FilePart{Code: coap.Forbidden, Reason: "packages are for devices that were told to fetch them"}
	}
	if p == nil {
		return server.FilePart{Code: coap.NotFound}
	}
	f, err := os.Open(m.file(p.ID))
	if err != nil {
		return server.FilePart{Code: coap.NotFound}
	}
	defer f.Close()
	part := server.FilePart{Length: p.Size, ETag: etag(p)}
	offset := int64(r.Block.Offset())
	if offset < p.Size {
		part.Data = make([]byte, min(int64(r.Block.Size()), p.Size-offset))
		if n, err := f.ReadAt(part.Data, offset); n < len(part.Data) {
			return server.FilePart{Code: coap.InternalServerError, Reason: err.Error()}
		}
		m.served(d, offset, int64(len(part.Data)))
	}
	return part
}

func etag(p *Package) string {
	b, err := hex.DecodeString(p.SHA256)
	if err != nil || len(b) != sha256.Size {
		return p.ID[:etagLength]
	}
	return string(b[:etagLength])
}

// find returns the package of a name, ID or ID/TOKEN, and the device whose token it is. A name with a token of nobody's is
// none.
func (m *Manager) find(name string) (*Package, *device) {
	id, token, tokened := strings.Cut(name, "/")
	m.mu.Lock()
	defer m.mu.Unlock()
	p, d := m.packages[id], m.tokens[token]
	if p == nil || tokened && (d == nil || d.update.Package != id) {
		return nil, nil
	}
	if !tokened {
		d = nil
	}
	return p, d
}

// served notes that a device has fetched a part of its package.
func (m *Manager) served(d *device, offset, n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counters.ServedBytes += uint64(n)
	if d == nil || d.State != Downloading {
		return
	}
	d.movedAt = time.Now()
	d.Sent = offset + n
	m.tell(d)
}

// ServeHTTP serves packages below /fw/. The address is the secret: its 128 random bits are told to those who may know it.
func (m *Manager) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p, d := m.find(strings.TrimPrefix(r.URL.Path, "/"+Prefix+"/"))
	if p == nil {
		http.NotFound(w, r)
		return
	}
	f, err := os.Open(m.file(p.ID))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer f.Close()
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("ETag", `"`+p.SHA256+`"`)
	h.Set("Cache-Control", "private, no-transform")
	h.Set("X-Content-Type-Options", "nosniff")
	http.ServeContent(w, r, "", p.AddedAt, &served{f, m, d, http.NewResponseController(w), 0})
}

// writeTimeout is how long a device may take for a piece; it goes on later where it stopped.
const writeTimeout = time.Minute

// served is a package's file that tells how far it was read.
type served struct {
	f  *os.File // not embedded: sendfile would read it past us
	m  *Manager
	d  *device
	rc *http.ResponseController
	at int64
}

func (s *served) Read(b []byte) (int, error) {
	s.rc.SetWriteDeadline(time.Now().Add(writeTimeout))
	n, err := s.f.Read(b)
	if n > 0 {
		s.m.served(s.d, s.at, int64(n))
		s.at += int64(n)
	}
	return n, err
}

func (s *served) Seek(offset int64, whence int) (at int64, err error) {
	at, err = s.f.Seek(offset, whence)
	s.at = at
	return at, err
}
