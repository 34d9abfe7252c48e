package web

import (
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func TestHandler(t *testing.T) {
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	built := fstest.MapFS{"dist/index.html": file("<app>"), "dist/assets/index-Ab12.js": file("js"), "dist/assets/_x-1.css": file("css"), "dist/heddle.svg": file("<svg>"), missing: file("make web")}
	bare := fstest.MapFS{missing: file("run make web")}
	for _, tt := range []struct {
		fs           fstest.MapFS
		method, path string
		code         int
		body         string
		header       string
	}{
		{built, "GET", "/", 200, "<app>", "Cache-Control: no-cache Content-Type: text/html; charset=utf-8"},
		{built, "GET", "/index.html", 200, "<app>", "Cache-Control: no-cache Content-Type: text/html; charset=utf-8"},
		{built, "GET", "/assets/index-Ab12.js", 200, "js", "Cache-Control: public, max-age=31536000, immutable Content-Type: text/javascript; charset=utf-8"},
		{built, "GET", "/assets/_x-1.css", 200, "css", "Cache-Control: public, max-age=31536000, immutable Content-Type: text/css; charset=utf-8"},
		{built, "GET", "/heddle.svg", 200, "<svg>", "Cache-Control: no-cache Content-Type: image/svg+xml"},
		{built, "GET", "/nothing", 404, "no such file", ""},
		{built, "GET", "/../dist-missing.html", 404, "no such file", ""},
		{built, "GET", "/assets/", 404, "no such file", ""},
		{built, "POST", "/", 405, "only GET", ""},
		{bare, "GET", "/", 200, "run make web", "Cache-Control: no-store Content-Type: text/html; charset=utf-8"},
		{bare, "GET", "/assets/x.js", 404, "no such file", ""},
	} {
		w := httptest.NewRecorder()
		newHandler(tt.fs).ServeHTTP(w, httptest.NewRequest(tt.method, tt.path, nil))
		header := "Cache-Control: " + w.Header().Get("Cache-Control") + " Content-Type: " + w.Header().Get("Content-Type")
		if w.Code != tt.code || !strings.Contains(w.Body.String(), tt.body) || tt.header != "" && header != tt.header {
			t.Errorf("%s %s: %d %q %s", tt.method, tt.path, w.Code, w.Body, header)
		}
	}
	if b := build(built); b != "Ab12" {
		t.Errorf("build %q", b)
	}
	if b := build(bare); b != "" {
		t.Errorf("build of nothing: %q", b)
	}
}

// The page that stands in obeys our own content security policy: nothing inline.
func TestMissingPageHasNothingInline(t *testing.T) {
	b, err := files.ReadFile(missing)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"<script", "<style", "style=", "http://", "https://"} {
		if strings.Contains(string(b), bad) {
			t.Errorf("the page has %q", bad)
		}
	}
}
