package shell

import (
	"slices"
	"strings"

	"heddle.example/thread/status"
)

// handler runs a command; a are the words after its name. Nil prints Done, status.Pending nothing yet.
type handler func(s *Shell, a args) error

// entry is a command of a table. Tables are sorted by name, as OpenThread's are, and `help` prints them so.
type entry struct {
	name   string
	ftd    bool // full Thread devices only
	border bool // border routers only
	run    handler
}

// offers reports whether this node has a command.
func (s *Shell) offers(e *entry) bool {
	return (!e.ftd || s.node.FTD()) && (!e.border || s.cfg.Border != nil)
}

// find looks a name up in a table.
func (s *Shell) find(table []entry, name string) handler {
	i, ok := slices.BinarySearchFunc(table, name, func(e entry, n string) int { return strings.Compare(e.name, n) })
	if !ok || !s.offers(&table[i]) {
		return nil
	}
	return table[i].run
}

func (s *Shell) list(table []entry) {
	for _, e := range table {
		if s.offers(&e) {
			s.Line("%s", e.name)
		}
	}
}

// dispatch runs a line.
func (s *Shell) dispatch(a args) error {
	if run := s.find(commands, a[0]); run != nil {
		return run(s, a[1:])
	}
	if a[0] == "help" {
		s.list(commands)
		s.list(own)
		for _, c := range s.extras() {
			s.Line("%s", c.Name)
		}
		return nil
	}
	if run := s.find(aliases, a[0]); run != nil {
		return run(s, a[1:])
	}
	if run := s.find(own, a[0]); run != nil {
		return run(s, a[1:])
	}
	for _, c := range s.extras() {
		if c.Name == a[0] {
			return c.Run(s, a[1:])
		}
	}
	return status.InvalidCommand
}

// group runs a subcommand of a table. Without a word, or with help, it prints the table.
func (s *Shell) group(table []entry, a args) error {
	if len(a) == 0 || a[0] == "help" {
		s.list(table)
		if len(a) == 0 {
			return status.InvalidCommand
		}
		return nil
	}
	if run := s.find(table, a[0]); run != nil {
		return run(s, a[1:])
	}
	return status.InvalidCommand
}

// extras are the commands that are no part of OpenThread's own table: the simulator's and the driver's.
func (s *Shell) extras() []Command { return s.cfg.Extra }

// Names returns all commands, for completion.
func (s *Shell) Names() []string {
	var all []string
	for _, e := range commands {
		if s.offers(&e) {
			all = append(all, e.name)
		}
	}
	for _, e := range own {
		all = append(all, e.name)
	}
	for _, c := range s.extras() {
		all = append(all, c.Name)
	}
	return append(all, "help")
}

// aliases are names of older OpenThread versions, which `help` does not list.
var aliases = []entry{
	{name: "masterkey", run: networkKey},
}

// own are commands of ours.
var own = []entry{
	{name: "extcommissioner", run: externalCommand},
}

// commands is OpenThread's table. It is filled in init, as `debug` and `help` look into it.
var commands []entry

