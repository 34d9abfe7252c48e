package demo

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"time"

	"heddle.example/internal/api"
)

// Check does the main job through the web port, as a person with a browser and a new device would, and prints each step.
func (d *Demo) Check(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	c := d.checker(ctx)
	defer c.stop()
	for _, s := range c.steps() {
		start := time.Now()
		note, err := s.do()
		took := time.Since(start).Round(time.Millisecond)
		if err != nil {
			fmt.Fprintf(out, "FAILED  %s: %v  (%v)\n", s.name, err, took)
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if note != "" {
			note = ": " + note
		}
		fmt.Fprintf(out, "ok      %s%s  (%v)\n", s.name, note, took)
	}
	fmt.Fprintln(out, "All works.")
	return nil
}

// checker returns a person with a browser who has not logged in yet.
func (d *Demo) checker(ctx context.Context) *checker {
	jar, _ := cookiejar.New(nil)
	c := &checker{d: d, ctx: ctx, link: d.Link, http: &http.Client{Jar: jar, Timeout: 30 * time.Second}, base: d.Program.URL()}
	if d.Program.Fingerprint != "" { // the demo's own certificate, on this computer
		c.http.Transport = &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	}
	return c
}

type step struct {
	name string
	do   func() (note string, err error)
}

type checker struct {
	d      *Demo
	ctx    context.Context
	http   *http.Client
	base   string
	link   string // logs in
	events *events
	guest  spec
	stops  []func()
}

func (c *checker) stop() {
	for _, f := range c.stops {
		f()
	}
}

// problemError is an answer that is no success.
type problemError struct {
	status int
	detail string
}

func (e *problemError) Error() string { return fmt.Sprintf("%d: %s", e.status, e.detail) }

func (c *checker) call(method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(c.ctx, method, c.base+path, body)
	if err != nil {
		return err
	}
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		var p api.Problem
		json.Unmarshal(b, &p)
		return &problemError{resp.StatusCode, p.Detail}
	}
	switch out := out.(type) {
	case nil:
		return nil
	case *string:
		*out = string(b)
		return nil
	}
	return json.Unmarshal(b, out)
}

// refused expects a status.
func refused(err error, status int) (string, error) {
	var p *problemError
	if !errors.As(err, &p) || p.status != status {
		return "", fmt.Errorf("answer %v, want status %d", err, status)
	}
	return p.detail, nil
}

// operate sends an operation and wants the code.
func (c *checker) operate(method, path string, in any, code string) (*api.OperationResult, error) {
	var r api.OperationResult
	if err := c.call(method, "/api/v1/clients/"+path, in, &r); err != nil {
		return nil, err
	}
	if r.Code != code {
		return nil, fmt.Errorf("the device answered %s %s, want %s", r.Code, r.CodeName, code)
	}
	return &r, nil
}

// waitFor asks again until f has what it wants.
func (c *checker) waitFor(f func() (string, error)) (note string, err error) {
	for {
		if note, err = f(); err == nil {
			return note, nil
		}
		select {
		case <-c.ctx.Done():
			return "", err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// events is a stream of server-sent events.
type events struct {
	lines *bufio.Reader
	body  io.Closer
	seen  []string // data of events that nobody has waited for yet, with their kind before a space
}

func (c *checker) follow(query string) (*events, error) {
	r, err := http.NewRequestWithContext(c.ctx, "GET", c.base+"/api/v1/events?"+query, nil)
	if err != nil {
		return nil, err
	}
	h := *c.http
	h.Timeout = 0
	resp, err := h.Do(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != 200 {
		resp.Body.Close()
		return nil, fmt.Errorf("status %s", resp.Status)
	}
	c.stops = append(c.stops, func() { resp.Body.Close() })
	return &events{lines: bufio.NewReader(resp.Body), body: resp.Body}, nil
}

// wait reads until an event of a kind contains a text, and returns its data.
func (e *events) wait(kind, text string) (string, error) {
	for i, s := range e.seen {
		if k, data, _ := strings.Cut(s, " "); k == kind && strings.Contains(data, text) {
			e.seen = append(e.seen[:i], e.seen[i+1:]...)
			return data, nil
		}
	}
	for k := ""; ; {
		line, err := e.lines.ReadString('\n')
		if err != nil {
			return "", fmt.Errorf("no event %s with %s: %w", kind, text, err)
		}
		line = strings.TrimRight(line, "\n")
		if name, ok := strings.CutPrefix(line, "event: "); ok {
			k = name
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok {
			if k == kind && strings.Contains(data, text) {
				return data, nil
			}
			if len(e.seen) < 1000 {
				e.seen = append(e.seen, k+" "+data)
			}
		}
	}
}
