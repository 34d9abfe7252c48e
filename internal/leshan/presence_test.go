package leshan

import (
	"testing"
	"time"

	"heddle.example/lwm2m/server"
)

func TestPresence(t *testing.T) {
	told := make(chan string, 10)
	p := newPresence(func(kind, endpoint string) { told <- kind + " " + endpoint })
	p.window = 20 * time.Millisecond
	door := &server.Registration{Endpoint: "door", Queue: true}
	want := func(s string) {
		t.Helper()
		select {
		case got := <-told:
			if got != s {
				t.Fatalf("told %q, want %q", got, s)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("not told %q", s)
		}
	}
	p.heard(&server.Registration{Endpoint: "lamp"}) // no queue mode: always awake
	p.heard(door)
	want("AWAKE door")
	p.heard(door) // still awake
	want("SLEEPING door")
	p.heard(door)
	want("AWAKE door")
	if !p.drop("door") || p.drop("door") {
		t.Error("a device that has gone was kept")
	}
	p.heard(door)
	want("AWAKE door")
	want("SLEEPING door")
}
