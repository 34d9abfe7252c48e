package shell

import (
	"fmt"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/history"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
)

// Past is what the node remembers; nil where it remembers nothing.
type Past interface {
	History() *history.History
}

var historyCommands []entry

func init() {
	historyCommands = []entry{
		{name: "dnssrpaddr", run: historyServers},
		{name: "ipaddr", run: historyUnicast},
		{name: "ipmaddr", run: historyMulticast},
		{name: "neighbor", run: historyNeighbors},
		{name: "netinfo", run: historyNetInfo},
		{name: "prefix", run: historyPrefixes},
		{name: "route", run: historyRoutes},
		{name: "router", run: historyRouters},
		{name: "rx", run: func(s *Shell, a args) error { return s.messages(a, true, false) }},
		{name: "rxtx", run: func(s *Shell, a args) error { return s.messages(a, true, true) }},
		{name: "tx", run: func(s *Shell, a args) error { return s.messages(a, false, true) }},
	}
}

func historyCommand(s *Shell, a args) error {
	if s.node.History() == nil {
		return status.InvalidCommand
	}
	return s.group(historyCommands, a)
}

// historyArgs reads [list] [number]; 0 is all.
func historyArgs(a args) (list bool, count int, err error) {
	if a.is(0, "list") {
		list, a = true, a[1:]
	}
	if len(a) > 0 {
		if n, err := a.u16(0); err == nil {
			count, a = int(n), a[1:]
		}
	}
	if len(a) > 0 {
		err = status.InvalidArgs
	}
	return list, count, err
}

// past prints one list of the history: as a table, or a line each.
func past[T any](s *Shell, a args, l *history.List[T], columns []column, print func(age string, v *T, list bool)) error {
	list, count, err := historyArgs(a)
	if err != nil {
		return err
	}
	if !list {
		s.table(columns...)
	}
	for i := 0; i < l.Len() && (count == 0 || i < count); i++ {
		e := l.At(i)
		print(s.age(e.At), &e.Value, list)
	}
	return nil
}

// age prints how long ago something was (HistoryTracker::Local::EntryAgeToString).
func (s *Shell) age(at machine.Time) string {
	d := s.now.Sub(at)
	if d >= history.MaxAge {
		return "more than 49 days"
	}
	t := ""
	if n := d / (24 * time.Hour); n > 0 {
		t = fmt.Sprintf("%d day", n)
		if n > 1 {
			t += "s"
		}
		t, d = t+" ", d%(24*time.Hour)
	}
	ms := d / time.Millisecond
	return t + fmt.Sprintf("%02d:%02d:%02d.%03d", ms/3600000, ms/60000%60, ms/1000%60, ms%1000)
}

func cameOrWent(removed bool) string {
	if removed {
		return "Removed"
	}
	return "Added"
}

func initial(b bool) string {
	if b {
		return "Y"
	}
	return "N"
}

func historyUnicast(s *Shell, a args) error {
	return past(s, a, &s.node.History().Unicast, []column{{"Age", 22}, {"Event", 9}, {"Address / PrefixLength", 45}, {"Origin", 8},
		{"Scope", 5}, {"P", 3}, {"V", 3}, {"R", 3}}, func(age string, v *history.Unicast, list bool) {
		if list {
			s.Line("%s -> event:%s address:%s prefixlen:%d origin:%s scope:%d preferred:%s valid:%s rloc:%s", age, cameOrWent(v.Removed),
				v.Addr, v.Bits, v.Origin, v.Scope, yesNo(v.Preferred), yesNo(v.Valid), yesNo(v.RLOC))
			return
		}
		s.Line("| %20s | %-7s | %-43s | %-6s | %3d | %s | %s | %s |", age, cameOrWent(v.Removed), fmt.Sprintf("%s/%d", v.Addr, v.Bits),
			v.Origin, v.Scope, initial(v.Preferred), initial(v.Valid), initial(v.RLOC))
	})
}

func historyMulticast(s *Shell, a args) error {
	return past(s, a, &s.node.History().Multicast, []column{{"Age", 22}, {"Event", 14}, {"Multicast Address", 42}, {"Origin", 8}},
		func(age string, v *history.Multicast, list bool) {
			event, format := "Subscribed", "| %20s | %-12s | %-39s | %-6s |"
			if v.Removed {
				event = "Unsubscribed"
			}
			if list {
				format = "%s -> event:%s address:%s origin:%s"
			}
			s.Line(format, age, event, v.Addr, v.Origin)
		})
}

func historyNeighbors(s *Shell, a args) error {
	return past(s, a, &s.node.History().Neighbors, []column{{"Age", 22}, {"Type", 8}, {"Event", 11}, {"Extended Address", 18}, {"RLOC16", 8},
		{"Mode", 6}, {"Ave RSS", 9}}, func(age string, v *history.Neighbor, list bool) {
		kind := "Router"
		if v.Child {
			kind = "Child"
		}
		format := "| %20s | %-6s | %-9s | %s | 0x%04x | %-4s | %7d |"
		if list {
			format = "%s -> type:%s event:%s extaddr:%s rloc16:0x%04x mode:%s rss:%d"
		}
		s.Line(format, age, kind, [...]string{"Added", "Removed", "Changed", "Restoring"}[v.Event&3], hexOf(v.Ext[:]), v.RLOC16,
			modeLetters(v.Mode), v.RSS)
	})
}

