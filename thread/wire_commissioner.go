package thread

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/info"
	"heddle.example/thread/ip6"
	"heddle.example/thread/joining"
	"heddle.example/thread/meshcop"
)

// commissionerEnv is the Node as joining.CommissionerEnv.
type commissionerEnv Node

func (e *commissionerEnv) Attached() bool         { return e.table.Self.Role.Attached() }
func (e *commissionerEnv) MeshLocal() ip6.Network { return e.cop.Params().MeshLocalPrefix }

// Post implements joining.Poster.
func (e *commissionerEnv) Post(now machine.Time, to ip6.Address, path string, payload []byte, confirmable bool,
	done func(now machine.Time, answer []byte, err error)) {
	(*Node)(e).post(now, to, path, payload, confirmable, done)
}

// CommissionerChanged implements joining.CommissionerEnv.
func (e *commissionerEnv) CommissionerChanged(now machine.Time, s joining.CommissionerState) {
	(*Node)(e).event(0, &info.CommissionerState{State: s.String()})
}

// JoinerEvent implements joining.CommissionerEnv.
func (e *commissionerEnv) JoinerEvent(now machine.Time, what joining.JoinerEvent, id *meshcop.JoinerID) {
	v := &info.JoinerEvent{Event: string(what)}
	if id != nil {
		v.ID = (*[8]byte)(id)
	}
	(*Node)(e).event(0, v)
}

// lets returns the node's commissioner, which is made when somebody asks for it.
func (n *Node) lets() *joining.Commissioner {
	if n.commissioner == nil {
		n.commissioner = joining.NewCommissioner(n.config.Rand, n.profile.JoinerEntries, (*commissionerEnv)(n))
		n.commissioner.Certify = n.certify
	}
	return n.commissioner
}

func (n *Node) commissionerDeadline() machine.Time {
	if n.commissioner == nil {
		return machine.Never
	}
	return n.commissioner.Deadline()
}

// CommissionerStart asks the leader to be the commissioner. Its states come as *info.CommissionerState.
func (n *Node) CommissionerStart(now machine.Time, cause machine.Cause) error {
	return n.try(now, cause, func() error { return n.lets().Start(now) })
}

// CommissionerStop resigns.
func (n *Node) CommissionerStop(now machine.Time, cause machine.Cause) error {
	return n.try(now, cause, func() error { return n.lets().Stop(now) })
}

// CommissionerState returns how far the commissioner is.
func (n *Node) CommissionerState() joining.CommissionerState { return n.lets().State() }

// CommissionerSession returns its session with the leader.
func (n *Node) CommissionerSession() uint16 { return n.lets().Session() }

// CommissionerID returns its name, and SetCommissionerID changes that.
func (n *Node) CommissionerID() string { return n.lets().Name() }

// SetCommissionerID changes its name.
func (n *Node) SetCommissionerID(name string) error { return n.lets().SetName(name) }

// SetProvisioningURL changes what joiners must name.
func (n *Node) SetProvisioningURL(url string) error { return n.lets().SetURL(url) }

// AddJoiner lets a joiner in for a time. What becomes of it comes as *info.JoinerEvent.
func (n *Node) AddJoiner(now machine.Time, cause machine.Cause, e joining.Entry, timeout time.Duration) error {
	return n.try(now, cause, func() error { return n.lets().AddJoiner(now, e, timeout) })
}

// RemoveJoiner lets it in no more.
func (n *Node) RemoveJoiner(now machine.Time, cause machine.Cause, e joining.Entry) error {
	return n.try(now, cause, func() error { return n.lets().RemoveJoiner(now, e) })
}

// Joiners returns who may join.
func (n *Node) Joiners() []joining.Entry {
	all := make([]joining.Entry, 0, 4)
	for _, e := range n.lets().Entries() {
		all = append(all, *e)
	}
	return all
}
