package shell

import (
	"heddle.example/thread/info"
	"heddle.example/thread/status"
)

func child(s *Shell, a args) error {
	table := a.is(0, "table")
	all := s.node.Children(s.now)
	if table || a.is(0, "list") {
		if table {
			s.table(column{"ID", 5}, column{"RLOC16", 8}, column{"Timeout", 12}, column{"Age", 12}, column{"LQ In", 7},
				column{"C_VN", 6}, column{"R", 1}, column{"D", 1}, column{"N", 1}, column{"Ver", 3}, column{"CSL", 3},
				column{"QMsgCnt", 7}, column{"Suprvsn", 7}, column{"Extended MAC", 18})
		}
		for i := range all {
			c := &all[i]
			if table {
				s.Line("| %3d | 0x%04x | %10d | %10d | %5d | %4d |%d|%d|%d|%3d| %d | %5d | %5d | %s |", c.ID(), c.RLOC16,
					c.Timeout, c.Age, c.LinkQuality, c.NetData, digit(c.Mode.RxOnWhenIdle), digit(c.Mode.FullThread),
					digit(c.Mode.FullNetData), c.Version, digit(c.CSLSynced), c.Queued, c.Supervision, hexOf(c.Ext[:]))
			} else {
				s.Printf("%d ", c.ID())
			}
		}
		s.Line("")
		return nil
	}
	id, err := a.u16(0)
	if err != nil {
		return err
	}
	for i := range all {
		if all[i].ID() == id&0x1ff {
			s.child(&all[i])
			return nil
		}
	}
	return status.NotFound
}

func (s *Shell) child(c *info.Child) {
	s.Line("Child ID: %d", c.ID())
	s.Line("Rloc: %04x", c.RLOC16)
	s.Line("Ext Addr: %s", hexOf(c.Ext[:]))
	m := c.Mode
	m.FullNetData = m.FullThread // as OpenThread prints it
	s.Line("Mode: %s", m)
	s.Line("CSL Synchronized: %d ", digit(c.CSLSynced))
	s.Line("Net Data: %d", c.NetData)
	s.Line("Timeout: %d", c.Timeout)
	s.Line("Age: %d", c.Age)
	s.Line("Link Quality In: %d", c.LinkQuality)
	s.Line("RSSI: %d", c.AverageRSSI)
	s.Line("Supervision Interval: %d", c.Supervision)
}

func childIP(s *Shell, a args) error {
	switch {
	case len(a) == 0:
		for _, c := range s.node.Children(s.now) {
			for _, ip := range c.Addresses {
				s.Line("%04x: %s", c.RLOC16, ip)
			}
		}
		return nil
	case a[0] == "max":
		return getset(s, a[1:], func() uint8 { return uint8(s.node.MLE().MaxChildAddresses()) }, s.node.SetMaxChildAddresses)
	}
	return status.InvalidCommand
}

func neighbors(s *Shell, a args) error {
	all := s.node.Neighbors(s.now)
	switch a.at(0) {
	case "list":
		for _, n := range all {
			s.Printf("0x%04x ", n.RLOC16)
		}
		s.Line("")
	case "table":
		s.table(column{"Role", 6}, column{"RLOC16", 8}, column{"Age", 5}, column{"Avg RSSI", 10}, column{"Last RSSI", 11},
			column{"R", 1}, column{"D", 1}, column{"N", 1}, column{"Extended MAC", 18}, column{"Version", 9})
		for _, n := range all {
			role := 'R'
			if n.IsChild {
				role = 'C'
			}
			s.Line("| %3c  | 0x%04x | %3d | %8d | %9d |%d|%d|%d| %s | %7d |", role, n.RLOC16, n.Age, n.AverageRSSI, n.LastRSSI,
				digit(n.Mode.RxOnWhenIdle), digit(n.Mode.FullThread), digit(n.Mode.FullNetData), hexOf(n.Ext[:]), n.Version)
		}
		s.Line("")
	case "linkquality":
		s.table(column{"RLOC16", 8}, column{"Extended MAC", 18}, column{"Frame Error", 13}, column{"Msg Error", 11},
			column{"Avg RSS", 9}, column{"Last RSS", 10}, column{"Age", 7})
		for _, n := range all {
			s.Line("| 0x%04x | %s | %9s %% | %7s %% | %7d | %8d | %5d |", n.RLOC16, hexOf(n.Ext[:]), percent(n.FrameErrors),
				percent(n.MessageErrors), n.AverageRSSI, n.LastRSSI, n.Age)
		}
	case "conntime":
		if a.is(1, "list") {
			for _, n := range all {
				s.Line("0x%04x %s age:%d conn-time:%d", n.RLOC16, hexOf(n.Ext[:]), n.Age, n.Connected)
			}
			return nil
		}
		s.table(column{"RLOC16", 8}, column{"Extended MAC", 18}, column{"Last Heard (Age)", 18}, column{"Connection Time", 18})
		for _, n := range all {
			s.Line("| 0x%04x | %s | %16s | %16s |", n.RLOC16, hexOf(n.Ext[:]), duration(uint64(n.Age)), duration(uint64(n.Connected)))
		}
	default:
		return status.InvalidArgs
	}
	return nil
}

var cacheStates = []string{"cache", "snoop", "query", "retry"}

func eidCache(s *Shell, _ args) error {
	for _, e := range s.node.EIDCache(s.now) {
		s.Printf("%s %04x %s canEvict=%d", e.Target, e.RLOC16, cacheStates[e.State], digit(e.CanEvict))
		switch {
		case e.State != info.Cached:
			s.Printf(" timeout=%d", e.Timeout)
			if e.State == info.RetryQuery {
				s.Printf(" retryDelay=%d rampDown=%d", e.RetryDelay, digit(e.RampDown))
			}
		case e.KnownSince:
			s.Printf(" transTime=%d eid=%s", e.LastTrans, e.MeshLocal)
		}
		s.Line("")
	}
	return nil
}
