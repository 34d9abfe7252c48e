package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"heddle.example/host"
	"heddle.example/lwm2m/client/words"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// screen collects what the prompt prints.
type screen struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

// take returns what was printed since the last take.
func (s *screen) take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.b.String()
	s.b.Reset()
	return t
}

// waitFor waits until the text was printed, and returns everything up to then.
func (s *screen) waitFor(t *testing.T, text string) string {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		s.mu.Lock()
		there := strings.Contains(s.b.String(), text)
		s.mu.Unlock()
		if there {
			return s.take()
		}
	}
	t.Fatalf("waited in vain for %q in:\n%s", text, s.take())
	return ""
}

// plainServer is a server on the loopback that takes anybody; it returns its port.
func plainServer(t *testing.T) uint16 {
	t.Helper()
	h := host.New(host.Options{})
	sockets, err := h.Listen(0, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := sockets[0].Local().Port()
	s := server.New(server.Config{Rand: h.Rand(), Unknown: server.AcceptUnknown})
	o, err := h.Run(s, host.RunOptions{Sockets: sockets})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.Stop(context.Background()) })
	o.Do(func(now machine.Time) { s.Started(now) })
	return port
}

func newPrompt(t *testing.T, port uint16) (*prompt, *screen) {
	t.Helper()
	s := &screen{}
	p := &prompt{out: s, host: host.New(host.Options{}), options: clientOptions{
		name: "demo", host: "127.0.0.1", port: port, lifetime: 300, version: "1.1", holdOff: 10,
	}}
	t.Cleanup(p.stop)
	return p, s
}

// A conversation at the prompt: what is typed, and what is printed.
func (p *prompt) converse(t *testing.T, s *screen, typed, want string) {
	t.Helper()
	if quit := p.execute(typed); quit {
		t.Fatalf("%s ended the prompt", typed)
	}
	if got := s.take(); got != want {
		t.Errorf("%s printed\n%s\nwant\n%s", typed, got, want)
	}
}

func TestPromptStopped(t *testing.T) {
	p, s := newPrompt(t, 5683)
	for _, w := range []string{"lwstop", "lwlist", "lwchange /3/0/9 5", "lwupdate 123", "lwls", "lwadd", "lwrm", "lwdisp", "lwobs"} {
		p.converse(t, s, w, "Error: LWM2M not started\n")
	}
	p.converse(t, s, "lwchange", "Syntax error! lwchange <URI> [VALUE]\nDone\n")
	p.converse(t, s, "lwupdate", "Syntax error ! lwupdate <SERVER ID>\nDone\n")
	p.converse(t, s, "lwsend", "Syntax error! lwsend <PATH>...\nDone\n")
	p.converse(t, s, "lwsend /3", "Error: LWM2M not started\n")
	p.converse(t, s, "", "")
	p.converse(t, s, "   ", "")
	p.converse(t, s, "lwfly", "Error: InvalidCommand: \"lwfly\"; lwhelp lists the commands\n")
	if !p.execute("exit") {
		t.Error("exit does not end the prompt")
	}
}

func TestPromptStartErrors(t *testing.T) {
	p, s := newPrompt(t, 5683)
	p.converse(t, s, "lwstart -i a -s 123", "Error: Failed to parse Pre-Shared-Key 123\n")
	p.converse(t, s, "lwstart -i a -s 12zz", "Error: Failed to parse Pre-Shared-Key 12zz\n")
	for typed, want := range map[string]string{
		"lwstart -s 00":    "needs an identity",
		"lwstart -i a":     "needs a pre-shared key",
		"lwstart -p 70000": "invalid argument",
		"lwstart -x":       "usage: lwstart",
		"lwstart now":      "usage: lwstart",
		"lwstart -h a/b":   "server URI",
	} {
		p.execute(typed)
		if got := s.take(); !strings.HasPrefix(got, "Error: ") || !strings.Contains(got, want) {
			t.Errorf("%s printed %s, want an error about %q", typed, got, want)
		}
	}
	if p.device != nil {
		t.Error("something was started")
	}
}

