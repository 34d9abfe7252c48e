package api

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"heddle.example/internal/access"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/server"
)

// listener reads a stream of events.
type listener struct {
	t      *testing.T
	cancel context.CancelFunc
	lines  *bufio.Scanner
	lastID string
}

func (r *rig) listen(t *testing.T, url, query, lastID string) *listener {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	req, _ := http.NewRequestWithContext(ctx, "GET", url+"/api/v1/events?"+query, nil)
	req.Header.Set("Authorization", "Bearer "+r.tokens[access.Read])
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); resp.Body.Close() })
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("status %s, type %s", resp.Status, resp.Header.Get("Content-Type"))
	}
	return &listener{t, cancel, bufio.NewScanner(resp.Body), ""}
}

// next returns the next event as "kind data".
func (l *listener) next() string {
	l.t.Helper()
	kind := ""
	for l.lines.Scan() {
		line := l.lines.Text()
		if id, ok := strings.CutPrefix(line, "id: "); ok {
			l.lastID = id
		}
		if k, ok := strings.CutPrefix(line, "event: "); ok {
			kind = k
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok && kind != "" {
			return kind + " " + data
		}
	}
	l.t.Fatalf("the stream ended: %v", l.lines.Err())
	return ""
}

func (l *listener) want(prefix string, parts ...string) {
	l.t.Helper()
	got := l.next()
	if !strings.HasPrefix(got, prefix) {
		l.t.Fatalf("event %q, want %q", got, prefix)
	}
	for _, p := range parts {
		if !strings.Contains(got, p) {
			l.t.Fatalf("event %q has no %q", got, p)
		}
	}
}

func (r *rig) serve(t *testing.T) string {
	s := httptest.NewServer(r.h)
	t.Cleanup(s.Close)
	t.Cleanup(r.api.Close) // before the server: it waits for its streams
	return s.URL
}

func TestEvents(t *testing.T) {
	r := newRig(t)
	url := r.serve(t)
	all := r.listen(t, url, "", "")
	all.want("hello", `"epoch":"25"`, `"seq":0`)
	reg := r.register("lamp", thermometer)
	all.want("registered", `"endpoint":"lamp"`, `"replaced":false`, `"objects":["/1/0"`)
	r.register("lamp", thermometer)
	all.want("registered", `"replaced":true`)
	one := r.listen(t, url, "endpoint=lamp", "")
	one.want("hello")
	r.fleet.Take(&server.Updated{Registration: reg, Previous: reg, At: r.now.Add(time.Second)})
	all.want("updated", `"endpoint":"lamp"`, `"expiresAt":"2026-09-21T14:18:21.000Z"`)
	one.want("updated")
	r.fleet.Values("other", []lwm2m.Entry{{Path: lwm2m.MustPath("/3303/0/5700"), Value: lwm2m.Num(20)}}, r.now, "notify", "1")
	all.want("value", `"endpoint":"other"`, `"value":20`, `"type":"float"`, `"source":"notify"`, `"observation":"1"`)
	r.fleet.Take(&server.Message{Endpoint: "lamp", Raw: []byte{0x40, 0, 0, 7}, At: r.now})
	one.want("message", `"summary":"ping"`, `"messageId":7`) // not what the other device did before
	r.fleet.Take(&server.Deregistered{Registration: r.fleet.Registration("lamp"), Reason: server.ByClient, At: r.now})
	one.want("deregistered", `"reason":"deregistered"`)
	all.want("deregistered") // messages are for those who asked for the device
	r.api.Close()
	for all.lines.Scan() { // the stream ends with the program
	}
	if err := all.lines.Err(); err != nil {
		t.Errorf("the stream did not end: %v", err)
	}
}

// A reader whose connection breaks again and again misses nothing.
func TestComingBackLosesNothing(t *testing.T) {
	r := newRig(t)
	url := r.serve(t)
	l := r.listen(t, url, "kinds=registered", "")
	l.want("hello")
	for round := range 20 {
		for i := range 7 {
			r.register(fmt.Sprintf("d-%02d-%d", round, i), thermometer)
		}
		for i := range 3 {
			l.want("registered", fmt.Sprintf(`"d-%02d-%d"`, round, i))
		}
		last := l.lastID
		l.cancel()
		l = r.listen(t, url, "kinds=registered", last)
		l.want("hello")
		for i := 3; i < 7; i++ {
			l.want("registered", fmt.Sprintf(`"d-%02d-%d"`, round, i))
		}
	}
}

func TestGapAndOtherRunReset(t *testing.T) {
	r := newRig(t)
	url := r.serve(t)
	for _, since := range []string{"zz-5", "25-999", "garbage"} {
		l := r.listen(t, url, "since="+since, "")
		l.want("reset {}")
		l.want("hello")
		l.cancel()
	}
	// Last-Event-ID is what a browser sends when it comes back; it counts more than the address of the page's making.
	r.register("lamp", thermometer)
	l := r.listen(t, url, "since=25-0", "")
	l.want("hello")
	l.want("registered")
	l.cancel()
	l = r.listen(t, url, "since=25-0", l.lastID)
	l.want("hello")
	r.register("lamp", thermometer)
	l.want("registered", `"replaced":true`)
}

func TestStatistics(t *testing.T) {
	r := newRig(t)
	url := r.serve(t)
	l := r.listen(t, url, "endpoint=lamp", "")
	l.want("hello")
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	var n uint64
	go func() { defer close(done); r.api.PublishStats(ctx, func() uint64 { n += 100; return n }) }()
	l.want("stats", `"registrations":0`, `"messagesPerSecond":`, `"counts":{`)
	cancel()
	<-done
}

// A stream ends soon after its token was revoked, also while events flow.
func TestRevokedTokenEndsTheStream(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the next look at the token")
	}
	r := newRig(t)
	url := r.serve(t)
	l := r.listen(t, url, "", "")
	l.want("hello")
	for _, tok := range r.access.Tokens() {
		if tok.Name == "read" {
			if _, err := r.access.RevokeToken(tok.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			case <-time.After(50 * time.Millisecond):
				r.fleet.Values("lamp", []lwm2m.Entry{{Path: lwm2m.MustPath("/3/0/9"), Value: lwm2m.Int(int64(i))}}, r.now, "notify", "")
			}
		}
	}()
	for l.lines.Scan() { // until the server ends it; the listener's own time-out would be an error
	}
	if err := l.lines.Err(); err != nil {
		t.Errorf("the stream did not end: %v", err)
	}
}
