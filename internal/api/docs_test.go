package api

import (
	"os"
	"strings"
	"testing"
)

// docs/rest.md names every route, without the levels of a path that it writes as an ellipsis.
func TestDocsNameEveryRoute(t *testing.T) {
	b, err := os.ReadFile("../../docs/rest.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for _, rt := range newRig(t).api.Routes() {
		path := rt.Path
		for _, level := range []string{"/{resourceInstance}", "/{resource}", "/{instance}"} {
			if !strings.Contains(path, "/execute") && !strings.Contains(path, "/series/") {
				path = strings.TrimSuffix(path, level)
			}
		}
		path = strings.TrimSuffix(strings.TrimSuffix(path, "/docs.js"), "/docs.css")
		if !strings.Contains(text, path) {
			t.Errorf("docs/rest.md does not name %s %s", rt.Method, rt.Path)
		}
	}
}
