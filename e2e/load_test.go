//go:build peers

package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"heddle.example/e2e/peer"
	"heddle.example/internal/load"
)

var figures = flag.Bool("figures", false, "TestLoadBesideLeshan: a large load, and a table of what it cost")

// loadSize is how much load there is.
type loadSize struct {
	clients, observed, rate, credentials int
	duration, warmUp                     time.Duration
}

var (
	smallLoad = loadSize{clients: 2000, observed: 500, rate: 1000, credentials: 500, duration: time.Second, warmUp: 500 * time.Millisecond}
	largeLoad = loadSize{clients: 20_000, observed: 10_000, rate: 10_000, credentials: 20_000, duration: 4 * time.Second, warmUp: 4 * time.Second}
)

// loaded is a server under load.
type loaded struct {
	name             string
	coap, coaps, web string
	token            string
	pid              int
	end              func() error
}

func loadHeddle(t *testing.T) loaded {
	s := peer.HeddleServer(t)
	return loaded{"Heddle", s.CoAP, s.CoAPS, s.Web, s.Token(), s.Pid(), s.Stop}
}

func loadLeshan(t *testing.T) loaded {
	s := loaded{name: "Leshan", coap: peer.UDPPort(t), coaps: peer.UDPPort(t), web: peer.TCPPort(t)}
	p := peer.Leshan2LoadServer(t, s.coap, s.coaps, s.web)
	s.pid, s.end = p.Pid(), p.Stop
	return s
}

// stop ends a server before the test does.
func (s loaded) stop(t *testing.T) {
	t.Helper()
	if err := s.end(); err != nil {
		t.Logf("%s ended with %v", s.name, err)
	}
}

// run loads a server with `heddle load`.
func (s loaded) run(t *testing.T, secure bool, size loadSize, flags ...string) load.Report {
	t.Helper()
	to := "coap://" + s.coap
	if secure {
		to = "coaps://" + s.coaps
	}
	args := append([]string{"load", "--json", "--server", to, "--rest", "http://" + s.web, "--pid", strconv.Itoa(s.pid), "--clients", strconv.Itoa(size.clients),
		"--duration", size.duration.String(), "--observed", strconv.Itoa(size.observed), "--rate", strconv.Itoa(size.rate), "--token=" + s.token}, flags...)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, peer.Program(t), args...)
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("heddle load of %s: %v\n%s%s", s.name, err, out, errs.String())
	}
	var r load.Report
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("heddle load --json: %v\n%s", err, out)
	}
	return r
}

// answered checks that every operation had its answer.
func (s loaded) answered(t *testing.T, r load.Report) {
	t.Helper()
	for _, p := range r.Phases {
		if p.Operations == 0 || p.Errors > 0 {
			t.Errorf("%s, %s, %s: %d done, %d errors; the first: %s", s.name, r.Server, p.Name, p.Operations, p.Errors, p.FirstError)
		}
		if once := strings.HasSuffix(p.Name, "register"); once && p.Operations != uint64(r.Clients) {
			t.Errorf("%s, %s, %s: %d of %d devices", s.name, r.Server, p.Name, p.Operations, r.Clients)
		}
		// What Heddle received, it tells. What the kernel lost of non-confirmable ones, it cannot.
		if p.Counted != nil && p.Seen < min(*p.Counted, p.Operations) {
			t.Errorf("%s, %s: %d notifications were received, a listener saw %d", r.Server, p.Name, *p.Counted, p.Seen)
		}
	}
	for _, n := range r.Notes {
		t.Logf("%s: %s", s.name, n)
	}
}

// The same load on Heddle and on Leshan, one after the other. Nothing here depends on the time that it takes; with
// `-args -figures` the load is a large one and the result a table (scripts/bench).
func TestLoadBesideLeshan(t *testing.T) {
	size := smallLoad
	if *figures {
		size = largeLoad
	}
	var plain, secure [2]load.Report
	for i, start := range []func(*testing.T) loaded{loadHeddle, loadLeshan} {
		s := start(t)
		warm := size
		warm.duration = size.warmUp
		if *figures {
			s.run(t, false, warm)
		} else {
			s.run(t, false, warm, "--phases", "register,update,deregister")
		}
		plain[i] = s.run(t, false, size)
		s.answered(t, plain[i])
		size := size
		size.clients = size.credentials // Leshan takes them one by one
		if *figures {                   // Leshan remembers every exchange for 247 s: with those of the plain phases its heap would be full
			s.stop(t)
			s = start(t)
			s.run(t, true, size, "--phases", "register,update,deregister", "--prefix", "warm-")
		}
		secure[i] = s.run(t, true, size, "--phases", "register,update,read,deregister")
		s.answered(t, secure[i])
		s.stop(t) // the cores are the other one's now
	}
	if !*figures {
		return
	}
	fmt.Printf("\n%d devices, %d over DTLS; 64 operations under way; %v a phase\n\n", size.clients, size.credentials, size.duration)
	fmt.Println("| | Heddle: a second | p50, p99 ms | server CPU, us | Leshan: a second | p50, p99 ms | server CPU, us | CPU, Leshan/Heddle |")
	fmt.Println("|---|---|---|---|---|---|---|---|")
	compare("plain ", plain)
	compare("DTLS ", secure)
	memory(t)
}

// compare prints a row for each phase.
func compare(what string, of [2]load.Report) {
	cells := func(p load.Phase) string {
		s := fmt.Sprintf("%.0f", p.Rate)
		if p.Counted != nil || p.Seen > 0 {
			s += fmt.Sprintf(", seen %.2f %%", 100*float64(p.Seen)/float64(p.Operations))
		}
		return fmt.Sprintf("%s | %.2f, %.2f | %.1f", s, p.P50, p.P99, p.ServerCPU)
	}
	for i, h := range of[0].Phases {
		l := of[1].Phases[i]
		fmt.Printf("| %s%s | %s | %s | %.1f |\n", what, h.Name, cells(h), cells(l), cmp.Or(l.ServerCPU/h.ServerCPU, 0))
	}
}

// memory prints what idle devices cost, soon after they came, and when the time is over in which an exchange is
// remembered (EXCHANGE_LIFETIME of RFC 7252 section 4.8.2: 247 s).
func memory(t *testing.T) {
	type column struct {
		name   string
		s      loaded
		secure bool
		mb     []float64
	}
	columns := []*column{{name: "Heddle plain", s: loadHeddle(t)}, {name: "Heddle DTLS", s: loadHeddle(t), secure: true}, {name: "Leshan plain", s: loadLeshan(t)}}
	look := func() {
		for _, c := range columns {
			c.mb = append(c.mb, load.Resident(c.s.pid))
		}
	}
	look()
	const devices = 100_000
	for _, n := range []int{devices / 10, devices - devices/10} {
		for _, c := range columns {
			c.s.run(t, c.secure, loadSize{clients: n, duration: time.Second}, "--phases", "register", "--keep", "--prefix", fmt.Sprintf("of-%d-", n))
		}
		time.Sleep(10 * time.Second)
		look()
	}
	time.Sleep(330 * time.Second)
	look()
	fmt.Printf("\n| resident MB | none | 10,000 | 100,000 | 5.5 minutes later | bytes a device |\n|---|---|---|---|---|---|\n")
	for _, c := range columns {
		fmt.Printf("| %s | %.0f | %.0f | %.0f | %.0f | %.0f |\n", c.name, c.mb[0], c.mb[1], c.mb[2], c.mb[3], (c.mb[3]-c.mb[0])*(1<<20)/devices)
	}
}