func historyNetInfo(s *Shell, a args) error {
	return past(s, a, &s.node.History().NetInfo, []column{{"Age", 22}, {"Role", 10}, {"Mode", 6}, {"RLOC16", 8}, {"Partition ID", 14}},
		func(age string, v *history.NetInfo, list bool) {
			format := "| %20s | %-8s | %-4s | 0x%04x | %12d |"
			if list {
				format = "%s -> role:%s mode:%s rloc16:0x%04x partition-id:%d"
			}
			s.Line(format, age, v.Role, modeLetters(v.Mode), v.RLOC16, v.Partition)
		})
}

func historyRouters(s *Shell, a args) error {
	return past(s, a, &s.node.History().Routers, []column{{"Age", 22}, {"Event", 16}, {"ID (RLOC16)", 13}, {"Next Hop", 13}, {"Path Cost", 12}},
		func(age string, v *history.Router, list bool) {
			cost := func(c uint8) string {
				if c == 0 {
					return "inf"
				}
				return fmt.Sprint(c)
			}
			event := [...]string{"Added", "Removed", "NextHopChanged", "CostChanged"}[v.Event&3]
			if list {
				hop := "none"
				if v.NextHop != history.NoNextHop {
					hop = fmt.Sprintf("%d(0x%04x)", v.NextHop, uint16(v.NextHop)<<10)
				}
				s.Line("%s -> event:%s router:%d(0x%04x) nexthop:%s old-cost:%s new-cost:%s", age, event, v.ID, uint16(v.ID)<<10, hop,
					cost(v.OldCost), cost(v.Cost))
				return
			}
			hop := fmt.Sprintf("%11s", "none")
			if v.NextHop != history.NoNextHop {
				hop = fmt.Sprintf("%2d (0x%04x)", v.NextHop, uint16(v.NextHop)<<10)
			}
			s.Line("| %20s | %-14s | %2d (0x%04x) | %s | %3s -> %3s |", age, event, v.ID, uint16(v.ID)<<10, hop, cost(v.OldCost), cost(v.Cost))
		})
}

func historyPrefixes(s *Shell, a args) error {
	return past(s, a, &s.node.History().Prefixes, []column{{"Age", 22}, {"Event", 9}, {"Prefix", 45}, {"Flags", 11}, {"Pref", 6}, {"RLOC16", 8}},
		func(age string, v *history.Prefix, list bool) {
			s.dataEntry(age, v.Removed, "prefix", v.Prefix, letters(prefixFlags(&v.OnMeshPrefix)), v.Preference, v.RLOC16, list)
		})
}

func historyRoutes(s *Shell, a args) error {
	return past(s, a, &s.node.History().Routes, []column{{"Age", 22}, {"Event", 9}, {"Route", 45}, {"Flags", 11}, {"Pref", 6}, {"RLOC16", 8}},
		func(age string, v *history.Route, list bool) {
			s.dataEntry(age, v.Removed, "route", v.Prefix, letters(routeFlags(&v.ExternalRoute)), v.Preference, v.RLOC16, list)
		})
}

func (s *Shell) dataEntry(age string, removed bool, kind string, p ip6.Prefix, flags string, pref int8, rloc16 uint16, list bool) {
	if flags != "" {
		flags = flags[1:] // the blank before them
	}
	if list {
		s.Line("%s -> event:%s %s:%s flags:%s pref:%s rloc16:0x%04x", age, cameOrWent(removed), kind, p, flags, preferences[pref], rloc16)
		return
	}
	s.Line("| %20s | %-7s | %-43s | %-9s | %-4s | 0x%04x |", age, cameOrWent(removed), p, flags, preferences[pref], rloc16)
}

func historyServers(s *Shell, a args) error {
	return past(s, a, &s.node.History().Servers, []column{{"Age", 22}, {"Event", 9}, {"Address", 41}, {"Type", 11}, {"Port/Seq", 8}, {"Ver", 5},
		{"RLOC16", 8}}, func(age string, v *history.Server, list bool) {
		kind, number, word := [...]string{"uni-local", "uni-infra", "anycast"}[v.Type%3], v.Port, "port"
		if v.Type == history.Anycast {
			number, word = uint16(v.Sequence), "seqno"
		}
		if list {
			s.Line("%s -> event:%s addr:%s type:%s %s:%d ver:%d rloc16:0x%04x", age, cameOrWent(v.Removed), v.Addr, kind, word, number,
				v.Version, v.RLOC16)
			return
		}
		s.Line("| %20s | %-7s | %-39s | %9s | %6d | %3d | 0x%04x |", age, cameOrWent(v.Removed), v.Addr, kind, number, v.Version, v.RLOC16)
	})
}
