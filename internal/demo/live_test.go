package demo

import (
	"context"
	"slices"
	"testing"
	"time"

	"heddle.example/internal/serve"
	"heddle.example/lwm2m/server"
)

// Live observes something of every device, and values arrive by themselves.
func TestLive(t *testing.T) {
	d, err := Start(serve.Config{CoAP: []string{"127.0.0.1:0"}, CoAPS: []string{"127.0.0.1:0"}, Web: []string{"127.0.0.1:0"}, Data: "none", LeshanAPI: "off", Unknown: "accept", Version: "test"},
		Options{Direct: true})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Stop(context.Background())
	if err := d.Live(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, name := range f.names {
			list, err := d.Program.Shards.Observations(name)
			var paths []string
			for _, o := range list {
				paths = append(paths, o.Path.String())
			}
			if err != nil || !slices.Contains(paths, "/3/0/9") {
				t.Errorf("%s: observed %v, %v", name, paths, err)
			}
		}
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if list, err := d.Program.Shards.Observations("meter-main"); err == nil && slices.ContainsFunc(list, func(o server.Observation) bool { return o.Count > 0 }) {
			return
		}
		if time.Now().After(end) {
			t.Fatal("no value came from meter-main")
		}
	}
}

// A device that registered before the demo began is one of before a power cut: Live waits for its own.
func TestLiveWaitsForItsOwn(t *testing.T) {
	d, err := Start(serve.Config{CoAP: []string{"127.0.0.1:0"}, CoAPS: []string{"127.0.0.1:0"}, Web: []string{"127.0.0.1:0"}, Data: "none", LeshanAPI: "off", Unknown: "accept", Version: "test"},
		Options{Direct: true})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Stop(context.Background())
	if err := d.registered(t.Context(), "plain-temp-1"); err != nil {
		t.Fatal(err)
	}
	d.began = d.Program.Fleet.Now().Add(time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := d.registered(ctx, "plain-temp-1"); err == nil {
		t.Error("it speaks to a device of before")
	}
}
