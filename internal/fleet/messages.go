package fleet

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/server"
)

// Limits of the message log.
const (
	watchedMost  = 60  // endpoints; a shard takes 64
	messagesMost = 500 // kept for each
	payloadMost  = 2048
	tokensMost   = 64
	// watchLinger is how long an endpoint's messages are logged after the last one who looked has left.
	watchLinger = 10 * time.Minute
)

// watching is the endpoints whose messages are logged.
type watching struct {
	mu     sync.Mutex
	logs   map[string]*messageLog
	charts atomic.Int64
}

func (w *watching) init() { w.logs = map[string]*messageLog{} }

// messageLog is the newest messages of one endpoint.
type messageLog struct {
	readers int
	left    time.Time // when the last reader left
	timer   *time.Timer
	list    []*Message
	// asked is what the tokens of recent requests were about: an answer does not say its path.
	asked  map[coap.Token]lwm2m.Path
	tokens []coap.Token
}

func (l *messageLog) ask(t coap.Token, p lwm2m.Path) {
	if _, ok := l.asked[t]; !ok {
		if len(l.tokens) >= tokensMost {
			delete(l.asked, l.tokens[0])
			l.tokens = l.tokens[1:]
		}
		l.tokens = append(l.tokens, t)
	}
	l.asked[t] = p
}

// Watch begins to log an endpoint's messages; release is called when the reader leaves. It reports false where too many
// are watched already.
func (f *Fleet) Watch(endpoint string) (release func(), ok bool) {
	w := &f.watching
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.logs[endpoint]
	if l == nil {
		if len(w.logs) >= watchedMost && !f.unwatchOldest() {
			return func() {}, false
		}
		l = &messageLog{asked: map[coap.Token]lwm2m.Path{}}
		w.logs[endpoint] = l
		if f.o.Watch != nil {
			f.o.Watch(endpoint, true)
		}
	}
	l.readers++
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	var once sync.Once
	return func() { once.Do(func() { f.leave(endpoint, l) }) }, true
}

func (f *Fleet) leave(endpoint string, l *messageLog) {
	w := &f.watching
	w.mu.Lock()
	defer w.mu.Unlock()
	if l.readers--; l.readers > 0 {
		return
	}
	l.left = time.Now()
	l.timer = time.AfterFunc(watchLinger, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.logs[endpoint] == l && l.readers == 0 {
			f.unwatch(endpoint)
		}
	})
}

// unwatchOldest makes room. The caller holds the lock, as for unwatch.
func (f *Fleet) unwatchOldest() bool {
	oldest := ""
	for ep, l := range f.watching.logs {
		if l.readers == 0 && (oldest == "" || l.left.Before(f.watching.logs[oldest].left)) {
			oldest = ep
		}
	}
	if oldest == "" {
		return false
	}
	f.unwatch(oldest)
	return true
}

func (f *Fleet) unwatch(endpoint string) {
	if t := f.watching.logs[endpoint].timer; t != nil {
		t.Stop()
	}
	delete(f.watching.logs, endpoint)
	if f.o.Watch != nil {
		f.o.Watch(endpoint, false)
	}
}

// Messages returns up to limit of the newest messages, oldest first.
func (f *Fleet) Messages(endpoint string, limit int) []*Message {
	w := &f.watching
	w.mu.Lock()
	defer w.mu.Unlock()
	l := w.logs[endpoint]
	if l == nil {
		return []*Message{}
	}
	return append([]*Message{}, l.list[max(0, len(l.list)-limit):]...)
}

// Watched returns the endpoints whose messages are logged.
func (f *Fleet) Watched() []string {
	w := &f.watching
	w.mu.Lock()
	defer w.mu.Unlock()
	list := make([]string, 0, len(w.logs))
	for ep := range w.logs {
		list = append(list, ep)
	}
	slices.Sort(list)
	return list
}

func (f *Fleet) message(e *server.Message) {
	if r := f.row(e.Endpoint); r != nil && !e.Out {
		r.heard(e.At)
	}
	w := &f.watching
	w.mu.Lock()
	l := w.logs[e.Endpoint]
	if l == nil {
		w.mu.Unlock()
		return
	}
	m := f.describe(l, e)
	if len(l.list) >= messagesMost {
		l.list = slices.Delete(l.list, 0, messagesMost/10)
	}
	l.list = append(l.list, m)
	w.mu.Unlock()
	f.o.Hub.Publish("message", e.Endpoint, func() []byte {
		return encode(struct {
			Endpoint string `json:"endpoint"`
			*Message
		}{e.Endpoint, m})
	})
}
