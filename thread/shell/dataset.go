package shell

import (
	"strings"
	"unicode/utf8"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/status"
)

// Datasets is the operational datasets.
type Datasets interface {
	// Dataset returns the active or the pending dataset; NotFound when there is none.
	Dataset(now machine.Time, pending bool) (meshcop.Dataset, error)
	// SetDataset replaces it, as if it was committed on this node.
	SetDataset(now machine.Time, cause machine.Cause, pending bool, d meshcop.Dataset) error
	NewNetwork() meshcop.Info
	DerivePSKc(passphrase, networkName string, extPANID [8]byte) ([16]byte, error)
	// SendMgmtSet and SendMgmtGet ask the leader.
	SendMgmtSet(now machine.Time, cause machine.Cause, pending bool, d meshcop.Dataset) error
	SendMgmtGet(now machine.Time, cause machine.Cause, pending bool, types []byte, to ip6.Address) error
	UpdateOngoing() bool
	RequestUpdate(now machine.Time, cause machine.Cause, d meshcop.Dataset) (machine.OpID, error)
	CancelUpdate(now machine.Time)
	DelayTimerMin() uint32 // milliseconds
	SetDelayTimerMin(ms uint32) error
}

// datasetState is the dataset that the `dataset` commands edit before it is committed.
type datasetState struct {
	edited meshcop.Dataset
}

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

// policyFlags are the letters of a security policy, in the order in which they are printed.
func policyFlags(p *meshcop.SecurityPolicy) []flag {
	return []flag{{'o', &p.ObtainNetworkKey}, {'n', &p.NativeCommissioning}, {'r', &p.Routers}, {'c', &p.ExternalCommissioning},
		{'C', &p.CommercialCommissioning}, {'e', &p.AutonomousEnrollment}, {'p', &p.NetworkKeyProvisioning}, {'R', &p.NonCCMRouters}}
}

