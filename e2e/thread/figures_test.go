//go:build peers

package thread

import (
	"flag"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
)

var figures = flag.Bool("figures", false, "measure ourselves beside OpenThread (scripts/bench thread)")

// TestFigures measures what a node takes for what people wait for, ours and theirs after one another on one machine, in
// real time, as processes on the simulated radio. With `-args -figures` it is the whole table (scripts/bench thread), without only
// its first row: that it can be measured is what `make test` wants to know, not how long it takes on a busy machine.
func TestFigures(t *testing.T) {
	type row struct {
		name string
		get  func(r *real, m maker) float64
		unit string
		more bool // is better
	}
	rows := []row{
		{"8 nodes in one partition", func(r *real, m maker) float64 { return startAll(r, m, 8) }, "s", false},
		{"32 nodes in one partition", func(r *real, m maker) float64 { return startAll(r, m, 32) }, "s", false},
		{"a joiner, to Join success", joinTime, "s", false},
	}
	lines := map[maker][]*node{}
	ping := func(hops, size int) func(*real, maker) float64 {
		return func(r *real, m maker) float64 {
			if lines[m] == nil {
				lines[m] = lineOf(newReal(t, 0), m, 5)
			}
			return roundTrip(lines[m][0], lines[m][hops], size)
		}
	}
	for _, size := range []int{8, 500} {
		for hops := 1; hops <= 4; hops++ {
			rows = append(rows, row{fmt.Sprintf("ping, %d bytes, %d hops", size, hops), ping(hops, size), "ms", false})
		}
	}
	rows = append(rows, row{"UDP, one hop, 1,000 bytes", func(r *real, m maker) float64 { return udpRate(lines[m][0], lines[m][1]) }, "Mbit/s", true})
	if !*figures {
		rows = rows[:1]
	}
	t.Logf("%-28s %12s %12s %12s", "", "OpenThread", "Heddle", "ours/theirs")
	for _, w := range rows {
		var v [2]float64
		for i, m := range []maker{theirs, ours} {
			r := newReal(t, 0)
			v[i] = w.get(r, m)
			for _, n := range r.nodes {
				n.kill()
			}
		}
		t.Logf("%-28s %9.2f %-3s %8.2f %-6s %6.2f", w.name, v[0], w.unit, v[1], w.unit, v[1]/v[0])
	}
}

// startAll starts n nodes beside a leader at once, and returns after how many seconds all are attached to it.
func startAll(r *real, m maker, n int) float64 {
	form(r.node(m, ftd))
	var rest []*node
	for range n - 1 {
		x := r.node(m, ftd)
		x.all("dataset clear", commonSet, "dataset panid 0xabcd", "dataset channel 15", "dataset extpanid dead00beef00cafe",
			"dataset networkname heddle", "dataset meshlocalprefix fd00:db8::", "dataset activetimestamp 1",
			"dataset securitypolicy 672 onrc", "dataset pskc 3aa55f91ca47d1e4e71a08cb35e91591", "dataset commit active", "ifconfig up")
		rest = append(rest, x)
	}
	began := time.Now()
	for _, x := range rest {
		x.write("thread start")
	}
	for _, x := range rest {
		for {
			if s := x.do("state"); len(s) > 0 && (s[len(s)-1] == "child" || s[len(s)-1] == "router") {
				break
			}
			if time.Since(began) > time.Minute {
				r.t.Fatalf("%v does not attach", x)
			}
			r.pass(5 * time.Millisecond)
		}
	}
	return time.Since(began).Seconds()
}

// joinTime lets a device in by its password and returns after how many seconds it has the network's key. The joiner's
// discovery of all channels is nearly all of it.
func joinTime(r *real, m maker) float64 {
	leader, in := r.node(m, ftd), r.node(m, ftd)
	leader.all("dataset init new", "dataset commit active", "ifconfig up", "thread start")
	leader.state(30*time.Second, "leader")
	leader.do("commissioner start")
	leader.awaits(10*time.Second, "commissioner state", "active")
	leader.do("commissioner joiner add %s J01NME", in.get("eui64"))
	r.pass(time.Second)
	in.do("ifconfig up")
	in.do("joiner start J01NME")
	began := time.Now()
	for !strings.Contains(in.out.String(), "Join success") {
		if time.Since(began) > time.Minute {
			r.t.Fatalf("%v does not join", in)
		}
		r.pass(5 * time.Millisecond)
		in.drain()
	}
	return time.Since(began).Seconds()
}

// lineOf makes a line of routers.
func lineOf(r *real, m maker, n int) []*node {
	var line []*node
	for range n {
		line = append(line, r.node(m, ftd))
	}
	r.line(line...)
	form(line[0])
	for _, x := range line[1:] {
		joins(x, 120*time.Second, "router")
	}
	for _, x := range line[1:] {
		line[0].reach(x.get("ipaddr mleid"), 8, 1, 10)
	}
	return line
}

// roundTrip returns the mean round trip of 20 echo requests in milliseconds. The first is not counted: an address may
// have to be asked for.
func roundTrip(from, to *node, size int) float64 {
	dst := to.get("ipaddr mleid")
	from.reach(dst, size, 1, 10)
	lines, _ := from.try(60*time.Second, "ping %s %d 20 0.2 64 5", dst, size)
	for _, l := range lines {
		if _, after, ok := strings.Cut(l, "min/avg/max = "); ok {
			if f := strings.Split(after, "/"); len(f) == 3 {
				v, _ := strconv.ParseFloat(f[1], 64)
				return v
			}
		}
	}
	from.t.Errorf("%v to %v: %q", from, to, lines)
	return 0
}

// udpRate returns how many million bits per second get from one node to its neighbour in datagrams of 1,000 bytes.
func udpRate(from, to *node) float64 {
	to.do("udp open")
	to.do("udp bind :: 12345")
	from.do("udp open")
	dst := to.get("ipaddr mleid")
	const count = 100
	to.drain()
	to.out.Reset()
	got := func() int { to.drain(); return strings.Count(to.out.String(), "1000 bytes from") }
	began := time.Now()
	sent := 0
	for sent < count && time.Since(began) < 30*time.Second {
		if sent-got() > 8 { // more would only be dropped: the queue is theirs to bound
			from.world.pass(time.Millisecond)
			continue
		}
		if _, last := from.try(5*time.Second, "udp send %s 12345 -s 1000", dst); last == "Done" {
			sent++
		}
	}
	for n, since := got(), time.Now(); n < sent && time.Since(since) < 3*time.Second; n = got() {
		from.world.pass(time.Millisecond)
	}
	return float64(got()) * 8000 / time.Since(began).Seconds() / 1e6
}
