package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"sync"
	"time"
)

// walker walks through the whole system as a person does: at prompts of nodes, and on the pages of the server, whose
// clicks it makes as the REST calls that they are.
type walker struct {
	*checker
	home  *home
	out   *printer
	calm  time.Duration // between two steps, for a person who looks on
	terms map[string]*term

	identity, key     string // of the device at the server
	bsIdentity, bsKey string // and at the bootstrap server
}

// walkStep is one row of the walk.
type walkStep struct {
	name, who string
	do        func(w *walker) error
}

// printer writes what nodes print and what is done to pages, a line at a time and never two at once.
type printer struct {
	mu  sync.Mutex
	out io.Writer
}

func (p *printer) line(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.out, format+"\n", args...)
}

// walk takes all steps, in order. It ends with the first that does not do as it should.
func (w *walker) walk(ctx context.Context, steps []walkStep) error {
	for i, s := range steps {
		w.out.line("\n%d. %s (%s)", i+1, s.name, s.who)
		start := time.Now()
		err := s.do(w)
		took := time.Since(start).Round(10 * time.Millisecond)
		if err != nil {
			w.out.line("FAILED  %s: %v  (%v)", s.name, err, took)
			return fmt.Errorf("%s: %w", s.name, err)
		}
		w.out.line("ok      %s  (%v)", s.name, took)
		if i+1 < len(steps) && !w.wait(ctx, w.calm) {
			return ctx.Err()
		}
	}
	w.out.line("\nAll works.")
	return nil
}

// wait waits, and reports whether ctx goes on.
func (w *walker) wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// hurried does f while the mesh's clock is faster: for whom waits for nothing but the mesh.
func (w *walker) hurried(speed float64, f func() error) error {
	if err := w.home.shown.Hurry(w.ctx, speed); err != nil {
		return err
	}
	return errors.Join(f(), w.home.shown.Hurry(w.ctx, 1))
}

// alone does f at the clock's speed where a person looks on, and faster where nobody does. Nothing outside of the mesh may
// be in it.
func (w *walker) alone(f func() error) error {
	if w.calm > 0 {
		return f()
	}
	return w.hurried(10, f)
}

// commandTime is how long a command of a node may take.
const commandTime = 15 * time.Second

// typed types a line at a node's prompt, as a person who looks on sees it, and checks that each of wants matches a line of
// what it prints.
func (w *walker) typed(node, line string, wants ...string) ([]string, error) {
	t := w.terms[node]
	if t == nil {
		return nil, fmt.Errorf("there is no %s", node)
	}
	if w.calm > 0 && !w.wait(w.ctx, w.calm/4) {
		return nil, w.ctx.Err()
	}
	w.out.line("%s> %s", node, line)
	out, err := t.run(w.ctx, line, commandTime)
	if err != nil {
		return out, err
	}
	return out, match(line, out, wants)
}

// lines types several lines, each of which must end with Done.
func (w *walker) lines(node string, lines ...string) error {
	for _, l := range lines {
		if _, err := w.typed(node, l); err != nil {
			return err
		}
	}
	return nil
}

func match(line string, out, wants []string) error {
	for _, want := range wants {
		re, err := regexp.Compile("^(?:" + want + ")$")
		if err != nil {
			return err
		}
		found := false
		for _, l := range out {
			found = found || re.MatchString(strings.TrimRight(l, " "))
		}
		if !found {
			return fmt.Errorf("%q prints %q, no line like %q", line, strings.Join(out, "\n"), want)
		}
	}
	return nil
}

// until types a line again and again, until what it prints is as wanted. Only the last one is shown.
func (w *walker) until(node, line, want string, limit time.Duration) error {
	t := w.terms[node]
	end := time.Now().Add(limit)
	for {
		t.quiet(true)
		out, err := t.run(w.ctx, line, commandTime)
		t.quiet(false)
		if err == nil {
			err = match(line, out, []string{want})
		}
		if err == nil {
			w.out.line("%s> %s", node, line)
			for _, l := range out {
				w.out.line("%s", l)
			}
			w.out.line("Done")
			return nil
		}
		if time.Now().After(end) {
			return err
		}
		if !w.wait(w.ctx, 200*time.Millisecond) {
			return w.ctx.Err()
		}
	}
}

// prints waits until a node prints lines like those that are wanted, in this order.
func (w *walker) prints(node string, limit time.Duration, wants ...string) error {
	for _, want := range wants {
		re, err := regexp.Compile("^(?:" + want + ")$")
		if err != nil {
			return err
		}
		if _, err := w.terms[node].read(w.ctx, limit, func(l string) bool { return re.MatchString(strings.TrimRight(l, " ")) }); err != nil {
			return fmt.Errorf("waiting for %q: %w", want, err)
		}
	}
	return nil
}

// click does on the page what a person would, which is this REST call.
func (w *walker) click(page, what, method, path string, in, out any) error {
	if w.calm > 0 && !w.wait(w.ctx, w.calm/2) {
		return w.ctx.Err()
	}
	w.out.line("page %q: %s\n        %s %s", page, what, method, path)
	return w.call(method, path, in, out)
}

var errNoSuch = errors.New("it is not there")
