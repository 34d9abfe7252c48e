//go:build peers

package thread

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// real is the world in which the nodes' clocks are the computer's: nodes that talk over UDP on the loopback interface.
type real struct {
	t      testing.TB
	dir    string
	offset int
	speed  int // of the nodes' time; 0: 1
	began  time.Time
	nodes  []*node
}

func newReal(t testing.TB, speed int) *real {
	return &real{t: t, dir: t.TempDir(), offset: nextOffset(t), speed: speed, began: time.Now()}
}

func (r *real) typed(*node)          {}
func (r *real) before(*node)         {}
func (r *real) pass(d time.Duration) { time.Sleep(min(d, 2*time.Millisecond)) }
func (r *real) now() time.Duration   { return time.Since(r.began) }

func (r *real) program(t testing.TB, m maker, k kind, id int) *exec.Cmd {
	args := []string{strconv.Itoa(id)}
	if r.speed > 1 {
		args = append([]string{"--time-speed=" + strconv.Itoa(r.speed)}, args...)
	}
	if m == theirs { // their log goes to a file, as ours does not come at all
		args = append([]string{"-l", r.dir + "/log." + strconv.Itoa(id)}, args...)
	}
	return program(t, "real", m, k, args...)
}

// node starts a node.
func (r *real) node(m maker, k kind) *node {
	r.t.Helper()
	n := start(r.t, r, r.dir, m, k, len(r.nodes)+1, "PORT_OFFSET="+strconv.Itoa(r.offset))
	r.nodes = append(r.nodes, n)
	return n
}

// line has each node hear its neighbours in a line only.
func (r *real) line(nodes ...*node) {
	for i, n := range nodes {
		n.do("macfilter addr allowlist")
		for j, o := range nodes {
			if j == i-1 || j == i+1 {
				n.do("macfilter addr add %s", o.get("extaddr"))
			}
		}
	}
}

// A line of four nodes of alternating makers in real time, and forty times as fast: pings of all sizes pass it.
func TestRealTimeLine(t *testing.T) {
	for _, speed := range []int{1, 40} {
		t.Run(strconv.Itoa(speed), func(t *testing.T) {
			r := newReal(t, speed)
			var line []*node
			for i := range 4 {
				line = append(line, r.node([]maker{ours, theirs}[i%2], ftd))
			}
			r.line(line...)
			form(line[0])
			for _, n := range line[1:] {
				joins(n, 30*time.Second, "child", "router")
				n.state(120*time.Second, "router")
			}
			for _, size := range []int{8, 500, 1200} {
				// At speed 40 an acknowledgement must be there within 0.4 ms of real time: on a busy computer some are not.
				line[0].reach(line[3].get("ipaddr mleid"), size, 1, 40)
				line[3].reach(line[0].get("ipaddr mleid"), size, 1, 40)
			}
		})
	}
}

// Side by side in real time, and faster: form, attach as router and as a sleepy child, ping, be deaf to each other, reset.
func TestSideBySide(t *testing.T) {
	for _, speed := range []int{1, 4} {
		for _, a := range []maker{ours, theirs} {
			t.Run(fmt.Sprintf("%sFirst/speed%d", a, speed), func(t *testing.T) {
				r := newReal(t, speed)
				b := a.other()
				leader, router, sleepy := r.node(a, ftd), r.node(b, ftd), r.node(b, mtd)
				withRouter(leader, router)
				sleepy.all("mode -", "pollperiod 300")
				joins(sleepy, 60*time.Second, "child")
				leader.reach(router.get("ipaddr mleid"), 8, 3, 5)
				leader.reach(router.get("ipaddr mleid"), 1000, 2, 5)
				leader.reach(sleepy.get("ipaddr mleid"), 100, 2, 5)
				sleepy.reach(leader.get("ipaddr mleid"), 500, 2, 5)

				rloc := router.get("rloc16")
				router.reset("reset")
				router.all("ifconfig up", "thread start")
				router.state(60*time.Second, "router")
				if now := router.get("rloc16"); now != rloc {
					t.Errorf("%v had %s, now %s", router, rloc, now)
				}
				leader.reach(router.get("ipaddr mleid"), 8, 2, 10)

				if a == ours { // theirs of this version knows the filter by an older name
					leader.do("nodeidfilter deny-list %d", router.id)
					lines, _ := leader.try(30*time.Second, "ping %s 8 2 1 64 1", router.get("ipaddr linklocal"))
					if !strings.Contains(strings.Join(lines, "\n"), "2 packets transmitted, 0 packets received") {
						t.Errorf("a ping through the filter: %q", lines)
					}
					leader.do("nodeidfilter clear")
				}
			})
		}
	}
}
