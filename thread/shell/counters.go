package shell

import (
	"heddle.example/thread/info"
	"heddle.example/thread/status"
)

// count is a counter with its name in OpenThread's words.
type count struct {
	name string
	n    uint64
}

func (s *Shell) counts(prefix string, list []count) {
	for _, c := range list {
		s.Line("%s%s: %d", prefix, c.name, c.n)
	}
}

func counters(s *Shell, a args) error {
	if len(a) == 0 {
		for _, n := range []string{"br", "ip", "mac", "mle"} {
			s.Line("%s", n)
		}
		return nil
	}
	var show, zero func()
	switch a[0] {
	case "br":
		show, zero = s.borderCounters, s.node.ResetBorderCounters
	case "ip":
		show, zero = s.ipCounters, s.node.ResetIPCounters
	case "mac":
		show, zero = s.macCounters, func() { s.node.MAC().ResetCounters() }
	case "mle":
		show, zero = s.mleCounters, func() { s.node.ResetMLECounters(s.now) }
	}
	switch {
	case show == nil:
		return status.InvalidArgs
	case len(a) == 1:
		show()
	case len(a) == 2 && a[1] == "reset":
		zero()
	default:
		return status.InvalidArgs
	}
	return nil
}

func (s *Shell) macCounters() {
	c := s.node.MACCounters()
	s.Line("TxTotal: %d", c.TxTotal)
	s.counts(indent, []count{
		{"TxUnicast", uint64(c.TxUnicast)},
		{"TxBroadcast", uint64(c.TxBroadcast)},
		{"TxAckRequested", uint64(c.TxAckRequested)},
		{"TxAcked", uint64(c.TxAcked)},
		{"TxNoAckRequested", uint64(c.TxNoAckRequested)},
		{"TxData", uint64(c.TxData)},
		{"TxDataPoll", uint64(c.TxDataPoll)},
		{"TxBeacon", uint64(c.TxBeacon)},
		{"TxBeaconRequest", uint64(c.TxBeaconRequest)},
		{"TxOther", uint64(c.TxOther)},
		{"TxRetry", uint64(c.TxRetry)},
		{"TxErrCca", uint64(c.TxErrCCA)},
		{"TxErrBusyChannel", uint64(c.TxErrBusyChannel)},
		{"TxErrAbort", uint64(c.TxErrAbort)},
		{"TxDirectMaxRetryExpiry", uint64(c.TxDirectMaxRetryExpiry)},
		{"TxIndirectMaxRetryExpiry", uint64(c.TxIndirectMaxRetryExpiry)},
	})
	s.Line("RxTotal: %d", c.RxTotal)
	s.counts(indent, []count{
		{"RxUnicast", uint64(c.RxUnicast)},
		{"RxBroadcast", uint64(c.RxBroadcast)},
		{"RxData", uint64(c.RxData)},
		{"RxDataPoll", uint64(c.RxDataPoll)},
		{"RxBeacon", uint64(c.RxBeacon)},
		{"RxBeaconRequest", uint64(c.RxBeaconRequest)},
		{"RxOther", uint64(c.RxOther)},
		{"RxAddressFiltered", uint64(c.RxAddressFiltered)},
		{"RxDestAddrFiltered", uint64(c.RxDestAddrFiltered)},
		{"RxDuplicated", uint64(c.RxDuplicated)},
		{"RxErrNoFrame", uint64(c.RxErrNoFrame)},
		{"RxErrNoUnknownNeighbor", uint64(c.RxErrUnknownNeighbor)},
		{"RxErrInvalidSrcAddr", uint64(c.RxErrInvalidSrcAddr)},
		{"RxErrSec", uint64(c.RxErrSec)},
		{"RxErrFcs", uint64(c.RxErrFCS)},
		{"RxErrOther", uint64(c.RxErrOther)},
	})
}

func (s *Shell) mleCounters() {
	c := s.node.MLECounters(s.now)
	s.counts("", []count{
		{"Role Disabled", uint64(c.Roles[info.Disabled])},
		{"Role Detached", uint64(c.Roles[info.Detached])},
		{"Role Child", uint64(c.Roles[info.ChildRole])},
		{"Role Router", uint64(c.Roles[info.RouterRole])},
		{"Role Leader", uint64(c.Roles[info.LeaderRole])},
		{"Attach Attempts", uint64(c.AttachAttempts)},
		{"Partition Id Changes", uint64(c.PartitionChanges)},
		{"Better Partition Attach Attempts", uint64(c.BetterPartitionAttempts)},
		{"Better Parent Attach Attempts", uint64(c.BetterParentAttempts)},
		{"Parent Changes", uint64(c.ParentChanges)},
		{"Time Disabled Milli", c.Times[info.Disabled]},
		{"Time Detached Milli", c.Times[info.Detached]},
		{"Time Child Milli", c.Times[info.ChildRole]},
		{"Time Router Milli", c.Times[info.RouterRole]},
		{"Time Leader Milli", c.Times[info.LeaderRole]},
		{"Time Tracked Milli", c.Tracked},
	})
}

func (s *Shell) ipCounters() {
	c := s.node.IPCounters()
	s.counts("", []count{
		{"TxSuccess", uint64(c.TxSuccess)},
		{"TxFailed", uint64(c.TxFailed)},
		{"RxSuccess", uint64(c.RxSuccess)},
		{"RxFailed", uint64(c.RxFailed)},
	})
}

func (s *Shell) borderCounters() {
	c := s.node.BorderCounters()
	for _, t := range []struct {
		name string
		t    info.Traffic
	}{{"Inbound Unicast", c.InUnicast}, {"Inbound Multicast", c.InMulticast}, {"Outbound Unicast", c.OutUnicast}, {"Outbound Multicast", c.OutMulticast}} {
		s.Line("%s: Packets %d Bytes %d", t.name, t.t.Packets, t.t.Bytes)
	}
	s.counts("", []count{
		{"RA Rx", uint64(c.RARx)},
		{"RA TxSuccess", uint64(c.RATxSuccess)},
		{"RA TxFailed", uint64(c.RATxFailed)},
		{"RS Rx", uint64(c.RSRx)},
		{"RS TxSuccess", uint64(c.RSTxSuccess)},
		{"RS TxFailed", uint64(c.RSFail)},
	})
}
