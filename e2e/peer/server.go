package peer

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Server is a `heddle server` with its own data directory, reached through its REST interface.
type Server struct {
	*Process
	CoAP, CoAPS, Web string // host:port
	Data             string

	t     testing.TB
	flags []string
	token string
}

// HeddleServer starts a server on free ports of the loopback.
func HeddleServer(t testing.TB, flags ...string) *Server {
	t.Helper()
	s := &Server{t: t, CoAP: UDPPort(t), CoAPS: UDPPort(t), Web: TCPPort(t), Data: filepath.Join(t.TempDir(), "data"), flags: flags}
	s.Start()
	ctx, cancel := context.WithTimeout(context.Background(), Timeout)
	defer cancel()
	out, err := exec.CommandContext(ctx, Program(t), "token", "create", "--scope", "admin", "--name", "e2e", "--data", s.Data).CombinedOutput()
	if err != nil {
		t.Fatalf("heddle token create: %v\n%s", err, out)
	}
	s.token = strings.TrimSpace(string(out))
	return s
}

// Start starts the server, again after it was killed or stopped, on the same ports and data.
func (s *Server) Start() {
	s.t.Helper()
	args := append([]string{"server", "--coap", s.CoAP, "--coaps", s.CoAPS, "--web", s.Web, "--data", s.Data}, s.flags...)
	s.Process = Heddle(s.t, args...)
	s.ExpectLine("Ready.")
}

// Token is an API token with all rights.
func (s *Server) Token() string { return s.token }

// Answer is what a REST call brought.
type Answer struct {
	Status int
	Body   Event // a JSON object, for its Field
	Raw    string
}

// REST calls the interface; in is nil, or what becomes the JSON of the body.
func (s *Server) REST(method, path string, in any) Answer {
	s.t.Helper()
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			s.t.Fatal(err)
		}
		body = bytes.NewReader(b)
	}
	ctx, cancel := context.WithTimeout(context.Background(), Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, "http://"+s.Web+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.token)
	if in != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	a := Answer{Status: resp.StatusCode, Raw: string(raw)}
	json.Unmarshal(raw, &a.Body) // the body of 204, and a list, stay out of it
	return a
}

// Credentials stores a pre-shared key.
func (s *Server) Credentials(endpoint, identity, key string) {
	s.t.Helper()
	a := s.REST("PUT", "/api/v1/credentials/"+endpoint, map[string]any{"mode": "psk", "identity": identity, "key": key})
	if a.Status/100 != 2 {
		s.t.Fatalf("credentials of %s: %d %s", endpoint, a.Status, a.Raw)
	}
}

// Operate carries out an operation on a device; more are further fields of the request.
func (s *Server) Operate(endpoint, op, path string, more map[string]any) Answer {
	s.t.Helper()
	in := map[string]any{"op": op, "path": path}
	for k, v := range more {
		in[k] = v
	}
	return s.REST("POST", "/api/v1/clients/"+endpoint+"/operations", in)
}

// Read reads a resource and returns its value as text.
func (s *Server) Read(endpoint, path string) string {
	s.t.Helper()
	a := s.Operate(endpoint, "read", path, nil)
	if a.Status != http.StatusOK {
		s.t.Fatalf("read %s of %s: %d %s", path, endpoint, a.Status, a.Raw)
	}
	return a.Body.Field("value")
}

// Await repeats a look at the REST interface until it reports true.
func (s *Server) Await(what string, look func() bool) {
	s.t.Helper()
	for end := time.Now().Add(Timeout); !look(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			s.t.Fatalf("%s: it never comes; the server's output:\n%s", what, s.Output())
		}
	}
}

// AwaitClient waits until a device is registered, and returns its row.
func (s *Server) AwaitClient(endpoint string) Answer {
	s.t.Helper()
	var a Answer
	s.Await(endpoint+" registers", func() bool {
		a = s.REST("GET", "/api/v1/clients/"+endpoint, nil)
		return a.Status == http.StatusOK
	})
	return a
}
