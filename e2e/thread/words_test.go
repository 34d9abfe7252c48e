//go:build peers

package thread

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

// words are commands whose answers have the same words in the same order, whoever made the node.
var words = []string{
	"router table", "router list", "router 63", "router 0xfc00", "router", "router foo", "neighbor table", "neighbor list",
	"neighbor linkquality", "neighbor conntime", "neighbor conntime list", "neighbor", "child table", "child list", "child 1", "child 2",
	"child 511", "child", "childip", "childip max", "childip max 99", "childmax", "childmax 0", "childmax 9999", "parent",
	"leaderdata", "leaderweight", "leaderweight 300", "nexthop", "nexthop 0xfc00", "counters", "counters mle", "counters mac", "counters ip",
	"counters br", "routeridrange", "routeridrange 5 3", "singleton", "routereligible", "routerselectionjitter",
	"routerselectionjitter 0", "routerupgradethreshold", "routerdowngradethreshold", "networkidtimeout", "partitionid",
	"partitionid preferred", "parentpriority", "parentpriority 3", "childrouterlinks", "preferrouterid 70", "releaserouterid 70",
	"releaserouterid", "childtimeout", "childsupervision interval", "childsupervision checktimeout", "childsupervision failcounter",
	"mleadvimax", "state", "state foo", "rloc16", "extaddr", "eui64", "mode", "mode xyz", "panid", "extpanid", "channel", "channel preferred",
	"channel supported", "networkname", "networkkey", "ipaddr", "ipaddr -v", "ipaddr linklocal", "ipaddr mleid", "ipaddr rloc", "ipmaddr",
	"ipmaddr -v", "ipmaddr promiscuous", "ipmaddr llatn", "ipmaddr rlatn", "thread version", "version api", "pollperiod",
	"keysequence counter", "keysequence guardtime", "macfilter", "macfilter addr", "macfilter rss", "bufferinfo", "txpower", "ccathreshold",
	"region", "promiscuous", "domainname", "dataset active", "dataset active -x", "dataset pending", "dataset", "netdata show",
	"netdata show -x", "netdata length", "netdata maxlength", "netdata full", "netdata show local", "prefix", "route", "service", "prefix meshlocal",
	"eidcache", "contextreusedelay", "unsecureport get", "rcp version", "log level", "uptime ms x", "attachtime x", "csl",
	"joinerport", "pskc", "discover xyz", "scan xyz", "ping xyz", "udp", "udp bind", "vendor name", "vendor model", "vendor swversion",
	"vendor appurl", "meshdiag", "networkdiagnostic", "deviceprops", "timeinqueue", "foo", "", "ifconfig",
	"mac retries direct", "mac retries indirect", "mac altshortaddr", "nodeidfilter", "delaytimermin",
	"partitionid preferred 5", "detach foo", "childsupervision", "ba state", "ba sessions", "ba counters",
	"ba foo", "ba ephemeralkey", "ba ephemeralkey start 123", "bbr", "bbr state", "bbr jitter", "bbr register", "bbr mgmt dua", "mlr", "mlr reg",
	"mlr reg ff04::1", "linkmetrics", "linkmetrics request", "linkmetrics request fe80::1 single q", "linkmetrics probe", "linkmetricsmgr",
	"linkmetricsmgr show", "locate", "locate foo", "locate fd00::1", "coex", "coex metrics", "coex foo", "diag", "diag start", "diag foo",
	"coaps", "coaps help", "coaps isclosed", "coaps connect foo", "coaps get x", "coaps x509", "coaps x509 foo", "coaps start false", "coaps start true", "coaps isclosed", "coaps stop", "counters mle reset", "counters mac reset", "csl period 5",
	"br state", "br infraif", "br omrprefix", "br omrprefix x", "br onlinkprefix", "br nat64prefix", "br peers", "br peers count", "br peers x",
	"br multiail", "br multiail callback x", "br rioprf", "br rioprf x", "br routeprf", "br omrconfig", "br omrconfig x", "br omrconfig custom fd00::/60 low",
	"br counters", "br raoptions", "br routers", "br prefixtable", "br rdnsstable", "br enable", "br init", "br init 1", "br init 1 1 1",
	"br foo", "nat64", "nat64 foo", "nat64 state", "nat64 cidr", "nat64 cidr 1.2.3.4", "nat64 cidr 1.2.3.0/0", "nat64 counters", "nat64 mappings",
	"domainname Foo", "dns compression foo", "dns compression", "udp bind :: 1234", "udp bind fd99::1 1", "udp connect fd00::1 1234", "udp send x",
	"bbr mgmt dua 1 2", "bbr mgmt dua 1 0011223344556677", "bbr mgmt dua 1 0011223344556677 3", "radio disable", "commissioner mgmtget",
	"commissioner mgmtset joinerudpport 9988", "prefix add fd00:7d03::/64 paosD", "prefix", "netdata show local", "prefix remove fd00:7d03::/64",
	"prefix remove fd00:7d03::/64", "sntp query x", "commissioner joiner add * J0",
}

