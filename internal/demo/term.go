package demo

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"heddle.example/internal/simulate"
	"heddle.example/internal/topology"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread/shell"
)

// term is a node's prompt for somebody on another goroutine, who waits for what it prints.
type term struct {
	world *topology.World
	node  *network.Node
	name  string
	show  func(line string) // each line as it comes
	seat  *simulate.Seat    // used by the world's owner alone

	mu    sync.Mutex
	mute  bool
	rest  string        // the beginning of a line
	lines []string      // that nobody has waited for yet
	more  chan struct{} // closed when there are more
}

// linesMost bounds what a prompt keeps that nobody reads.
const linesMost = 10_000

// openTerm sits down at a node's prompt.
func openTerm(ctx context.Context, w *topology.World, n *network.Node, name string, config func() shell.Config, show func(line string)) (*term, error) {
	t := &term{world: w, node: n, name: name, show: show, more: make(chan struct{})}
	err := w.Do(ctx, func(net *network.Network) error {
		t.seat = simulate.Sit(net, n, config, t.printed)
		return nil
	})
	return t, err
}

// printed takes what the node prints, on the owner's goroutine.
func (t *term) printed(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rest += text
	for {
		line, rest, whole := strings.Cut(t.rest, "\n")
		if !whole {
			break
		}
		t.rest = rest
		if line = strings.TrimPrefix(line, "> "); strings.TrimSpace(line) == "" {
			continue
		}
		if !t.mute {
			t.show(line)
		}
		if len(t.lines) < linesMost {
			t.lines = append(t.lines, line)
		}
	}
	close(t.more)
	t.more = make(chan struct{})
}

// quiet has lines be kept, but not shown.
func (t *term) quiet(on bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.mute = on
}

// forget drops what was printed and not waited for.
func (t *term) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines, t.rest = nil, ""
}

// enter types a line.
func (t *term) enter(ctx context.Context, line string) error {
	return t.world.Do(ctx, func(*network.Network) error {
		if !t.node.On() {
			return topology.ErrOff
		}
		t.seat.Type(line)
		return nil
	})
}

// errWords is what a command ends with that has failed.
var errWords = regexp.MustCompile(`^Error( [0-9]+)?: `)

// end is the last line of a command's output.
func end(line string) bool { return line == "Done" || errWords.MatchString(line) }

// read returns the lines up to the first one that is wanted, and takes them out.
func (t *term) read(ctx context.Context, limit time.Duration, want func(line string) bool) ([]string, error) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		t.mu.Lock()
		for i, l := range t.lines {
			if want(l) {
				found := t.lines[:i+1]
				t.lines = t.lines[i+1:]
				t.mu.Unlock()
				return found, nil
			}
		}
		more, seen := t.more, strings.Join(t.lines, "\n")
		t.mu.Unlock()
		select {
		case <-more:
		case <-timer.C:
			return nil, fmt.Errorf("%s prints nothing of the kind in %v, but %q", t.name, limit, seen)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// errRefused is a command that ended with an error.
var errRefused = errors.New("refused")

// run types a line, waits for the command's end and returns what it printed before.
func (t *term) run(ctx context.Context, line string, limit time.Duration) ([]string, error) {
	t.forget()
	if err := t.enter(ctx, line); err != nil {
		return nil, fmt.Errorf("%s: %q: %w", t.name, line, err)
	}
	out, err := t.read(ctx, limit, end)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", line, err)
	}
	last := out[len(out)-1]
	if last != "Done" {
		return out, fmt.Errorf("%s: %q ends with %q: %w", t.name, line, last, errRefused)
	}
	return out[:len(out)-1], nil
}
