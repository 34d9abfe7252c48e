package shell

import (
	"heddle.example/border"
	"heddle.example/coap/endpoint"
	"heddle.example/machine"
	"heddle.example/thread"
	"heddle.example/thread/dnssd"
	"heddle.example/thread/info"
	"heddle.example/thread/sntp"
	"heddle.example/thread/srp"
)

// begin makes an operation of the node the pending command, or passes on why it did not begin.
func (s *Shell) begin(op machine.OpID, err error) error {
	if err != nil {
		return err
	}
	s.op = op
	return errPending
}

// Observe takes in an action of the node: it prints what the user wants to see of it.
func (s *Shell) Observe(now machine.Time, a machine.Action) {
	s.now = now
	if s.cfg.Watch != nil {
		s.cfg.Watch(s, a)
	}
	mine := a.Op != 0 && a.Op == s.op && s.pending
	switch v := a.Value.(type) {
	case *thread.PingReply:
		if a.Op == s.pings {
			s.pingReply(v)
		}
	case *thread.PingStatistics:
		if a.Op == s.pings {
			s.pings = 0
			s.pingStatistics(v)
		}
		if mine {
			s.end(nil)
		}
	case *sntp.Response:
		if mine {
			s.timeAnswer(v)
		}
	case *srp.Update:
		s.srpUpdated(v)
	case *thread.Resolved:
		if a.Op == s.naming.op && a.Op != 0 {
			s.named(v)
		}
	case *thread.Datagram:
		s.datagram(v)
	case *dnssd.Response:
		if mine {
			s.dnsAnswer(v)
		}
	case *border.SeveralAILs:
		if s.tellAILs {
			s.Line("BR multi AIL callback: %s", map[bool]string{true: "detected", false: "cleared"}[v.Detected])
		}
	case *endpoint.Incoming, *endpoint.Response, *endpoint.Notification, *endpoint.Unsubscribed, *endpoint.Delivered:
		s.observeCoAP(a)
	default:
		if !s.commissioned(a.Value) {
			s.observe(a, mine)
		}
	}
}

// end finishes the pending operation.
func (s *Shell) end(err error) {
	s.op = 0
	s.finish(err)
}

// observe prints what package info has types for.
func (s *Shell) observe(a machine.Action, mine bool) {
	switch v := a.Value.(type) {
	case *info.ScanResult:
		if mine {
			s.scanResult(v)
		}
	case *info.EnergyResult:
		if mine {
			s.Line("| %2d | %4d |", v.Channel, v.RSSI)
		}
	case *info.Done:
		if mine {
			if v.Detached {
				s.Line("Finished detaching")
			}
			s.end(v.Err)
		} else if a.Op != 0 && a.Op == s.manager.changing {
			s.manager.changing = 0
		} else if a.Op != 0 && a.Op == s.update {
			s.update = 0
			name := "OK"
			if v.Err != nil {
				name = number(v.Err).Name()
			}
			s.Line("Dataset update complete: %s", name)
		}
	case *info.Diagnostic:
		switch {
		case v.Err != nil || s.meshAnswer(v.From, v.TLVs):
		case s.pending && s.diagnosing:
			s.diagnostic(v.From, v.TLVs)
		}
	case *info.EphemeralKeyState:
		s.ephemeralKeyChanged(v)
	case *info.Listeners:
		if mine {
			s.listenersRegistered(v)
		}
	case *info.Certified:
		if s.cfg.Certify {
			s.certified(v)
		}
	case *info.Located:
		if mine {
			s.located(v)
		}
	case *thread.LinkMetricsReport:
		s.metricsReport(v)
	case *thread.LinkMetricsManaged:
		s.metricsManaged(v)
	case *thread.LinkMetricsAck:
		s.Line("Received Link Metrics data in Enh Ack from neighbor, short address:0x%02x , extended address:%s", v.RLOC16, hexOf(v.Ext[:]))
		s.metricsValues(&v.Values)
	case *info.AgentSession:
		s.agentSession(v)
	case *info.SecureSession:
		s.secureSession(v)
	case *info.DiscoveryRequest:
		s.Line("~ Discovery Request from %s: version=%d,joiner=%d", hexOf(v.Ext[:]), v.Version, digit(v.Joiner))
	}
}

func (s *Shell) scanResult(r *info.ScanResult) {
	if r.Discovered {
		s.Printf("| %-16s | %s ", r.Name, hexOf(r.ExtPAN[:]))
	}
	s.Line("| %04x | %s | %2d | %3d | %3d |", r.PAN, hexOf(r.Ext[:]), r.Channel, r.RSSI, r.LQI)
}
