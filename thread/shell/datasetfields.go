package shell

import (
	"strings"
	"unicode/utf8"

	"heddle.example/thread/meshcop"
	"heddle.example/thread/status"
)

// field is one part of a dataset.
type field struct {
	name  string
	has   meshcop.Fields
	kind  uint8
	print func(s *Shell, n *meshcop.Info)
	// parse reads words from i on and returns how many it took.
	parse func(s *Shell, a args, n *meshcop.Info) (int, error)
}

// fields are the parts, by name.
var fields []field

// titles are the parts in the order in which a dataset is printed.
var titles = []struct {
	title, name string
	secret      bool
}{
	{"Pending Timestamp", "pendingtimestamp", false},
	{"Active Timestamp", "activetimestamp", false},
	{"Channel", "channel", false},
	{"Wake-up Channel", "wakeupchannel", false},
	{"Channel Mask", "channelmask", false},
	{"Delay", "delay", false},
	{"Ext PAN ID", "extpanid", false},
	{"Mesh Local Prefix", "meshlocalprefix", false},
	{"Network Key", "networkkey", true},
	{"Network Name", "networkname", false},
	{"PAN ID", "panid", false},
	{"PSKc", "pskc", true},
	{"Security Policy", "securitypolicy", false},
}

func findField(name string) *field {
	switch name { // names of older versions
	case "delaytimer":
		name = "delay"
	case "localprefix":
		name = "meshlocalprefix"
	case "masterkey":
		name = "networkkey"
	}
	for i := range fields {
		if fields[i].name == name {
			return &fields[i]
		}
	}
	return nil
}

// one makes a parser that takes one word.
func one(parse func(a args, n *meshcop.Info) error) func(*Shell, args, *meshcop.Info) (int, error) {
	return func(_ *Shell, a args, n *meshcop.Info) (int, error) { return 1, parse(a, n) }
}

func init() {
	fields = []field{
		{"activetimestamp", meshcop.HasActiveTimestamp, meshcop.ActiveTimestamp,
			func(s *Shell, n *meshcop.Info) { s.Line("%d", n.ActiveTimestamp.Seconds()) },
			one(func(a args, n *meshcop.Info) error {
				v, err := a.u64(0)
				n.ActiveTimestamp = meshcop.NewTimestamp(v, 0, false)
				return err
			})},
		{"channel", meshcop.HasChannel, meshcop.Channel,
			func(s *Shell, n *meshcop.Info) { s.Line("%d", n.Channel) },
			one(func(a args, n *meshcop.Info) (err error) { n.Channel, err = a.u16(0); return })},
		{"channelmask", meshcop.HasChannelMask, meshcop.ChannelMask,
			func(s *Shell, n *meshcop.Info) { s.Line("0x%08x", n.ChannelMask) },
			one(func(a args, n *meshcop.Info) (err error) { n.ChannelMask, err = a.u32(0); return })},
		{"delay", meshcop.HasDelay, meshcop.DelayTimer,
			func(s *Shell, n *meshcop.Info) { s.Line("%d", n.Delay) },
			one(func(a args, n *meshcop.Info) (err error) { n.Delay, err = a.u32(0); return })},
		{"extpanid", meshcop.HasExtPANID, meshcop.ExtPANID,
			func(s *Shell, n *meshcop.Info) { s.Line("%s", hexOf(n.ExtPANID[:])) },
			one(func(a args, n *meshcop.Info) error { return a.hexInto(0, n.ExtPANID[:]) })},
		{"meshlocalprefix", meshcop.HasMeshLocalPrefix, meshcop.MeshLocalPrefix,
			func(s *Shell, n *meshcop.Info) { s.Line("%s", n.MeshLocalPrefix) },
			one(func(a args, n *meshcop.Info) error {
				ip, err := a.ip(0)
				n.MeshLocalPrefix = ip.Network()
				return err
			})},
		{"networkkey", meshcop.HasNetworkKey, meshcop.NetworkKeyTLV,
			func(s *Shell, n *meshcop.Info) { s.Line("%s", hexOf(n.NetworkKey[:])) },
			one(func(a args, n *meshcop.Info) error { return a.hexInto(0, n.NetworkKey[:]) })},
		{"networkname", meshcop.HasNetworkName, meshcop.NetworkName,
			func(s *Shell, n *meshcop.Info) { s.Line("%s", n.NetworkName) },
			one(parseNetworkName)},
		{"panid", meshcop.HasPANID, meshcop.PANID,
			func(s *Shell, n *meshcop.Info) { s.Line("0x%04x", n.PANID) },
			one(func(a args, n *meshcop.Info) (err error) { n.PANID, err = a.u16(0); return })},
		{"pendingtimestamp", meshcop.HasPendingTimestamp, meshcop.PendingTimestamp,
			func(s *Shell, n *meshcop.Info) { s.Line("%d", n.PendingTimestamp.Seconds()) },
			one(func(a args, n *meshcop.Info) error {
				v, err := a.u64(0)
				n.PendingTimestamp = meshcop.NewTimestamp(v, 0, false)
				return err
			})},
		{"pskc", meshcop.HasPSKc, meshcop.PSKc,
			func(s *Shell, n *meshcop.Info) { s.Line("%s", hexOf(n.PSKc[:])) }, parsePSKc},
		{"securitypolicy", meshcop.HasSecurityPolicy, meshcop.SecurityPolicyTLV,
			func(s *Shell, n *meshcop.Info) { s.policy(n.SecurityPolicy) }, parsePolicy},
		{"wakeupchannel", meshcop.HasWakeupChannel, meshcop.WakeupChannel,
			func(s *Shell, n *meshcop.Info) { s.Line("%d", n.WakeupChannel) },
			one(func(a args, n *meshcop.Info) (err error) { n.WakeupChannel, err = a.u16(0); return })},
	}
}