func (s *Shell) policy(p meshcop.SecurityPolicy) {
	flags := letters(policyFlags(&p))
	if flags == "" {
		flags = " "
	}
	s.Line("%d%s %d", p.RotationHours, flags, p.RoutingVersionThreshold)
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
		for _, c := range []byte(a[1]) {
			found := false
			for _, f := range policyFlags(&p) {
				if f.letter == c {
					*f.on, found = true, true
				}
			}
			if !found {
				return 0, status.InvalidArgs
			}
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

var datasetCommands []entry

func init() {
	datasetCommands = []entry{
		{name: "active", run: func(s *Shell, a args) error { return datasetShow(s, a, false) }},
		{name: "clear", run: func(s *Shell, _ args) error { s.edited = meshcop.Dataset{}; return nil }},
		{name: "commit", run: datasetCommit},
		{name: "init", run: datasetInit},
		{name: "mgmtgetcommand", run: mgmtGet},
		{name: "mgmtsetcommand", run: mgmtSet},
		{name: "pending", run: func(s *Shell, a args) error { return datasetShow(s, a, true) }},
		{name: "set", run: datasetSet},
		{name: "tlvs", run: func(s *Shell, a args) error {
			return get(s, a, func() string { return hexOf(s.edited.Bytes()) })
		}},
		{name: "updater", ftd: true, run: datasetUpdater},
	}
}

func dataset(s *Shell, a args) error {
	switch {
	case len(a) == 0:
		return s.printDataset(&s.edited, false)
	case a[0] == "help":
		s.list(datasetCommands)
		return nil
	}
	if f := findField(a[0]); f != nil {
		return s.datasetField(f, a[1:])
	}
	if run := s.find(datasetCommands, a[0]); run != nil {
		return run(s, a[1:])
	}
	return status.InvalidCommand
}

func (s *Shell) datasetField(f *field, a args) error {
	if len(a) == 0 {
		if err := s.edited.Validate(); err != nil {
			return status.InvalidArgs
		}
		if n := s.edited.Info(); n.Has&f.has != 0 {
			f.print(s, &n)
		}
		return nil
	}
	var n meshcop.Info
	if _, err := f.parse(s, a, &n); err != nil {
		return err
	}
	n.Has = f.has
	d := s.edited.Clone()
	if err := n.Write(&d); err != nil {
		return err
	}
	s.edited = d
	return nil
}

func (s *Shell) printDataset(d *meshcop.Dataset, hide bool) error {
	if err := d.Validate(); err != nil {
		return status.InvalidArgs
	}
	n := d.Info()
	for _, t := range titles {
		f := findField(t.name)
		if n.Has&f.has == 0 {
			continue
		}
		s.Printf("%s: ", t.title)
		if hide && t.secret {
			s.Line("[Redacted]")
		} else {
			f.print(s, &n)
		}
	}
	return nil
}

func datasetShow(s *Shell, a args, pending bool) error {
	d, err := s.node.Dataset(s.now, pending)
	if err != nil {
		return err
	}
	switch a.at(0) {
	case "":
		return s.printDataset(&d, false)
	case "-ns":
		return s.printDataset(&d, true)
	case "-x":
		s.Line("%s", hexOf(d.Bytes()))
		return nil
	}
	return status.InvalidArgs
}

// which parses active or pending.
func which(a args, i int) (pending bool, err error) {
	switch a.at(i) {
	case "active":
		return false, nil
	case "pending":
		return true, nil
	}
	return false, status.InvalidArgs
}

func datasetInit(s *Shell, a args) error {
	if pending, err := which(a, 0); err == nil {
		d, err := s.node.Dataset(s.now, pending)
		if err == nil {
			s.edited = d.Clone()
		}
		return err
	}
	switch {
	case a.is(0, "new") && s.node.FTD():
		n := s.node.NewNetwork()
		d, err := n.Dataset()
		if err == nil {
			s.edited = d
		}
		return err
	case a.is(0, "tlvs"):
		d, err := parseTLVs(a, 1)
		if err == nil {
			s.edited = d
		}
		return err
	}
	return status.InvalidArgs
}

func parseTLVs(a args, i int) (meshcop.Dataset, error) {
	b, err := a.hex(i, meshcop.MaxLength)
	if err != nil {
		return meshcop.Dataset{}, err
	}
	return meshcop.ParseDataset(b)
}

func datasetCommit(s *Shell, a args) error {
	pending, err := which(a, 0)
	if err != nil {
		return err
	}
	return s.node.SetDataset(s.now, s.cause, pending, s.edited.Clone())
}

func datasetSet(s *Shell, a args) error {
	d, err := parseTLVs(a, 1)
	if err != nil {
		return err
	}
	pending, err := which(a, 0)
	if err != nil {
		return err
	}
	return s.node.SetDataset(s.now, s.cause, pending, d)
}

func mgmtSet(s *Shell, a args) error {
	var n meshcop.Info
	var extra meshcop.Dataset
	for i := 1; i < len(a); {
		f := findField(a[i])
		switch {
		case f != nil:
			took, err := f.parse(s, a.from(i+1), &n)
			if err != nil {
				return err
			}
			n.Has |= f.has
			i += 1 + took
		case a[i] == "-x":
			d, err := parseTLVs(a, i+1)
			if err != nil {
				return err
			}
			extra = d
			i += 2
		default:
			return status.InvalidArgs
		}
	}
	pending, err := which(a, 0)
	if err != nil {
		return err
	}
	d, err := n.Dataset()
	if err == nil {
		err = d.Append(extra.Bytes())
	}
	if err != nil {
		return err
	}
	return s.node.SendMgmtSet(s.now, s.cause, pending, d)
}

// getOrder is the order in which a request names TLVs, whatever the order of words (DatasetManager::SendGetRequest).
var getOrder = []string{"activetimestamp", "pendingtimestamp", "networkkey", "networkname", "extpanid", "meshlocalprefix", "delay",
	"panid", "channel", "wakeupchannel", "pskc", "securitypolicy", "channelmask"}

func mgmtGet(s *Shell, a args) error {
	var asked meshcop.Fields
	var types []byte
	var to ip6.Address
	for i := 1; i < len(a); i++ {
		switch f := findField(a[i]); {
		case f != nil:
			asked |= f.has
		case a[i] == "-x":
			i++
			d, err := parseTLVs(a, i)
			if err != nil {
				return err
			}
			types = append(types, d.Bytes()...)
		case a[i] == "address":
			i++
			ip, err := a.ip(i)
			if err != nil {
				return err
			}
			to = ip
		default:
			return status.InvalidArgs
		}
	}
	pending, err := which(a, 0)
	if err != nil {
		return err
	}
	var known []byte
	for _, name := range getOrder {
		if f := findField(name); asked&f.has != 0 {
			known = append(known, f.kind)
		}
	}
	return s.node.SendMgmtGet(s.now, s.cause, pending, append(known, types...), to)
}

func datasetUpdater(s *Shell, a args) error {
	switch a.at(0) {
	case "":
		s.enabled(s.node.UpdateOngoing())
		return nil
	case "start":
		if err := s.edited.Validate(); err != nil {
			return status.InvalidArgs
		}
		op, err := s.node.RequestUpdate(s.now, s.cause, s.edited.Clone())
		s.update = op
		return err
	case "cancel":
		s.node.CancelUpdate(s.now)
		return nil
	}
	return status.InvalidArgs
}

func delayTimerMin(s *Shell, a args) error {
	switch len(a) {
	case 0:
		s.Line("%d", s.node.DelayTimerMin()/1000)
		return nil
	case 1:
		sec, err := a.u32(0)
		if err != nil {
			return err
		}
		return s.node.SetDelayTimerMin(sec * 1000)
	}
	return status.InvalidArgs
}
