package demo

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"heddle.example/internal/serve"
)

// The whole walk, as `heddle demo --walk --check` takes it.
func TestWalk(t *testing.T) {
	t.Parallel()
	d, err := Start(serve.Config{CoAP: []string{"localhost:0"}, CoAPS: []string{"localhost:0"}, Web: []string{"127.0.0.1:0"}, LeshanAPI: "token", Version: "test", Unknown: "accept"}, Options{Empty: true})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Stop(context.Background())
	var out bytes.Buffer
	if err := d.Walk(t.Context(), &out, 0); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, want := range []string{"leader", "Join success", "hlim=63", "Pinging synthesized IPv6 address", "-s ****", "connection ID", "STATE_BOOTSTRAPPING", "All works."} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the walk does not print %q:\n%s", want, out.String())
		}
	}
}