func parseNetworkName(a args, n *meshcop.Info) error {
	if len(a) == 0 || len(a[0]) > 16 || !utf8.ValidString(a[0]) || strings.ContainsFunc(a[0], func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return status.InvalidArgs
	}
	n.NetworkName = a[0]
	return nil
}

// parsePSKc takes 16 bytes, or -p and the passphrase that they come from.
func parsePSKc(s *Shell, a args, n *meshcop.Info) (int, error) {
	if !a.is(0, "-p") || !s.node.FTD() {
		return 1, a.hexInto(0, n.PSKc[:])
	}
	if !a.has(1) {
		return 0, status.InvalidArgs
	}
	name, id := s.node.NetworkName(), s.node.ExtPANID()
	if n.Has&meshcop.HasNetworkName != 0 {
		name = n.NetworkName
	}
	if n.Has&meshcop.HasExtPANID != 0 {
		id = n.ExtPANID
	}
	k, err := s.node.DerivePSKc(a[1], name, id)
	n.PSKc = k
	return 2, err
}

func (s *Shell) policy(p meshcop.SecurityPolicy) {
	s.Line("%d %s %d", p.RotationHours, p.Letters(), p.RoutingVersionThreshold)
}

// parsePolicy takes the rotation time in hours, letters, and the version threshold; the last two may be left out.
func parsePolicy(_ *Shell, a args, n *meshcop.Info) (int, error) {
	var p meshcop.SecurityPolicy
	var err error
	if p.RotationHours, err = a.u16(0); err != nil {
		return 0, err
	}
	took := 1
	if a.has(1) {
		if !p.SetLetters(a[1]) {
			return 0, status.InvalidArgs
		}
		took = 2
	}
	if a.has(2) {
		if p.RoutingVersionThreshold, err = a.u8(2); err == nil && p.RoutingVersionThreshold > 7 {
			err = status.InvalidArgs
		}
		if err != nil {
			return 0, err
		}
		took = 3
	}
	n.SecurityPolicy = p
	return took, nil
}
