package access

import (
	"sync"
	"time"
)

// Log-in attempts: five wrong ones for a user from one address, or twenty from one address, and further ones wait. The
// wait is per address, so that nobody can lock somebody else out; the whole table is bounded.
const (
	failsOfUser    = 5
	failsOfAddress = 20
	failsForget    = 5 * time.Minute
	failsTracked   = 4096
)

type limiter struct {
	now   func() time.Time
	mu    sync.Mutex
	fails map[string]*fails
}

type fails struct {
	count int
	last  time.Time
}

func userKey(name, remote string) string { return "u\x00" + remote + "\x00" + name }
func addressKey(remote string) string    { return "a\x00" + remote }

func (l *limiter) allow(name, remote string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count(userKey(name, remote)) < failsOfUser && l.count(addressKey(remote)) < failsOfAddress
}

func (l *limiter) count(key string) int {
	f := l.fails[key]
	if f == nil {
		return 0
	}
	if l.now().Sub(f.last) >= failsForget {
		delete(l.fails, key)
		return 0
	}
	return f.count
}

func (l *limiter) failed(name, remote string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range []string{userKey(name, remote), addressKey(remote)} {
		n := l.count(key)
		if l.fails == nil {
			l.fails = map[string]*fails{}
		}
		if n == 0 && len(l.fails) >= failsTracked {
			l.sweep()
		}
		l.fails[key] = &fails{n + 1, l.now()}
	}
}

// sweep forgets what has run out, or else everything: an attacker with thousands of addresses gets no memory of ours.
func (l *limiter) sweep() {
	for key := range l.fails {
		l.count(key)
	}
	if len(l.fails) >= failsTracked {
		clear(l.fails)
	}
}

func (l *limiter) passed(name, remote string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.fails, userKey(name, remote))
}
