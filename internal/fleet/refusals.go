package fleet

import (
	"sync"
	"time"

	"heddle.example/lwm2m/server"
)

// refusals remembers the last refusal of each endpoint or identity, so that the page of credentials can say "wrong key".
type refusals struct {
	mu    sync.Mutex
	last  map[string]Refusal
	order []string
	// Refusals come from anyone: at most so many a second become events.
	window time.Time
	count  int
}

// Refusal is why a device was turned away.
type Refusal struct {
	At     Time   `json:"at" format:"date-time"`
	Reason string `json:"reason"`
}

// Limits.
const (
	refusalsMost      = 10_000
	refusalsPerSecond = 50
)

func (r *refusals) init() { r.last = map[string]Refusal{} }

func identityKey(identity string) string { return "i\x00" + identity }
func endpointKey(endpoint string) string { return "e\x00" + endpoint }

func (r *refusals) note(key string, v Refusal) {
	if _, ok := r.last[key]; !ok {
		if len(r.order) >= refusalsMost {
			delete(r.last, r.order[0])
			r.order = r.order[1:]
		}
		r.order = append(r.order, key)
	}
	r.last[key] = v
}

func (r *refusals) accepted(endpoint string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if v, ok := r.last[endpointKey(endpoint)]; ok {
		v.Reason = "" // the place in order stays
		r.last[endpointKey(endpoint)] = v
	}
}

// LastRefusal returns why the endpoint, or the one who showed the identity, was last turned away.
func (f *Fleet) LastRefusal(endpoint, identity string) (Refusal, bool) {
	r := &f.refusals
	r.mu.Lock()
	defer r.mu.Unlock()
	a, b := r.last[endpointKey(endpoint)], r.last[identityKey(identity)]
	if b.Reason != "" && (a.Reason == "" || b.At > a.At) {
		a = b
	}
	return a, a.Reason != ""
}

func (f *Fleet) refused(e *server.Refused) {
	r := &f.refusals
	r.mu.Lock()
	v := Refusal{Time(e.At), e.Why}
	if e.Endpoint != "" {
		r.note(endpointKey(e.Endpoint), v)
	}
	if e.Identity != "" {
		r.note(identityKey(e.Identity), v)
	}
	now := time.Unix(0, int64(e.At)).Truncate(time.Second)
	if now != r.window {
		r.window, r.count = now, 0
	}
	r.count++
	quiet := r.count > refusalsPerSecond
	r.mu.Unlock()
	if quiet {
		return
	}
	f.o.Hub.Publish("refused", e.Endpoint, func() []byte {
		return encode(struct {
			Endpoint string `json:"endpoint,omitempty"`
			Identity string `json:"identity,omitempty"`
			Address  string `json:"address"`
			Reason   string `json:"reason"`
			At       Time   `json:"at"`
		}{Endpoint: e.Endpoint, Identity: e.Identity, Address: address(e.Path.Remote), Reason: e.Why, At: Time(e.At)})
	})
}
