package shell

import "heddle.example/thread/status"

func partitionID(s *Shell, a args) error {
	switch {
	case len(a) == 0:
		s.Line("%d", s.node.Partition())
		return nil
	case a[0] == "preferred":
		return getset(s, a[1:], s.node.PreferredPartition, s.node.SetPreferredPartition)
	}
	return status.InvalidCommand
}

func leaderWeight(s *Shell, a args) error {
	return getset(s, a, s.node.MLE().LeaderWeight, always(s.node.MLE().SetLeaderWeight))
}

func networkIDTimeout(s *Shell, a args) error {
	return getset(s, a, s.node.MLE().NetworkIDTimeout, always(s.node.MLE().SetNetworkIDTimeout))
}

func routerEligible(s *Shell, a args) error {
	return showOnOff(s, a, s.node.MLE().RouterEligible, at(s, s.node.SetRouterEligible))
}

func routerJitter(s *Shell, a args) error {
	return getset(s, a, s.node.MLE().SelectionJitter, func(v uint8) error { s.node.MLE().SetSelectionJitter(v); return nil })
}

func routerUpgrade(s *Shell, a args) error {
	return getset(s, a, s.node.MLE().UpgradeThreshold, always(s.node.MLE().SetUpgradeThreshold))
}

func routerDowngrade(s *Shell, a args) error {
	return getset(s, a, s.node.MLE().DowngradeThreshold, always(s.node.MLE().SetDowngradeThreshold))
}

func childRouterLinks(s *Shell, a args) error {
	return getset(s, a, s.node.MLE().ChildRouterLinks, s.node.SetChildRouterLinks)
}

func parentPriority(s *Shell, a args) error {
	return getset(s, a, s.node.MLE().ParentPriority, s.node.SetParentPriority)
}

func preferRouterID(s *Shell, a args) error { return set(a, s.node.SetPreferredRouterID) }

func releaseRouterID(s *Shell, a args) error { return set(a, at(s, s.node.ReleaseRouterID)) }

func routerIDRange(s *Shell, a args) error {
	if len(a) == 0 {
		low, high := s.node.Table().IDRange()
		s.Line("%d %d", low, high)
		return nil
	}
	low, err := a.u8(0)
	if err != nil {
		return err
	}
	high, err := a.u8(1)
	if err == nil && len(a) > 2 {
		err = status.InvalidArgs
	}
	if err != nil {
		return err
	}
	return s.node.SetRouterIDRange(low, high)
}

func mleAdvIMax(s *Shell, a args) error { return get(s, a, s.node.AdvertiseMax) }

func childMax(s *Shell, a args) error {
	return getset(s, a, func() uint16 { return uint16(s.node.Table().MaxChildren()) }, s.node.SetMaxChildren)
}

func contextReuseDelay(s *Shell, a args) error {
	return getset(s, a, s.node.ContextReuseDelay, always(s.node.SetContextReuseDelay))
}

// noRoute is the next hop of what cannot be reached.
const noRoute = 0xfffe

func nextHop(s *Shell, a args) error {
	if len(a) > 0 {
		dst, err := a.u16(0)
		if err != nil {
			return err
		}
		next, cost := s.node.NextHop(dst)
		s.Line("0x%04x cost:%d", next, cost)
		return nil
	}
	s.table(column{"ID", 6}, column{"NxtHop", 6}, column{"Cost", 6})
	for _, r := range s.node.Routers(s.now) {
		next, cost := s.node.NextHop(uint16(r.ID) << 10)
		if next == noRoute {
			s.Line("| %4d | %4s | %4s |", r.ID, "-", "-")
		} else {
			s.Line("| %4d | %4d | %4d |", r.ID, next>>10, cost)
		}
	}
	return nil
}

func routers(s *Shell, a args) error {
	table := a.is(0, "table")
	all := s.node.Routers(s.now)
	if table || a.is(0, "list") {
		if table {
			s.table(column{"ID", 4}, column{"RLOC16", 8}, column{"Next Hop", 10}, column{"Path Cost", 11}, column{"LQ In", 7},
				column{"LQ Out", 8}, column{"Age", 5}, column{"Extended MAC", 18}, column{"Link", 6})
		}
		for _, r := range all {
			if table {
				s.Line("| %2d | 0x%04x | %8d | %9d | %5d | %6d | %3d | %s | %4d |", r.ID, r.RLOC16, r.NextHop, r.PathCost,
					r.LinkQualityIn, r.LinkQualityOut, r.Age, hexOf(r.Ext[:]), digit(r.Linked))
			} else {
				s.Printf("%d ", r.ID)
			}
		}
		s.Line("")
		return nil
	}
	id, err := a.u16(0)
	if err != nil {
		return err
	}
	if id > 62 { // then it is an RLOC16, which must be a router's (RouterTable::GetRouterInfo)
		if id&0x1ff != 0 || id>>10 > 62 {
			return status.InvalidArgs
		}
		id >>= 10
	}
	for _, r := range all {
		if uint16(r.ID) != id {
			continue
		}
		s.Line("Alloc: 1")
		s.Line("Router ID: %d", r.ID)
		s.Line("Rloc: %04x", r.RLOC16)
		s.Line("Next Hop: %04x", uint16(r.NextHop)<<10)
		s.Line("Link: %d", digit(r.Linked))
		if r.Linked {
			s.Line("Ext Addr: %s", hexOf(r.Ext[:]))
			s.Line("Cost: %d", r.PathCost)
			s.Line("Link Quality In: %d", r.LinkQualityIn)
			s.Line("Link Quality Out: %d", r.LinkQualityOut)
			s.Line("Age: %d", r.Age)
		}
		return nil
	}
	return status.NotFound
}