func init() {
	commands = []entry{
		{name: "attachtime", run: attachTime},
		{name: "ba", run: ba},
		{name: "bbr", run: bbr},
		{name: "br", border: true, run: br},
		{name: "bufferinfo", run: bufferInfo},
		{name: "ccathreshold", run: ccaThreshold},
		{name: "ccm", ftd: true, run: ccm},
		{name: "channel", run: channel},
		{name: "child", ftd: true, run: child},
		{name: "childip", ftd: true, run: childIP},
		{name: "childmax", ftd: true, run: childMax},
		{name: "childrouterlinks", ftd: true, run: childRouterLinks},
		{name: "childsupervision", run: childSupervision},
		{name: "childtimeout", run: childTimeout},
		{name: "coap", run: coapCommand},
		{name: "coaps", run: coapsCommand},
		{name: "coex", run: coex},
		{name: "commissioner", ftd: true, run: commissioner},
		{name: "contextreusedelay", ftd: true, run: contextReuseDelay},
		{name: "counters", run: counters},
		{name: "csl", run: csl},
		{name: "dataset", run: dataset},
		{name: "debug", run: debug},
		{name: "delaytimermin", ftd: true, run: delayTimerMin},
		{name: "detach", run: detach},
		{name: "deviceprops", ftd: true, run: deviceProps},
		{name: "diag", run: diag},
		{name: "discover", run: discover},
		{name: "dns", run: dnsCommand},
		{name: "domainname", run: domainName},
		{name: "dua", run: dua},
		{name: "eidcache", ftd: true, run: eidCache},
		{name: "eui64", run: eui64},
		{name: "extaddr", run: extAddr},
		{name: "extpanid", run: extPANID},
		{name: "factoryreset", run: factoryReset},
		{name: "fem", run: fem},
		{name: "history", run: historyCommand},
		{name: "ifconfig", run: ifconfig},
		{name: "instanceid", run: instanceID},
		{name: "ipaddr", run: ipAddr},
		{name: "ipmaddr", run: ipMAddr},
		{name: "joiner", run: joiner},
		{name: "joinerport", ftd: true, run: joinerPort},
		{name: "keysequence", run: keySequence},
		{name: "leaderdata", run: leaderData},
		{name: "leaderweight", ftd: true, run: leaderWeight},
		{name: "linkmetrics", run: linkMetrics},
		{name: "linkmetricsmgr", run: linkMetricsManager},
		{name: "locate", run: locate},
		{name: "log", run: logLevel},
		{name: "mac", run: macCommand},
		{name: "macfilter", run: macFilter},
		{name: "meshdiag", ftd: true, run: meshDiag},
		{name: "mleadvimax", ftd: true, run: mleAdvIMax},
		{name: "mliid", run: mlIID},
		{name: "mlr", ftd: true, run: mlr},
		{name: "mode", run: mode},
		{name: "multiradio", run: multiRadio},
		{name: "nat64", border: true, run: nat64Command},
		{name: "neighbor", ftd: true, run: neighbors},
		{name: "netdata", run: netdataCommand},
		{name: "netstat", run: netstat},
		{name: "networkdiagnostic", run: networkDiagnostic},
		{name: "networkidtimeout", ftd: true, run: networkIDTimeout},
		{name: "networkkey", run: networkKey},
		{name: "networkname", run: networkName},
		{name: "nexthop", ftd: true, run: nextHop},
		{name: "panid", run: panID},
		{name: "parent", run: parent},
		{name: "parentpriority", ftd: true, run: parentPriority},
		{name: "partitionid", ftd: true, run: partitionID},
		{name: "ping", run: ping},
		{name: "platform", run: platform},
		{name: "pollperiod", run: pollPeriod},
		{name: "preferrouterid", ftd: true, run: preferRouterID},
		{name: "prefix", run: prefixCommand},
		{name: "promiscuous", run: promiscuous},
		{name: "pskc", ftd: true, run: pskc},
		{name: "radio", run: radioCommand},
		{name: "radiofilter", run: radioFilter},
		{name: "rcp", run: rcp},
		{name: "region", run: region},
		{name: "releaserouterid", ftd: true, run: releaseRouterID},
		{name: "reset", run: reset},
		{name: "rloc16", run: rloc16},
		{name: "route", run: routeCommand},
		{name: "router", ftd: true, run: routers},
		{name: "routerdowngradethreshold", ftd: true, run: routerDowngrade},
		{name: "routereligible", ftd: true, run: routerEligible},
		{name: "routeridrange", ftd: true, run: routerIDRange},
		{name: "routerselectionjitter", ftd: true, run: routerJitter},
		{name: "routerupgradethreshold", ftd: true, run: routerUpgrade},
		{name: "scan", run: scan},
		{name: "service", run: serviceCommand},
		{name: "singleton", run: singleton},
		{name: "sntp", run: sntpCommand},
		{name: "srp", run: srpCommand},
		{name: "state", run: state},
		{name: "targetpower", run: targetPower},
		{name: "test", ftd: true, run: testCommand},
		{name: "thread", run: threadCommand},
		{name: "timeinqueue", ftd: true, run: timeInQueue},
		{name: "tvcheck", ftd: true, run: tvCheck},
		{name: "txpower", run: txPower},
		{name: "udp", run: udp},
		{name: "unsecureport", run: unsecurePort},
		{name: "uptime", run: uptime},
		{name: "vendor", run: vendor},
		{name: "verhoeff", run: verhoeff},
		{name: "version", run: version},
	}
}

// groups are the commands that have a table of their own.
func (s *Shell) subcommands(name string) []string {
	var table []entry
	switch name {
	case "br":
		table = brCommands
	case "dataset":
		table = datasetCommands
	case "netdata":
		table = netdataCommands
	case "coap":
		table = coapCommands
	case "ba":
		table = baCommands
	case "extcommissioner":
		table = externalCommands
	case "coaps":
		table = coapsCommands
	case "udp":
		table = udpCommands
	case "meshdiag":
		table = meshCommands
	case "history":
		table = historyCommands
	case "dns":
		table = dnsCommands
	case "commissioner":
		table = commissionerCommands
	case "joiner":
		table = joinerCommands
	}
	var all []string
	for _, e := range table {
		all = append(all, e.name)
	}
	if name == "dataset" {
		for _, f := range fields {
			all = append(all, f.name)
		}
	}
	if len(all) == 0 {
		all = strings.Fields(words[name])
	}
	return all
}

// words are the first words after commands without a table, for completion.
var words = map[string]string{
	"channel": "manager monitor preferred supported", "child": "list table", "childip": "max",
	"childsupervision": "checktimeout failcounter interval", "counters": "br ip mac mle", "detach": "async",
	"discover": "reqcallback", "ifconfig": "down up", "ipaddr": "add del linklocal mleid rloc", "ipmaddr": "add del llatn rlatn",
	"keysequence": "counter guardtime", "log": "level", "mac": "altshortaddr retries send", "macfilter": "addr rss",
	"nat64":    "cidr counters disable enable mappings state",
	"neighbor": "conntime linkquality list table", "networkdiagnostic": "get nonpreferredchannels reset", "parent": "search",
	"partitionid": "preferred", "ping": "async stop", "prefix": "add meshlocal remove", "promiscuous": "disable enable",
	"radiofilter": "disable enable", "route": "add remove", "router": "list table", "routereligible": "disable enable",
	"scan": "energy", "service": "add remove", "state": "child detached leader router", "thread": "start stop version",
	"timeinqueue": "max reset", "unsecureport": "add get remove", "uptime": "ms", "vendor": "appurl model name swversion",
	"version": "api", "bufferinfo": "reset", "nodeidfilter": "allow clear deny", "sntp": "query", "srp": "client server",
}

// Complete returns what the last word of a line can be, in order.
func (s *Shell) Complete(line string) []string {
	before, word := "", line
	if i := strings.LastIndexByte(line, ' '); i >= 0 {
		before, word = strings.TrimSpace(line[:i]), line[i+1:]
	}
	var all []string
	switch {
	case before == "":
		all = s.Names()
	case !strings.Contains(before, " "):
		all = s.subcommands(before)
	}
	var fit []string
	for _, n := range all {
		if strings.HasPrefix(n, word) {
			fit = append(fit, n)
		}
	}
	slices.Sort(fit)
	return fit
}