func TestPromptRunning(t *testing.T) {
	p, s := newPrompt(t, plainServer(t))
	p.execute("lwstart")
	started := s.waitFor(t, "STATE_READY\n")
	if want := "LWM2M Client \"demo\" started on port 0\n -> State: STATE_REGISTERING\n"; !strings.HasPrefix(started, want) {
		t.Errorf("lwstart printed\n%s\nwant first\n%s", started, want)
	}
	time.Sleep(10 * time.Millisecond)
	s.take()
	p.converse(t, s, "lwstart", "Error: LWM2M already started\n")

	p.execute("lwlist")
	list := regexp.MustCompile(`^No Bootstrap Server\.\nLWM2M Servers:\n - Server ID 123\tstatus: REGISTERED\tlocation: "/rd/[^"/]+"\tLifetime: 300s\nDone\n$`)
	if got := s.take(); !list.MatchString(got) {
		t.Errorf("lwlist printed\n%s", got)
	}

	p.converse(t, s, "lwfw", "State: idle, result: initial\nProtocols: coap http https\nDone\n")
	p.options.objects = nil
	p.converse(t, s, "lwls", "/0/0  \n/1/0  \n/2 \n/3/0  \n/4/0  \n/5/0  \n/6/0  \n/7/0  \n/31024/10  /31024/11  /31024/12  \nDone\n")
	p.converse(t, s, "lwadd", "Adding object 31024 failed: 134\nDone\n")
	p.converse(t, s, "lwrm", "Object 31024 removed.\nDone\n")
	p.converse(t, s, "lwrm", "Removing object 31024 failed: 132\nDone\n")
	p.converse(t, s, "lwadd", "Object 31024 added.\nDone\n")

	p.converse(t, s, "lwchange /3/0/9", "report change!\nDone\n")
	p.converse(t, s, "lwchange /3/0/9 42", "value changed!\nDone\n")
	p.converse(t, s, "lwchange 3/0/14 +02:00", "value changed!\nDone\n")
	p.converse(t, s, "lwchange /3/0/0 Other", "write not supported for specified resource!\nDone\n")
	p.converse(t, s, "lwchange /31024/10/1 256", "Failed to change value!\nDone\n")
	p.converse(t, s, "lwchange /31024/10/1 x", "Failed to change value!\nDone\n")
	p.converse(t, s, "lwchange /9/0/1 1", "Object not found !\nDone\n")
	p.converse(t, s, "lwchange /3/7/1 1", "Object not found !\nDone\n")
	p.converse(t, s, "lwchange /3/x", "Syntax error! lwchange <URI> [VALUE]\nDone\n")
	p.converse(t, s, "lwchange /3/0 5", "Syntax error! lwchange <URI> [VALUE]\nDone\n")

	p.converse(t, s, "lwupdate 9", "Registration update error: 132\nDone\n")
	p.converse(t, s, "lwupdate x", "Syntax error ! lwupdate <SERVER ID>\nDone\n")
	p.converse(t, s, "lwupdate 123", "Done\n")
	p.converse(t, s, "lwobs", "Done\n")

	p.converse(t, s, "lwsend", "Syntax error! lwsend <PATH>...\nDone\n")
	p.converse(t, s, "lwsend /3/x", "Syntax error! lwsend <PATH>...\nDone\n")
	p.converse(t, s, "lwsend /1/0/1 3/0/9", "Send: 2.04 Changed\nDone\n")
	p.converse(t, s, "lwsend /9", "Send failed: lwm2m client: there is no value to send\nDone\n")

	p.execute("lwstop")
	if got := s.take(); got != " -> State: STATE_INITIAL\nDone\n" {
		t.Errorf("lwstop printed %q", got)
	}
	p.converse(t, s, "lwlist", "Error: LWM2M not started\n")
	p.execute("lwstart -n other -t 60")
	s.waitFor(t, "STATE_READY\n")
	p.execute("lwlist")
	if got := s.take(); !strings.Contains(got, "Lifetime: 60s") {
		t.Errorf("lwlist printed\n%s", got)
	}
}