var values = regexp.MustCompile(`^[|\[(]*([0-9a-f:.x/,;-]+|-?[0-9.]+%?|[rdn]{1,3}|age:[0-9]+|conn-time:[0-9]+)[|\])]*$`)

// shape is an output without its values: how long what two nodes measured is differs from run to run.
func shape(lines []string) string {
	var b strings.Builder
	for _, l := range lines {
		for _, w := range strings.Fields(strings.ReplaceAll(l, "|", " | ")) {
			if values.MatchString(w) {
				w = "#"
			}
			b.WriteString(w + " ")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// TestSameWords asks a leader, a router, a full end device and a sleepy child of each maker the same questions.
func TestSameWords(t *testing.T) {
	answers := map[maker]map[string][]string{}
	order := []string{}
	for _, m := range []maker{theirs, ours} {
		v := newVirtual(t)
		one, two, three, four := v.node(m, ftd), v.node(m, ftd), v.node(m, ftd), v.node(m, mtd)
		v.link(one, three, false)
		v.link(one, four, false)
		v.link(three, four, false)
		form(one)
		joins(two, 90*time.Second, "router")
		three.do("routereligible disable")
		joins(three, 30*time.Second, "child")
		joinAs(four, "-")
		four.state(30*time.Second, "child")
		v.pass(40 * time.Second)
		answers[m] = map[string][]string{}
		for i, n := range []*node{one, two, three, four} {
			for _, c := range words {
				l, last := []string(nil), ""
				if c != "" {
					l, last = n.try(20*time.Second, "%s", c)
				}
				k := [...]string{"leader", "router", "end device", "sleepy child"}[i] + ": " + c
				answers[m][k] = append(l, last)
				if m == ours {
					order = append(order, k)
				}
			}
		}
	}
	for _, k := range order {
		if x, y := answers[theirs][k], answers[ours][k]; shape(x) != shape(y) {
			t.Errorf("%s\ntheirs:\n%s\nours:\n%s", k, strings.Join(x, "\n"), strings.Join(y, "\n"))
		}
	}
}

// factoryWords are those of factory diagnostics, with the interface down.
var factoryWords = []string{"diag start", "diag", "diag channel", "diag channel 9", "diag power", "diag stats", "diag send 2", "diag frame 1122",
	"diag frame zz", "diag frame -x 112233", "diag frame -p 5", "diag frame -c -r 3 112233445566", "diag send 2", "diag stats", "diag send 1 20",
	"diag send 2", "diag gpio", "diag gpio get 0", "diag gpio set 0 1", "diag gpio get 0", "diag gpio mode 0", "diag gpio mode 0 out",
	"diag gpio mode 0", "diag gpio get 1", "diag cw", "diag cw start", "diag cw stop", "diag stream start", "diag stream stop",
	"diag rawpowersetting", "diag rawpowersetting 112233", "diag rawpowersetting", "diag rawpowersetting enable", "diag rawpowersetting zz",
	"diag powersettings", "diag powersettings 11", "diag powersettings 9", "diag foo", "diag foo bar", "diag stop", "diag gpio get 0"}

// TestSameFactoryWords asks a node of each maker.
func TestSameFactoryWords(t *testing.T) {
	v := newVirtual(t)
	a, b := v.node(theirs, ftd), v.node(ours, ftd)
	v.link(a, b, false)
	for _, c := range factoryWords {
		x, last := a.try(20*time.Second, "%s", c)
		y, ends := b.try(20*time.Second, "%s", c)
		if x, y = append(x, last), append(y, ends); strings.Join(x, "\n") != strings.Join(y, "\n") {
			t.Errorf("%s\ntheirs:\n%s\nours:\n%s", c, strings.Join(x, "\n"), strings.Join(y, "\n"))
		}
	}
}
