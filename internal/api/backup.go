package api

import (
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"heddle.example/internal/access"
)

// Bounds of a download of everything: while it goes on, the store cannot use the space of what changes again.
const (
	backupStall = time.Minute // between two pieces that the reader takes
	backupMost  = 2 * time.Hour
)

// backupRoutes stream all that the server keeps. It holds all keys, so it is for administrators, and noted in the audit log.
func (a *API) backupRoutes() {
	if a.c.Backup == nil {
		return
	}
	var one sync.Mutex
	a.handleWho(Route{"GET", prefix + "/backup", access.Admin, "backup"}, func(w http.ResponseWriter, r *http.Request) {
		if !one.TryLock() {
			writeProblem(w, r, problem(503, "A backup is under way already. Try again when it is done."))
			return
		}
		defer one.Unlock()
		p := who(r.Context())
		entry := access.Entry{User: p.User, Via: p.Via, Remote: remote(r), Action: "backup", Target: "/backup", Status: 200}
		h := w.Header()
		h.Set("Content-Type", "application/octet-stream")
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Disposition", `attachment; filename="heddle-`+time.Now().UTC().Format("2006-01-02")+`.backup"`)
		out := &patient{w: w, rc: http.NewResponseController(w), end: time.Now().Add(backupMost)}
		if err := a.c.Backup(out); err != nil {
			a.c.Log.Error("a backup ended early", "error", err)
			entry.Status = 500
			a.c.Access.Audit(entry)
			if !out.begun {
				h.Del("Content-Disposition")
				writeProblem(w, r, problemOf(err))
				return
			}
			panic(http.ErrAbortHandler) // the reader must see that something is missing
		}
		a.c.Access.Audit(entry)
	})
	o := op("GET", "/backup", "backup", access.Admin, "Server", "All that the server keeps, in one file, for `heddle restore`; without live DTLS sessions")
	o.Responses = map[string]*huma.Response{"200": {Description: "The file. It holds the keys of all devices.", Content: map[string]*huma.MediaType{"application/octet-stream": {Schema: &huma.Schema{Type: "string", Format: "binary"}}}}}
	a.huma.OpenAPI().AddOperation(&o)
}

// patient writes as long as the reader takes something, and not for ever.
type patient struct {
	w     io.Writer
	rc    *http.ResponseController
	end   time.Time
	begun bool
}

func (p *patient) Write(b []byte) (int, error) {
	deadline := time.Now().Add(backupStall)
	if deadline.After(p.end) {
		deadline = p.end
	}
	p.rc.SetWriteDeadline(deadline)
	p.begun = true
	return p.w.Write(b)
}