func TestPromptDisplay(t *testing.T) {
	p, s := newPrompt(t, 9)
	p.options.objects = []string{"3303"}
	p.execute("lwstart")
	p.execute("lwchange /3303/0/5700 21.5")
	s.take()
	p.execute("lwdisp")
	got := s.take()
	for _, want := range []string{
		`^  /0: Security object, instances:\n    /0/0: instanceId: 0, uri: coap://127\.0\.0\.1:9, isBootstrap: false, shortId: 123, clientHoldOffTime: 10\n`,
		`\n  /1: Server object, instances:\n    /1/0: instanceId: 0, shortServerId: 123, lifetime: 300, storing: false, binding: U\n  /2: Access Control object, instances:\n`,
		`\n  /3: Device object:\n    time: \d+, time_offset: [+-]\d\d:\d\d\n`,
		`\n  /4: Connectivity Monitoring object:\n    bearer: 41, rssi: -\d+, linkQuality: \d+, linkUtilization: \d+\n`,
		`\n  /6: Location object:\n    latitude: 27\.986065, longitude: 86\.922623, altitude: 8495\.000000, radius: 0\.000000, timestamp: \d+, speed: 0\.000000\n`,
		`\n  /7: Connectivity Statistics object:\n`,
		`\n  /3303: Temperature object, instances:\n    /3303/0: shortId: 0, value: 21\.500000, units: Cel, `,
		`\n  /31024: Test object, instances:\n    /31024/10: shortId: 10, test: 20\n    /31024/11: shortId: 11, test: 21\n    /31024/12: shortId: 12, test: 22\nDone\n$`,
	} {
		if !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("lwdisp printed\n%s\nwithout\n%s", got, want)
		}
	}
}

func TestPromptBootstrap(t *testing.T) {
	p, s := newPrompt(t, 9)
	p.execute("lwstart -b")
	if got, want := s.take(), "LWM2M Client \"demo\" started on port 0\n -> State: STATE_BOOTSTRAPPING\n[BOOTSTRAP] backup security and server objects\nDone\n"; got != want {
		t.Errorf("lwstart printed\n%s\nwant\n%s", got, want)
	}
	p.converse(t, s, "lwlist", "Bootstrap Servers:\n - Security Object ID 0\tHold Off Time: 10 s\tstatus: CLIENT HOLD OFF\nNo LWM2M Server.\nDone\n")
	want := "  /0: Security object, instances:\n    /0/0: instanceId: 0, uri: coap://127.0.0.1:9, isBootstrap: true, shortId: 0, clientHoldOffTime: 10\n  /1: Server object, instances:\n"
	p.converse(t, s, "lwdispb", want+"Done\n")
	p.execute("lwdisp")
	if got := s.take(); !strings.HasPrefix(got, want) {
		t.Errorf("lwdisp printed\n%s", got)
	}
	p.converse(t, s, "lwupdate 123", "Registration update error: 132\nDone\n")
	p.execute("lwstop")
	s.take()
	p.options.holdOff = 0
	p.execute("lwstart -b -i me -s 00ff")
	s.waitFor(t, "[BOOTSTRAP] backup security and server objects\n")
	p.execute("lwlist")
	if got := s.take(); !strings.Contains(got, "status: BOOTSTRAP INITIATED\n") {
		t.Errorf("lwlist printed\n%s", got)
	}
}

