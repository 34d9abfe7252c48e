package demo

import (
	"context"
	"os"
	"testing"

	"heddle.example/internal/serve"
)

func TestWalkDraft(t *testing.T) {
	d, err := Start(serve.Config{CoAP: []string{"localhost:0"}, CoAPS: []string{"localhost:0"}, Web: []string{"127.0.0.1:0"}, LeshanAPI: "token", Version: "test", Unknown: "accept"}, func(string) bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	defer d.Stop(context.Background())
	if err := d.Walk(t.Context(), os.Stdout, 0); err != nil {
		t.Error(err)
	}
}
