package thread

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/info"
	"heddle.example/thread/ip6"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/status"
)

// Dataset returns the active or the pending dataset; NotFound when there is none.
func (n *Node) Dataset(now machine.Time, pending bool) (meshcop.Dataset, error) {
	d, ok := n.cop.Active(now)
	if pending {
		d, ok = n.cop.Pending(now)
	}
	return d, okay(ok, status.NotFound)
}

// SetDataset replaces one.
func (n *Node) SetDataset(now machine.Time, cause machine.Cause, pending bool, d meshcop.Dataset) error {
	return n.try(now, cause, func() error {
		if pending {
			return n.cop.SetPending(now, d)
		}
		return n.cop.SetActive(now, d)
	})
}

// NewNetwork draws the dataset of a new network.
func (n *Node) NewNetwork() meshcop.Info { return n.cop.NewNetwork() }

// DerivePSKc makes a commissioners' key of a passphrase.
func (n *Node) DerivePSKc(passphrase, name string, id [8]byte) ([16]byte, error) {
	return meshcop.DerivePSKc(passphrase, name, id)
}

// SendMgmtSet asks the leader to change a dataset. Nobody waits for the verdict.
func (n *Node) SendMgmtSet(now machine.Time, cause machine.Cause, pending bool, d meshcop.Dataset) error {
	return n.try(now, cause, func() error { return n.cop.MgmtSet(now, pending, d, nil) })
}

// SendMgmtGet asks a node, or the leader, for TLVs of a dataset.
func (n *Node) SendMgmtGet(now machine.Time, cause machine.Cause, pending bool, types []byte, to ip6.Address) error {
	return n.try(now, cause, func() error { return n.cop.MgmtGet(now, pending, types, to, nil) })
}

// UpdateOngoing reports whether a RequestUpdate is under way.
func (n *Node) UpdateOngoing() bool { return n.cop.Updating() }

// RequestUpdate changes fields of the active dataset through a pending one. The end is a Result with *info.Done.
func (n *Node) RequestUpdate(now machine.Time, cause machine.Cause, d meshcop.Dataset) (machine.OpID, error) {
	n.begin(now, cause)
	defer n.finish(now)
	n.lastOp++
	op := n.lastOp
	err := n.cop.Update(now, d, func(_ machine.Time, err error) { n.result(op, cause, &info.Done{Err: err}) })
	return op, err
}

// CancelUpdate ends it without a word.
func (n *Node) CancelUpdate(machine.Time) { n.cop.CancelUpdate() }

// DelayTimerMin returns the shortest delay of a pending dataset, in milliseconds.
func (n *Node) DelayTimerMin() uint32 { return uint32(n.cop.DelayMin() / time.Millisecond) }

// SetDelayTimerMin changes it.
func (n *Node) SetDelayTimerMin(ms uint32) error {
	return n.cop.SetDelayMin(time.Duration(ms) * time.Millisecond)
}