// The key is in none of the outputs.
func TestKeyIsNeverPrinted(t *testing.T) {
	const key = "00112233445566778899aabbccddeeff"
	p, s := newPrompt(t, 9)
	p.execute("lwstart -i lamp -s " + key)
	for _, w := range words.Commands {
		if w.Name != "lwstop" {
			p.execute(w.Name)
		}
	}
	p.execute("lwchange /0/0/5 00")
	p.execute("lwchange /0/0/5")
	p.execute("lwstop")
	if got := s.take(); strings.Contains(got, key) || strings.Contains(got, string(must(words.ParseKey(key)))) {
		t.Errorf("the key was printed:\n%s", got)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var stateLine = regexp.MustCompile(`(?m)^ -> State: .*\n`)

func TestClientReadsCommandsFromAFile(t *testing.T) {
	port := plainServer(t)
	name := filepath.Join(t.TempDir(), "commands")
	if err := os.WriteFile(name, []byte("lwchange /3/0/9 42\nlwls\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := &screen{}
	o := clientOptions{name: "demo", host: "127.0.0.1", port: port, lifetime: 300, version: "1.1"}
	if err := runClient(t.Context(), o, f, s); err != nil {
		t.Fatal(err)
	}
	got := stateLine.ReplaceAllString(s.take(), "") // they come when they come
	if !strings.Contains(got, "value changed!\nDone\n") || !strings.Contains(got, "\n/0/0  \n") {
		t.Errorf("it printed\n%s", got)
	}
}

func TestClientRunsOnWithoutInput(t *testing.T) {
	port := plainServer(t)
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := &screen{}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	o := clientOptions{name: "demo", host: "127.0.0.1", port: port, lifetime: 300, version: "1.1"}
	go func() { ended <- runClient(ctx, o, f, s) }()
	s.waitFor(t, "STATE_READY\n")
	select {
	case err := <-ended:
		t.Fatalf("it ended by itself: %v", err)
	default:
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if got := s.take(); !strings.Contains(got, "STATE_INITIAL") {
		t.Errorf("it did not deregister: %q", got)
	}
}

func TestComplete(t *testing.T) {
	for _, c := range []struct{ line, want string }{{"lwst", "lwst"}, {"lwsta", "lwstart "}, {"lwc", "lwchange "}, {"", ""}, {"x", ""}} {
		got, pos, ok := complete(c.line, len(c.line), '\t')
		if c.line == "" { // everything fits: nothing in common but perhaps nothing at all
			continue
		}
		if ok != (c.want != "") || ok && (got != c.want || pos != len(c.want)) {
			t.Errorf("complete(%q) = %q, %d, %v", c.line, got, pos, ok)
		}
	}
	if _, _, ok := complete("lwsta", 5, 'x'); ok {
		t.Error("a letter completes")
	}
}

func TestClientFlags(t *testing.T) {
	for _, c := range []struct {
		o    clientOptions
		want string // URI, or an error
	}{
		{clientOptions{host: "::1"}, "coap://[::1]:5683"},
		{clientOptions{host: "[::1]"}, "coap://[::1]:5683"},
		{clientOptions{host: "192.0.2.1", port: 7}, "coap://192.0.2.1:7"},
		{clientOptions{host: "a-name.example", key: "00ff", identity: "i"}, "coaps://a-name.example:5684"},
		{clientOptions{host: strings.Repeat("long.", 40) + "example"}, "coap://" + strings.Repeat("long.", 40) + "example:5683"},
		{clientOptions{host: "x", bootstrap: true}, "coap://x:5685"},
		{clientOptions{host: "x", bootstrap: true, key: "00", identity: "i"}, "coaps://x:5684"},
		{clientOptions{host: "x", bootstrap: true, port: 5784, key: "00", identity: "i"}, "coaps://x:5784"},
		{clientOptions{host: "x", key: "0", identity: "i"}, "Failed to parse Pre-Shared-Key 0"},
		{clientOptions{host: "x", version: "2.0"}, "--lwm2m 2.0: choose 1.0 or 1.1"},
	} {
		if c.o.version == "" {
			c.o.version = "1.1"
		}
		cfg, err := c.o.config()
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = cfg.Servers[0].URI
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.o.host, got, c.want)
		}
	}
	file := filepath.Join(t.TempDir(), "factory.toml")
	if err := os.WriteFile(file, []byte("[bootstrap]\nuri = \"coap://bs\"\n[[server]]\nid = 1\nuri = \"coap://s\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if cfg, err := (&clientOptions{version: "1.1", factory: file}).config(); err != nil || len(cfg.Servers) != 2 || !cfg.Servers[0].Bootstrap {
		t.Errorf("--factory: %+v, %v", cfg.Servers, err)
	}
	if _, err := (&clientOptions{version: "1.1", factory: file, bootstrap: true}).config(); err == nil {
		t.Error("--factory and -b go together")
	}
	if _, err := (&clientOptions{objects: []string{"3303", "99"}}).kinds(); err == nil || !strings.Contains(err.Error(), strconv.Quote("99")) {
		t.Errorf("object 99: %v", err)
	}
}
