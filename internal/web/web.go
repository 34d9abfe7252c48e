// Package web serves the web app, which `make web` builds into dist and go build embeds. Without it the page says how to
// build it.
package web

import (
	"embed"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

// The pattern takes dist too, when it is there: it is not committed.
//
//go:embed all:dist*
var files embed.FS

// missing is the page that stands in for an app that was not built.
const missing = "dist-missing.html"

// Build is when the app was built: a name of its entry script, which carries a hash. It is empty where there is none.
func Build() string { return build(files) }

func build(f fs.FS) string {
	entries, err := fs.ReadDir(f, "dist/assets")
	if err != nil {
		return ""
	}
	for _, e := range entries {
		if name := e.Name(); strings.HasPrefix(name, "index-") && strings.HasSuffix(name, ".js") {
			return strings.TrimSuffix(strings.TrimPrefix(name, "index-"), ".js")
		}
	}
	return "unknown"
}

// Handler serves the app at "/".
func Handler() http.Handler { return newHandler(files) }

type handler struct {
	files fs.FS
	built bool
}

func newHandler(f fs.FS) http.Handler {
	return &handler{files: f, built: built(f)}
}

// types are ours, not the system's: mime.TypeByExtension reads files that differ from machine to machine.
var types = map[string]string{".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon",
	".json": "application/json", ".webmanifest": "application/manifest+json", ".woff2": "font/woff2", ".txt": "text/plain; charset=utf-8", ".map": "application/json"}

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "this is the web app: only GET", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	if name == "" || name == "index.html" {
		h.page(w, r)
		return
	}
	b, err := fs.ReadFile(h.files, "dist/"+name)
	if !h.built || err != nil {
		http.Error(w, "there is no such file; the web app is at /", http.StatusNotFound)
		return
	}
	cache := "no-cache"
	if strings.HasPrefix(name, "assets/") { // Vite puts a hash of the content into these names
		cache = "public, max-age=31536000, immutable"
	}
	serve(w, r, name, b, cache)
}

func (h *handler) page(w http.ResponseWriter, r *http.Request) {
	if h.built {
		if b, err := fs.ReadFile(h.files, "dist/index.html"); err == nil {
			serve(w, r, "index.html", b, "no-cache")
			return
		}
	}
	b, err := fs.ReadFile(h.files, missing)
	if err != nil {
		http.Error(w, "the web app is not built", http.StatusNotFound)
		return
	}
	serve(w, r, missing, b, "no-store")
}

func serve(w http.ResponseWriter, r *http.Request, name string, b []byte, cache string) {
	t, ok := types[path.Ext(name)]
	if !ok {
		t = "application/octet-stream"
	}
	w.Header().Set("Content-Type", t)
	w.Header().Set("Cache-Control", cache)
	http.ServeContent(w, r, name, time.Time{}, strings.NewReader(string(b)))
}

// Built reports whether the web app is in the program.
func Built() bool { return built(files) }

func built(f fs.FS) bool {
	_, err := fs.Stat(f, "dist/index.html")
	return err == nil
}
