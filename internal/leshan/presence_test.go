package leshan

import (
	"strings"
	"testing"

	"heddle.example/lwm2m/server"
)

// AWAKE and SLEEPING come from the server, which knows when a device in queue mode listens.
func TestPresence(t *testing.T) {
	l := New(Config{})
	defer l.Close()
	l.Take(&server.Presence{Endpoint: "early", Awake: true}) // nobody listens
	reader, _ := l.hub.Follow(nil)
	defer reader.Close()
	l.Take(&server.Presence{Endpoint: "door", Awake: true})
	l.Take(&server.Presence{Endpoint: "door"})
	var got []string
	for len(got) < 2 {
		events, err := reader.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			got = append(got, e.Kind+" "+string(e.Data()))
		}
	}
	if want := `AWAKE {"ep":"door"}, SLEEPING {"ep":"door"}`; strings.Join(got, ", ") != want {
		t.Errorf("told %s, want %s", strings.Join(got, ", "), want)
	}
}
