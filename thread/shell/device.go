package shell

import (
	"heddle.example/thread/info"
	"heddle.example/thread/status"
)

// apiVersion is OPENTHREAD_API_VERSION of the source that the shell follows.
const apiVersion = 522

// threadVersion is the version of Thread as it goes over the air: 1.4.
const threadVersion = 5

func version(s *Shell, a args) error {
	switch {
	case len(a) == 0:
		s.Line("%s", s.node.VersionString())
	case a[0] == "api":
		s.Line("%d", apiVersion)
	default:
		return status.InvalidCommand
	}
	return nil
}

func platform(s *Shell, _ args) error {
	s.Line("%s", s.node.Platform())
	return nil
}

func instanceID(s *Shell, a args) error { return get(s, a, s.node.InstanceID) }

func reset(s *Shell, a args) error {
	if len(a) > 0 {
		return status.InvalidCommand
	}
	s.exit = Reset
	return nil
}

func factoryReset(s *Shell, _ args) error {
	s.exit = FactoryReset
	return nil
}

func uptime(s *Shell, a args) error {
	switch ms := uint64(s.node.Uptime(s.now).Milliseconds()); {
	case len(a) == 0:
		s.Line("%s", clock(ms, true))
	case a[0] == "ms":
		s.Line("%d", ms)
	default:
		return status.InvalidArgs
	}
	return nil
}

func logLevel(s *Shell, a args) error {
	switch {
	case !a.is(0, "level") || len(a) > 2:
		return status.InvalidArgs
	case len(a) == 1:
		s.Line("%d", s.node.LogLevel())
		return nil
	}
	return set(a[1:], s.node.SetLogLevel)
}

func bufferInfo(s *Shell, a args) error {
	if a.is(0, "reset") {
		s.node.ResetBufferInfo()
		return nil
	}
	if len(a) > 0 {
		return status.InvalidArgs
	}
	b := s.node.BufferInfo()
	s.Line("total: %d", b.Total)
	s.Line("free: %d", b.Free)
	s.Line("max-used: %d", b.MaxUsed)
	for _, q := range []struct {
		name string
		q    info.QueueInfo
	}{
		{"6lo send", b.Send}, {"6lo reas", b.Reassembly}, {"ip6", b.IP6}, {"mpl", b.MPL}, {"mle", b.MLE},
		{"coap", b.CoAP}, {"coap secure", b.CoAPSecure}, {"application coap", b.App},
	} {
		s.Line("%s: %d %d %d", q.name, q.q.Messages, q.q.Buffers, q.q.Bytes)
	}
	return nil
}

func vendor(s *Shell, a args) error {
	for field, name := range []string{"name", "model", "swversion", "appurl"} {
		if a.is(0, name) {
			f := field
			return text(s, a[1:], func() string { return s.node.Vendor(f) },
				func(t string) error { return s.node.SetVendor(f, t) })
		}
	}
	return status.InvalidArgs
}

func rcp(*Shell, args) error { return status.NotImplemented } // the radio is not a co-processor with a version of its own

func multiRadio(s *Shell, a args) error {
	if len(a) > 0 {
		return status.InvalidCommand
	}
	s.Line("[15.4]")
	return nil
}

// debug runs the commands that a bug report wants (Process<Cmd("debug")>). They print no Done, and no prompt.
func debug(s *Shell, _ args) error {
	lines := []string{"version", "state", "rloc16", "extaddr", "ipaddr", "ipmaddr", "channel", "panid", "extpanid",
		"netdata show", "netdata show -x", "partitionid", "leaderdata"}
	if s.node.FTD() {
		lines = append(lines, "child table", "childip", "neighbor table", "router table", "nexthop", "eidcache", "deviceprops")
	}
	lines = append(lines, "srp client state", "srp client host", "srp client service", "srp client server",
		"srp server state", "srp server addrmode", "srp server host", "srp server service",
		"br state", "br omrprefix", "br onlinkprefix", "br prefixtable", "br nat64prefix", "bufferinfo")
	for _, line := range lines {
		a, _ := split(line)
		if s.find(commands, a[0]) == nil {
			continue // what a node has not got, it does not print
		}
		s.Line("$ %s", line)
		if err := s.dispatch(a); err != nil {
			s.result(err)
		}
	}
	return nil
}
