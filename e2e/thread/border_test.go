//go:build peers

package thread

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Two border routers of both makers in one mesh on one infrastructure link: they take each other for what they are, agree on
// one prefix for the mesh and one for the link, and the second takes over when the first dies.
func TestBorderRoutersAgree(t *testing.T) {
	for _, first := range []maker{theirs, ours} {
		t.Run(string(first)+" first", func(t *testing.T) {
			t.Parallel()
			r := newReal(t, 20)
			a, b := r.node(first, ftd), r.node(first.other(), ftd)
			form(a)
			a.all("br init 1 1", "br enable", "nat64 enable")
			joins(b, 60*time.Second, "router")
			a.until(60*time.Second, "br omrprefix favored", "prf:low")
			omr := a.get("br omrprefix local")
			// Of two that begin at once the one with the smaller prefix translates.
			b.until(120*time.Second, "netdata show", "::/96 sn low "+a.get("rloc16"))
			b.all("br init 1 1", "br enable", "nat64 enable")
			b.until(60*time.Second, "br routers", "reachable:yes")
			b.until(60*time.Second, "br routers", "(peer BR)")
			a.until(240*time.Second, "br routers", "(peer BR)")
			b.until(60*time.Second, "br omrprefix favored", omr+" prf:low")
			for _, n := range []*node{a, b} {
				n.until(60*time.Second, "br onlinkprefix favored", "fdde:ad00:beef:cafe::/64")
			}
			a.until(60*time.Second, "br peers count", "1 min-age:")
			b.until(60*time.Second, "br peers count", "1 min-age:")
			b.until(60*time.Second, "br prefixtable", "prefix:fdde:ad00:beef:cafe::/64, on-link:yes")
			b.until(60*time.Second, "br prefixtable", "prefix:"+omr+", on-link:no")
			b.until(60*time.Second, "nat64 state", "PrefixManager: Idle")
			// Each publishes the route as long as it sees a reason, and may see it anew: so all at once, but not at one instant.
			until(t, r, 60*time.Second/8, "the prefix of the first and the routes of both", func() bool {
				data := strings.Join(b.do("netdata show"), "\n")
				for _, want := range []string{omr + " paos low " + a.get("rloc16"), "fc00::/7 sa med " + a.get("rloc16"), "fc00::/7 sa med " + b.get("rloc16")} {
					if !strings.Contains(data, want) {
						return false
					}
				}
				return true
			})
			own := b.get("br omrprefix local")
			a.kill()
			b.until(400*time.Second, "netdata show", own+" paos low "+b.get("rloc16"))
			b.until(60*time.Second, "nat64 state", "PrefixManager: Active")
		})
	}
}

// Border routers of two networks on one link: each learns the other mesh's prefix as a route, and both use one prefix for the
// link.
func TestBorderRoutersOfTwoNetworks(t *testing.T) {
	t.Parallel()
	r := newReal(t, 20)
	a, b := r.node(theirs, ftd), r.node(ours, ftd)
	form(a)
	b.all("dataset init new", "dataset channel 20", "dataset extpanid 00aabbccdd00eeff", "dataset commit active", "ifconfig up", "thread start")
	b.state(30*time.Second, "leader")
	// The one with the smaller prefix begins: who begins later uses a prefix that is there, be it larger than its own.
	const smaller = "fd00:aabb:ccdd:eeff::/64"
	for _, n := range []*node{b, a} {
		n.all("br init 1 1", "br enable")
		n.until(120*time.Second, "br onlinkprefix favored", smaller)
	}
	for _, n := range []*node{a, b} {
		o := map[*node]*node{a: b, b: a}[n]
		n.until(60*time.Second, "br prefixtable", "prefix:"+o.get("br omrprefix local")+", on-link:no")
		if l := n.do("br routers"); len(l) != 1 || !strings.Contains(l[0], "(M:0 O:0 S:1)") || strings.Contains(l[0], "peer BR") {
			t.Errorf("%v: %q", n, l)
		}
		if got := n.get("br peers count"); got != "0 min-age:00:00:00" {
			t.Error(n, got)
		}
	}
	// One ends, and takes back what it has said.
	omr := b.get("br omrprefix local")
	b.do("br disable")
	a.until(60*time.Second, "br onlinkprefix favored", "fdde:ad00:beef:cafe::/64")
	a.gone(60*time.Second, "br prefixtable", "prefix:"+omr)
	a.until(10*time.Second, "br prefixtable", "prefix:"+smaller+", on-link:yes")
	b.gone(30*time.Second, "netdata show", omr+" paos") // its context lives on
	b.do("br enable")
	a.until(60*time.Second, "br prefixtable", "prefix:"+omr+", on-link:no")
	omr = a.get("br omrprefix local")
	b.until(60*time.Second, "br prefixtable", "prefix:"+omr+", on-link:no")
	a.do("br disable")
	b.gone(60*time.Second, "br prefixtable", "prefix:"+omr)
}

// gone waits until none of the lines that a command prints has a text in it.
func (n *node) gone(timeout time.Duration, command, text string) {
	n.t.Helper()
	until(n.t, n.world, timeout/8, fmt.Sprintf("%v: no %q in the answer to %s", n, text, command), func() bool {
		return !strings.Contains(strings.Join(n.do("%s", command), "\n"), text)
	})
}

// until waits until one of the lines that a command prints has a text in it.
func (n *node) until(timeout time.Duration, command, text string) {
	n.t.Helper()
	until(n.t, n.world, timeout/8, fmt.Sprintf("%v: %q in the answer to %s", n, text, command), func() bool {
		l, _ := n.try(20*time.Second, "%s", command)
		return strings.Contains(strings.Join(l, "\n"), text)
	})
}
