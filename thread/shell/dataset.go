package shell

import (
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
