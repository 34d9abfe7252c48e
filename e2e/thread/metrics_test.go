//go:build peers

package thread

import (
	"strings"
	"time"
)

// Link metrics and locators between the makers.
var _ = story(
	scenario{"LinkMetrics", func(v *virtual, a, b maker) { linkMetrics(v, a, b, ftd) }},
	scenario{"LinkMetricsOfChild", func(v *virtual, a, b maker) { linkMetrics(v, a, b, mtd) }},
	scenario{"Locate", func(v *virtual, a, b maker) {
		one, two := v.node(a, ftd), v.node(b, ftd)
		form(one)
		join(two)
		two.state(90*time.Second, "router")
		want := one.get("ipaddr mleid") + " 0x" + one.get("rloc16")
		prefix := strings.Join(strings.Split(want, ":")[:4], ":")
		if got := two.get("locate %s:0:ff:fe00:fc00", prefix); got != want {
			v.t.Errorf("the leader is at %s, not %s", got, want)
		}
	}},
)

// linkMetrics has a node ask the leader how it hears it, in each of the ways.
func linkMetrics(v *virtual, a, b maker, k kind) {
	subject, initiator := v.node(a, ftd), v.node(b, k)
	form(subject)
	join(initiator)
	if k == ftd {
		initiator.state(90*time.Second, "router")
	} else {
		initiator.state(30*time.Second, "child")
	}
	v.pass(5 * time.Second)
	at := subject.get("ipaddr linklocal")
	says := func(command string, want ...string) {
		v.t.Helper()
		lines, last := initiator.try(20*time.Second, "%s", command)
		got := strings.Join(lines, "\n")
		for _, w := range want {
			if last != "Done" || !strings.Contains(got, w) {
				v.t.Errorf("%v: %s: %q %s, without %q", initiator, command, got, last, w)
			}
		}
	}
	says("linkmetrics request "+at+" single pqmr", " - PDU Counter: 1 (Count/Summation)", " - Margin: 80 (dB)", " - RSSI: -20 (dBm)")
	says("linkmetrics config "+at+" forward 1 dra pqmr", "Status: Success")
	says("linkmetrics config "+at+" forward 1 dra pqmr", "Status: Series ID already registered")
	initiator.ping(at, 8, 3)
	says("linkmetrics request "+at+" forward 1", " - PDU Counter: ", " - Margin: 80 (dB)", " - RSSI: -20 (dBm)")
	says("linkmetrics request "+at+" forward 2", "status: Series ID not recognized")
	says("linkmetrics config "+at+" forward 2 l pr", "Status: Success")
	says("linkmetrics request "+at+" forward 2", "status: No matching series ID")
	initiator.do("linkmetrics probe %s 2 10", at)
	v.pass(time.Second)
	says("linkmetrics request "+at+" forward 2", " - PDU Counter: 1 (Count/Summation)")
	says("linkmetrics config "+at+" forward 1 X", "Status: Success")
	says("linkmetrics config "+at+" forward 1 X", "Status: Series ID not recognized")
	says("linkmetrics config "+at+" enhanced-ack register qm", "Status: Success")
	lines, _ := initiator.try(20*time.Second, "ping %s", at)
	if !strings.Contains(strings.Join(lines, "\n"), "Received Link Metrics data in Enh Ack from neighbor") {
		v.t.Errorf("%v: no metrics in enhanced acks: %q", initiator, lines)
	}
	says("linkmetrics config "+at+" enhanced-ack register qm r", "Status: Other error")
	says("linkmetrics config "+at+" enhanced-ack clear", "Status: Success")
}
