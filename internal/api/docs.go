package api

import (
	_ "embed"
	"encoding/json"
	"net/http"
	"sync"

	"heddle.example/internal/access"
)

// The viewer of the OpenAPI document is a page of our own: no script of another host, nothing inline.
var (
	//go:embed docs/index.html
	docsPage []byte
	//go:embed docs/docs.js
	docsScript []byte
	//go:embed docs/docs.css
	docsStyle []byte
)

func (a *API) docsRoutes() {
	document := sync.OnceValue(func() []byte {
		b, err := json.Marshal(a.huma.OpenAPI())
		if err != nil {
			panic(err)
		}
		return b
	})
	file := func(path, contentType string, content func() []byte) {
		a.handle(Route{"GET", path, access.None, "docs"}, func(w http.ResponseWriter, _ *http.Request) {
			h := w.Header()
			h.Set("Content-Type", contentType)
			h.Set("Cache-Control", "no-cache")
			w.Write(content())
		})
	}
	fixed := func(b []byte) func() []byte { return func() []byte { return b } }
	file("/api/openapi.json", "application/json", document)
	file("/api/docs", "text/html; charset=utf-8", fixed(docsPage))
	file("/api/docs/docs.js", "text/javascript; charset=utf-8", fixed(docsScript))
	file("/api/docs/docs.css", "text/css; charset=utf-8", fixed(docsStyle))
}

// Document returns the OpenAPI document, for docs/openapi.json and tests.
func (a *API) Document() ([]byte, error) { return json.MarshalIndent(a.huma.OpenAPI(), "", "  ") }
