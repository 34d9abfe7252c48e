package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/internal/backup"
)

// killFor is how long TestKill9 goes on; longer in a soak: go test ./internal/serve -run Kill9 -kill-for 10m.
var killFor = flag.Duration("kill-for", 5*time.Second, "how long TestKill9 goes on")

const killVariable = "HEDDLE_SERVE_TEST_CHILD"

func TestMain(m *testing.M) {
	if s := os.Getenv(killVariable); s != "" {
		var c Config
		if err := json.Unmarshal([]byte(s), &c); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		if _, err := Start(c); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("ready")
		select {} // until it is killed
	}
	os.Exit(m.Run())
}

// promises is what the server has acknowledged, in all its lives.
type promises struct {
	mu          sync.Mutex
	credentials map[string]bool
	bootstraps  map[string]bool // configurations, each with credentials on the server of the same program
	notes       map[string]bool
	locations   map[string]string // of registrations
	operations  []string          // queued
	values      []int             // acknowledged notifications
	sent        []int             // acknowledged values of Sends
	backups     int
	next        int
}

func (p *promises) number() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next++
	return p.next
}

func (p *promises) keep(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

// victim is a server that is killed again and again.
type victim struct {
	t      *testing.T
	config Config
	addr   net.Addr
	cmd    *exec.Cmd
	admin  *http.Client
}

// live starts the server, and returns when it answers.
func (v *victim) live() {
	v.t.Helper()
	b, _ := json.Marshal(v.config)
	v.cmd = exec.Command(os.Args[0])
	v.cmd.Env = append(os.Environ(), killVariable+"="+string(b))
	out, err := v.cmd.StdoutPipe()
	if err != nil {
		v.t.Fatal(err)
	}
	if err := v.cmd.Start(); err != nil {
		v.t.Fatal(err)
	}
	line := make([]byte, 512)
	if n, _ := out.Read(line); string(line[:n]) != "ready\n" {
		v.t.Fatalf("the server does not start: %s", line[:n])
	}
	c, _, err := Admin(v.config.Data)
	if err != nil {
		v.t.Fatal(err)
	}
	v.admin = c
}

func (v *victim) kill() {
	v.cmd.Process.Kill()
	v.cmd.Wait()
}

// ask makes a request; an error is that of a server that has just died.
func (v *victim) ask(ctx context.Context, method, path, body string, out any) (int, error) {
	r, err := http.NewRequestWithContext(ctx, method, "http://localhost/api/v1"+path, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := v.admin.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	if out != nil && resp.StatusCode < 300 {
		if err := json.Unmarshal(b, out); err != nil {
			return 0, err
		}
	}
	return resp.StatusCode, nil
}

// TestKill9 kills a server under load at random moments and starts it again. Whatever it has acknowledged to anyone, in any
// of its lives, is there: credentials, notes, registrations, queued requests, and each value of the history.
func TestKill9(t *testing.T) {
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := socket.LocalAddr()
	socket.Close()
	v := &victim{t: t, addr: addr, config: Config{CoAP: []string{addr.String()}, Web: []string{"127.0.0.1:0"}, Data: t.TempDir(), Version: "test", Bootstrap: true, BootstrapCoAP: []string{"127.0.0.1:0"}}}
	p := &promises{credentials: map[string]bool{}, bootstraps: map[string]bool{}, notes: map[string]bool{}, locations: map[string]string{}}
	m := newMeter(t, addr, p)
	defer m.conn.Close()
	rounds := 0
	// A busy computer needs more rounds until there was a load worth the name.
	for end := time.Now().Add(*killFor); rounds < 3 || time.Now().Before(end) || p.few() && rounds < 30; rounds++ {
		v.live()
		if rounds == 0 {
			m.register()
		}
		p.check(t, v)
		if t.Failed() {
			v.kill()
			break
		}
		ctx, cancel := context.WithCancel(t.Context())
		var load sync.WaitGroup
		for _, work := range []func(context.Context){
			func(ctx context.Context) { p.addCredentials(ctx, v) },
			func(ctx context.Context) { p.addBootstraps(ctx, v) },
			func(ctx context.Context) { p.addNotes(ctx, v) },
			func(ctx context.Context) { p.addRegistrations(ctx, t, v) },
			func(ctx context.Context) { p.makeBackups(ctx, t, v) },
			func(ctx context.Context) { m.notify(ctx) },
		} {
			load.Go(func() { work(ctx) })
		}
		if rounds == 0 {
			if code, err := v.ask(t.Context(), "POST", "/clients/meter/observations", `{"path":"/3303/0/5700"}`, nil); err != nil || code >= 300 {
				t.Fatalf("observe: %d, %v", code, err)
			}
		}
		time.Sleep(time.Duration(100+rand.IntN(500)) * time.Millisecond)
		v.kill()
		cancel()
		load.Wait()
	}
	v.live()
	p.check(t, v)
	v.kill()
	t.Logf("%d kills; %d credentials, %d bootstrap configurations, %d notes, %d registrations, %d queued requests, %d values and %d Sends acknowledged; %d whole backups",
		rounds, len(p.credentials), len(p.bootstraps), len(p.notes), len(p.locations), len(p.operations), len(p.values), len(p.sent), p.backups)
	if p.few() {
		t.Error("there was too little load to see anything")
	}
}

func (p *promises) addCredentials(ctx context.Context, v *victim) {
	for ctx.Err() == nil {
		name := fmt.Sprint("c", p.number())
		if code, err := v.ask(ctx, "PUT", "/credentials/"+name, `{"identity":"`+name+`","key":"00112233445566778899aabbccddeeff"}`, nil); err == nil && code == 201 {
			p.keep(func() { p.credentials[name] = true })
		}
	}
}

func (p *promises) addBootstraps(ctx context.Context, v *victim) {
	for ctx.Err() == nil {
		name := fmt.Sprint("b", p.number())
		if code, err := v.ask(ctx, "PUT", "/bootstrap/configurations/"+name, `{"account":{"mode":"none"},"servers":[{"uri":"coaps://lwm2m.example","local":true,"mode":"psk","identity":"`+name+`","generateKey":true,"shortServerId":1,"lifetime":300}]}`, nil); err == nil && code == 201 {
			p.keep(func() { p.bootstraps[name] = true })
		}
	}
}

func (p *promises) addNotes(ctx context.Context, v *victim) {
	for ctx.Err() == nil {
		name := fmt.Sprint("n", p.number())
		if code, err := v.ask(ctx, "PUT", "/clients/"+name+"/notes", `{"note":"x","tags":["killed"]}`, nil); err == nil && code == 200 {
			p.keep(func() { p.notes[name] = true })
		}
	}
}

// makeBackups makes one after the other: those that came to their end are whole, the others are seen to be not.
func (p *promises) makeBackups(ctx context.Context, t *testing.T, v *victim) {
	for ctx.Err() == nil {
		r, _ := http.NewRequestWithContext(ctx, "GET", "http://localhost/api/v1/backup", nil)
		resp, err := v.admin.Do(r)
		if err != nil {
			return
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		_, bad := backup.Verify(bytes.NewReader(b))
		switch {
		case err == nil && resp.StatusCode == 200 && bad != nil:
			t.Errorf("a backup that ended well is not whole: %v", bad)
		case err == nil && resp.StatusCode == 200:
			p.keep(func() { p.backups++ })
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// few reports whether too little was acknowledged to see anything.
func (p *promises) few() (few bool) {
	p.keep(func() {
		few = len(p.credentials) < 10 || len(p.bootstraps) < 10 || len(p.notes) < 10 || len(p.locations) < 10 || len(p.operations) < 10 || len(p.values) < 100 || len(p.sent) < 10 || p.backups == 0
	})
	return few
}

// addRegistrations registers devices that do not answer, and queues a request for each.
func (p *promises) addRegistrations(ctx context.Context, t *testing.T, v *victim) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	var asked sync.WaitGroup
	defer asked.Wait()
	asking := make(chan bool, 16)
	for ctx.Err() == nil {
		n := p.number()
		name := fmt.Sprint("d", n)
		q := coap.Message{Type: coap.CON, Code: coap.POST, ID: uint16(n), Token: coap.NewToken([]byte(name)), Payload: []byte(`</1/0>,</3/0>`)}
		for _, s := range []string{"lwm2m=1.1", "ep=" + name, "lt=86400", "b=U", "Q"} {
			q.Options = q.Options.AddQuery(s)
		}
		q.Options = append(coap.Options{}.AppendPath("/rd").SetFormat(coap.LinkFormat), q.Options...)
		slices.SortStableFunc(q.Options, func(a, b coap.Option) int { return int(a.Number) - int(b.Number) })
		b, err := q.Append(nil)
		if err != nil {
			t.Error(err)
			return
		}
		conn.WriteTo(b, v.addr)
		location := ""
		receive(conn, 200*time.Millisecond, func(m *coap.Message) bool {
			if m.Token == q.Token && m.Code == coap.Created {
				location = m.Options.Location()
				return true
			}
			return false
		})
		if location == "" {
			continue
		}
		p.keep(func() { p.locations[name] = location })
		asked.Go(func() {
			asking <- true
			defer func() { <-asking }()
			var kept struct{ ID string }
			code, err := v.ask(ctx, "POST", "/clients/"+name+"/operations", `{"op":"write","path":"/3/0/14","value":"+01","queue":"auto","timeout":0.1,"expires":86400}`, &kept)
			if err == nil && code == 202 && kept.ID != "" {
				p.keep(func() { p.operations = append(p.operations, kept.ID) })
			}
		})
	}
}

// receive calls f with what arrives until it says that this was it, or the time is over.
func receive(conn net.PacketConn, most time.Duration, f func(*coap.Message) bool) {
	b := make([]byte, 2048)
	conn.SetReadDeadline(time.Now().Add(most))
	for {
		n, _, err := conn.ReadFrom(b)
		if err != nil {
			return
		}
		var m coap.Message
		if m.Decode(b[:n]) == nil && f(&m) {
			return
		}
	}
}

// meter is a device that sends a number, one higher each time, in confirmable notifications.
type meter struct {
	t     *testing.T
	conn  net.PacketConn
	to    net.Addr
	p     *promises
	token coap.Token
	value int
}

func newMeter(t *testing.T, to net.Addr, p *promises) *meter {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return &meter{t: t, conn: conn, to: to, p: p}
}

func (m *meter) send(q coap.Message) {
	b, err := q.Append(nil)
	if err != nil {
		m.t.Error(err)
	}
	m.conn.WriteTo(b, m.to)
}

func (m *meter) register() {
	q := coap.Message{Type: coap.CON, Code: coap.POST, ID: 1, Payload: []byte(`</3303/0>`),
		Options: coap.Options{}.AppendPath("/rd").SetFormat(coap.LinkFormat).AddQuery("lwm2m=1.1").AddQuery("ep=meter").AddQuery("lt=86400")}
	m.send(q)
	receive(m.conn, 5*time.Second, func(r *coap.Message) bool {
		if r.Code == coap.Created {
			m.p.keep(func() { m.p.locations["meter"] = r.Options.Location() })
		}
		return r.Code == coap.Created
	})
}

// notify sends values, a few at a time, as long as somebody answers. What was not acknowledged when the server died was not
// promised, and is not sent again.
func (m *meter) notify(ctx context.Context) {
	waiting, sends := map[uint16]int{}, map[uint16]int{}
	for ctx.Err() == nil {
		for m.token != (coap.Token{}) && len(waiting) < 20 {
			m.value++
			id := uint16(m.value)
			waiting[id] = m.value
			m.send(coap.Message{Type: coap.CON, Code: coap.Content, ID: id, Token: m.token,
				Options: coap.Options{}.AddUint(coap.Observe, uint32(m.value)).SetFormat(coap.Text), Payload: fmt.Append(nil, m.value)})
		}
		// And a Send beside them, with the time of the device.
		sentID, sentAt := uint16(m.value)^0x8000, m.value
		sends[sentID] = sentAt
		m.send(coap.Message{Type: coap.CON, Code: coap.POST, ID: sentID, Token: coap.NewToken([]byte{9, byte(sentID)}), Options: coap.Options{}.AppendPath("/dp").SetFormat(coap.SenMLJSON),
			Payload: fmt.Appendf(nil, `[{"bn":"/3303/0/","n":"5601","bt":%d,"v":%d}]`, 1_790_000_000+sentAt, sentAt)})
		before := len(waiting)
		receive(m.conn, 100*time.Millisecond, func(r *coap.Message) bool {
			switch n, known := waiting[r.ID]; {
			case r.Code == coap.GET:
				m.token = r.Token
				m.send(coap.Message{Type: coap.ACK, Code: coap.Content, ID: r.ID, Token: r.Token,
					Options: coap.Options{}.AddUint(coap.Observe, 0).SetFormat(coap.Text), Payload: []byte("0")})
			case r.Type == coap.ACK && r.Code == coap.Empty && known:
				delete(waiting, r.ID)
				m.p.keep(func() { m.p.values = append(m.p.values, n) })
			case r.Code == coap.Changed && sends[r.ID] != 0:
				m.p.keep(func() { m.p.sent = append(m.p.sent, sends[r.ID]) })
				delete(sends, r.ID)
			case r.Type == coap.RST && known:
				m.t.Errorf("value %d was rejected", n)
			}
			return len(waiting) < 10
		})
		if len(waiting) == before { // nobody answers: the server is dead, or it sleeps
			clear(waiting)
		}
	}
}

// check looks for all that was promised.
func (p *promises) check(t *testing.T, v *victim) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	ctx := t.Context()
	ask := func(path string, out any) {
		t.Helper()
		if code, err := v.ask(ctx, "GET", path, "", out); err != nil || code != 200 {
			t.Fatalf("%s: %d, %v", path, code, err)
		}
	}
	there := map[string]string{}
	each := func(path string, take func(item map[string]any)) {
		after := ""
		for {
			var page struct {
				Items []map[string]any
				Next  string
			}
			ask(path+"?limit=1000&after="+after, &page)
			for _, i := range page.Items {
				take(i)
			}
			if after = page.Next; after == "" {
				return
			}
		}
	}
	each("/credentials", func(i map[string]any) { there["c "+i["endpoint"].(string)] = "" })
	each("/bootstrap/configurations", func(i map[string]any) { there["b "+i["endpoint"].(string)] = "" })
	each("/clients", func(i map[string]any) { there["r "+i["endpoint"].(string)] = "/rd/" + i["id"].(string) })
	for after := ""; ; {
		var page struct {
			Items []string
			Next  string
		}
		ask("/tags/killed?limit=1000&after="+after, &page)
		for _, n := range page.Items {
			there["n "+n] = ""
		}
		if after = page.Next; after == "" {
			break
		}
	}
	for name := range p.credentials {
		if _, ok := there["c "+name]; !ok {
			t.Errorf("credential %s was acknowledged and is gone", name)
		}
	}
	for name := range p.bootstraps {
		_, configured := there["b "+name]
		if _, known := there["c "+name]; !configured || !known {
			t.Errorf("the bootstrap configuration of %s was acknowledged; it is there: %v; the device's credentials are: %v", name, configured, known)
		}
	}
	for name := range p.notes {
		if _, ok := there["n "+name]; !ok {
			t.Errorf("the note of %s was acknowledged and is gone", name)
		}
	}
	for name, location := range p.locations {
		if got := there["r "+name]; got != location {
			t.Errorf("%s was told %s, and is %q now", name, location, got)
		}
	}
	for _, id := range p.operations[max(0, len(p.operations)-300):] {
		var o struct{ Status string }
		if ask("/operations/"+id, &o); o.Status == "" {
			t.Errorf("operation %s was acknowledged and is gone", id)
		}
	}
	if len(p.values) == 0 {
		return
	}
	p.look(t, ask, "5700", p.values)
	p.look(t, ask, "5601", p.sent)
}

// look looks for values in the history of the meter.
func (p *promises) look(t *testing.T, ask func(string, any), resource string, values []int) {
	t.Helper()
	kept := map[int]bool{}
	for after := ""; ; {
		var page struct {
			Points []struct{ Value float64 }
			Next   string
		}
		ask("/clients/meter/history/3303/0/"+resource+"?limit=10000&after="+after, &page)
		for _, pt := range page.Points {
			kept[int(pt.Value)] = true
		}
		if after = page.Next; after == "" {
			break
		}
	}
	lost := 0
	for _, n := range values {
		if !kept[n] {
			lost++
		}
	}
	if lost > 0 {
		t.Errorf("%d of %d values of %s were acknowledged and are gone", lost, len(values), resource)
	}
}
