//go:build peers

package thread

import (
	"os/exec"
	"strconv"
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
	return &real{t: t, dir: t.TempDir(), offset: nextOffset(), speed: speed, began: time.Now()}
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
				join(n)
				n.state(30*time.Second, "child", "router")
				n.state(120*time.Second, "router")
			}
			for _, size := range []int{8, 500, 1200} {
				line[0].reach(line[3].get("ipaddr mleid"), size, 2, 5)
				line[3].reach(line[0].get("ipaddr mleid"), size, 2, 5)
			}
		})
	}
}
