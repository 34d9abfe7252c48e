package dataset

import (
	"context"
	"errors"
	"fmt"
	"time"

	"heddle.example/internal/seat"
	"heddle.example/machine"
	"heddle.example/thread"
	"heddle.example/thread/meshcop"
)

// Service is the page of one node.
type Service struct{ seat seat.Seat }

// New makes it.
func New(s seat.Seat) *Service { return &Service{seat: s} }

// Errors that say what to do.
var (
	ErrRuns   = errors.New("Thread runs on this node: its network is changed with a pending dataset, or stop Thread first")
	ErrNone   = errors.New("the node has no dataset yet: make a new one or import one")
	ErrWhole  = errors.New("the dataset is not whole: a network needs name, channel, channel mask, PAN ids, prefix, key, PSKc and policy")
	ErrDetach = errors.New("the node is not attached: nobody would hear of the change")
	ErrLeader = errors.New("the leader refuses the change: it has a newer one, or another commissioner")
	ErrSilent = errors.New("the leader has not answered")
)

// Status returns the node's network. secrets shows its keys.
func (s *Service) Status(ctx context.Context, secrets bool) (st *Status, err error) {
	st = &Status{}
	err = s.seat.Do(ctx, func(now machine.Time, n *thread.Node) error {
		role := n.MLE().Role()
		st.Role, st.Attached, st.Up = role.String(), role.Attached(), role.String() != "disabled"
		st.DelayMin = n.DelayTimerMin()
		if d, err := n.Dataset(now, false); err == nil {
			st.Active = fromTLVs(&d, secrets)
		}
		if d, err := n.Dataset(now, true); err == nil {
			st.Pending = fromTLVs(&d, secrets)
		}
		return nil
	})
	return st, err
}

// Draw returns the dataset of a new network, of secure random values. Nothing is changed by it.
func (s *Service) Draw(ctx context.Context) (d *Dataset, err error) {
	err = s.seat.Do(ctx, func(now machine.Time, n *thread.Node) error {
		var b meshcop.Dataset
		i := n.NewNetwork()
		i.NetworkName = fmt.Sprintf("heddle-%04x", i.PANID)
		if err := i.Write(&b); err != nil {
			return err
		}
		d = fromTLVs(&b, true)
		return nil
	})
	return d, err
}

// Look returns what TLVs say.
func (s *Service) Look(p Parse) (*Dataset, error) {
	d, err := parseTLVs(p.TLVs)
	if err != nil {
		return nil, err
	}
	return fromTLVs(&d, true), nil
}

// Set changes the dataset: at once where Thread does not run, else by a pending dataset that all nodes of the network take at
// the same instant.
func (s *Service) Set(ctx context.Context, c Change) error {
	verdict, asked := make(chan error, 1), false
	err := s.seat.Do(ctx, func(now machine.Time, n *thread.Node) error {
		old, has := n.Dataset(now, false)
		d := meshcop.Dataset{}
		if has == nil {
			d = old.Clone()
		}
		if c.TLVs != "" {
			var err error
			if d, err = parseTLVs(c.TLVs); err != nil {
				return err
			}
			d.Remove(meshcop.PendingTimestamp)
			d.Remove(meshcop.DelayTimer)
		}
		if err := c.Dataset.write(&d); err != nil {
			return err
		}
		if n.MLE().Role().String() == "disabled" {
			return setNow(now, n, d, old)
		}
		if has != nil {
			return ErrNone
		}
		asked = true
		return setLater(now, n, d, old, c.After, verdict)
	})
	if err != nil || !asked {
		return err
	}
	wait, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	select {
	case err := <-verdict:
		return err
	case <-wait.Done():
		return ErrSilent
	}
}

// setNow is `dataset commit active`.
func setNow(now machine.Time, n *thread.Node, d, old meshcop.Dataset) error {
	if !d.Has(meshcop.ActiveTimestamp) {
		if err := d.WriteTimestamp(meshcop.ActiveTimestamp, meshcop.NewTimestamp(1, 0, false)); err != nil {
			return err
		}
	}
	if !d.Complete() {
		return ErrWhole
	}
	return n.SetDataset(now, 0, false, d)
}

// setLater asks the leader for a pending dataset (MGMT_PENDING_SET.req), newer than what there is.
func setLater(now machine.Time, n *thread.Node, d, old meshcop.Dataset, after uint32, verdict chan<- error) error {
	if !n.MLE().Role().Attached() {
		return ErrDetach
	}
	if after == 0 {
		after = 30_000
	}
	active, pending := old.Timestamp(meshcop.ActiveTimestamp), uint64(1)
	if p, err := n.Dataset(now, true); err == nil {
		pending = p.Timestamp(meshcop.PendingTimestamp).Seconds() + 1
	}
	seconds := uint64(1)
	if active.Valid() {
		seconds = active.Seconds() + 1
	}
	for _, err := range []error{
		d.WriteTimestamp(meshcop.ActiveTimestamp, meshcop.NewTimestamp(seconds, 0, false)),
		d.WriteTimestamp(meshcop.PendingTimestamp, meshcop.NewTimestamp(pending, 0, false)),
		d.Write32(meshcop.DelayTimer, max(after, n.DelayTimerMin())),
	} {
		if err != nil {
			return err
		}
	}
	if !d.Complete() {
		return ErrWhole
	}
	var err error
	n.Do(now, 0, func() {
		err = n.Datasets().MgmtSet(now, true, d, func(_ machine.Time, err error) {
			if err != nil {
				err = fmt.Errorf("%w (%w)", ErrLeader, err)
			}
			verdict <- err
		})
	})
	return err
}

// Run starts Thread on the node, or stops it.
func (s *Service) Run(ctx context.Context, on bool) error {
	lines := []string{"thread stop", "ifconfig down"}
	if on {
		if st, err := s.Status(ctx, false); err != nil {
			return err
		} else if st.Active == nil {
			return ErrNone
		}
		lines = []string{"ifconfig up", "thread start"}
	}
	for _, line := range lines {
		said, err := s.seat.Type(ctx, line)
		if err != nil {
			return err
		}
		if said.Last != "Done" {
			return fmt.Errorf("%s: %s", line, said.Last)
		}
	}
	return nil
}
