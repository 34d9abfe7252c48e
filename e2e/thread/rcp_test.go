//go:build peers

package thread

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"heddle.example/e2e/peer"
)

// clock is the real world: time passes by itself. Its nodes of ours have OpenThread's ot-rcp for a radio.
type clock struct {
	t      testing.TB
	began  time.Time
	offset int
}

func (c *clock) typed(*node)          {}
func (c *clock) before(*node)         {}
func (c *clock) pass(d time.Duration) { time.Sleep(min(d, 50*time.Millisecond)) }
func (c *clock) now() time.Duration   { return time.Since(c.began) }

func (c *clock) program(t testing.TB, m maker, k kind, id int) *exec.Cmd {
	if m == theirs {
		return program(t, "real", m, k, strconv.Itoa(id))
	}
	rcp := openThread(t, "real", "ot-rcp")
	return exec.Command(peer.Program(t), "node", "--radio", "spinel+hdlc+forkpty://"+rcp+"?forkpty-arg="+strconv.Itoa(id), strconv.Itoa(id))
}

// A node of ours on a real radio co-processor, beside a node of theirs: each forms a network that the other joins, long
// datagrams cross in both directions, a reset node comes back, and so does a sleepy child.
func TestRadioCoProcessor(t *testing.T) {
	for _, first := range []maker{ours, theirs} {
		t.Run(string(first)+"First", func(t *testing.T) {
			c := &clock{t, time.Now(), nextOffset(t)}
			dir := t.TempDir()
			env := "PORT_OFFSET=" + strconv.Itoa(c.offset)
			a := start(t, c, dir, first, ftd, 1, env)
			form(a)
			b := start(t, c, dir, first.other(), ftd, 2, env)
			joins(b, 30*time.Second, "child", "router")
			a.reach(b.get("ipaddr mleid"), 8, 3, 2)
			b.state(60*time.Second, "router")
			a.reach(b.get("ipaddr mleid"), 1000, 2, 2)
			b.reach(a.get("ipaddr mleid"), 1000, 2, 2)
			b.reset("reset")
			b.all("ifconfig up", "thread start")
			b.state(30*time.Second, "router")
			a.reach(b.get("ipaddr mleid"), 8, 1, 3)
			b.do("pollperiod 200")
			b.do("mode -")
			b.state(30*time.Second, "child")
			a.reach(b.get("ipaddr mleid"), 100, 3, 2)
			for _, n := range []*node{a, b} {
				if n.maker == ours {
					lines := strings.Join(n.do("counters mac"), "\n")
					if strings.Contains(lines, "RxErrSec: 1") {
						t.Errorf("frames that do not open:\n%s", lines)
					}
				}
			}
		})
	}
}
