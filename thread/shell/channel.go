package shell

import "heddle.example/thread/status"

func channel(s *Shell, a args) error {
	switch {
	case a.is(0, "supported"):
		m, _ := s.node.ChannelMasks()
		s.Line("0x%x", m)
		return nil
	case a.is(0, "preferred"):
		_, m := s.node.ChannelMasks()
		s.Line("0x%x", m)
		return nil
	}
	if a.is(0, "monitor") {
		return channelMonitor(s, a[1:])
	}
	if a.is(0, "manager") {
		return channelManager(s, a[1:])
	}
	return getset(s, a, s.node.Channel, at(s, s.node.SetChannel))
}

// channelMask parses an optional channel as the mask of a scan; none is all.
func channelMask(a args, i int) (uint32, error) {
	if !a.has(i) {
		return 0, nil
	}
	c, err := a.u8(i)
	if err == nil && c >= 32 {
		err = status.InvalidArgs
	}
	return 1 << (c & 31), err
}

var scanColumns = []column{{"PAN", 6}, {"MAC Address", 18}, {"Ch", 4}, {"dBm", 5}, {"LQI", 5}}

func scan(s *Shell, a args) error {
	energy := a.is(0, "energy")
	var ms uint16
	if energy {
		if a = a[1:]; len(a) > 0 {
			var err error
			if ms, err = a.u16(0); err != nil {
				return err
			}
			a = a[1:]
		}
	}
	mask, err := channelMask(a, 0)
	if err != nil {
		return err
	}
	if energy {
		s.table(column{"Ch", 4}, column{"RSSI", 6})
		return s.begin(s.node.EnergyScan(s.now, s.cause, mask, ms))
	}
	s.table(scanColumns...)
	return s.begin(s.node.ActiveScan(s.now, s.cause, mask, 0))
}

func discover(s *Shell, a args) error {
	if a.is(0, "reqcallback") && s.node.FTD() {
		on, err := a.enable(1)
		if err == nil {
			s.node.WatchDiscovery(on)
		}
		return err
	}
	mask, err := channelMask(a, 0)
	if err != nil {
		return err
	}
	op, err := s.node.Discover(s.now, s.cause, mask)
	if err == nil {
		s.table(append([]column{{"Network Name", 18}, {"Extended PAN", 18}}, scanColumns...)...)
	}
	return s.begin(op, err)
}
