// Package commissioning lets devices into a mesh by a page: it works a node's commissioner, and keeps what became of each
// device that tried.
package commissioning

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"heddle.example/internal/seat"
	"heddle.example/machine"
	"heddle.example/thread"
	"heddle.example/thread/info"
	"heddle.example/thread/joining"
)

// Status is how the commissioner is, and who may join.
type Status struct {
	State    string   `json:"state" enum:"disabled,petitioning,active"`
	Role     string   `json:"role" doc:"of the node: only an attached one can be a commissioner"`
	Attached bool     `json:"attached"`
	Network  string   `json:"network"`
	Session  uint16   `json:"session,omitempty"`
	Joiners  []Joiner `json:"joiners" doc:"who may join now"`
	Attempts []Try    `json:"attempts" doc:"who tried, the latest first"`
	Problem  string   `json:"problem,omitempty" doc:"why the commissioner is not active, where that is known"`
}

// Joiner is a device, or a kind of devices, that may join. Its password is not shown again.
type Joiner struct {
	ID   string `json:"id" doc:"* for any, an EUI-64, or a discerner as number/bits" example:"18b4300000000005"`
	Kind string `json:"kind" enum:"any,eui64,discerner"`
	Left int64  `json:"left" doc:"seconds until it may no more"`
}

// Try is one attempt to join.
type Try struct {
	At     time.Time `json:"at"`
	ID     string    `json:"id" doc:"what the joiner calls itself: made from its EUI-64"`
	Joiner string    `json:"joiner,omitempty" doc:"id of the entry that it fits, where that is known"`
	State  string    `json:"state" enum:"connecting,secured,joined,failed"`
	Why    string    `json:"why,omitempty" doc:"why it failed and what to do"`
	Took   int64     `json:"took" doc:"milliseconds from the first message"`

	began machine.Time // by the node's clock
	over  bool
}

// Add says who may join. Either ID or QR is given.
type Add struct {
	ID      string `json:"id,omitempty" maxLength:"40" doc:"* for any, an EUI-64, or a discerner as number/bits"`
	PSKd    string `json:"pskd,omitempty" maxLength:"32" doc:"joining device credential: 6 to 32 digits and capital letters without I, O, Q, Z"`
	QR      string `json:"qr,omitempty" maxLength:"200" doc:"text of the device's label instead of both" example:"v=1&&eui=18b4300000000005&&cc=J01NME"`
	Timeout int    `json:"timeout,omitempty" minimum:"1" maximum:"86400" doc:"seconds; 0: 120"`
}

// Service works the commissioner of one node.
type Service struct {
	seat  seat.Seat
	clock func() time.Time

	mu      sync.Mutex
	tries   []Try // the latest last
	problem string
	names   map[string]string // of joiner ids: the entry that they fit
}

const triesMost = 100

// New makes the service of a node, and listens to it as long as the program runs.
func New(s seat.Seat) *Service {
	c := &Service{seat: s, clock: time.Now, names: map[string]string{}}
	s.Listen(c.heard)
	return c
}

// Errors that say what to do.
var (
	ErrAttach  = errors.New("the node is not in a network: a commissioner needs one; start Thread on it first")
	ErrActive  = errors.New("the commissioner is not active yet: start it, and wait until the leader accepts it")
	ErrUnknown = errors.New("no such joiner may join")
)

// Status returns how it is.
func (c *Service) Status(ctx context.Context) (s *Status, err error) {
	s = &Status{Joiners: []Joiner{}, Attempts: []Try{}}
	err = c.seat.Do(ctx, func(now machine.Time, n *thread.Node) error {
		role := n.MLE().Role()
		s.State, s.Role, s.Attached = n.CommissionerState().String(), role.String(), role.Attached()
		s.Network = n.Datasets().Params().NetworkName
		if s.State == "active" {
			s.Session = n.CommissionerSession()
		}
		for _, e := range n.Joiners() {
			s.Joiners = append(s.Joiners, Joiner{ID: nameOf(&e), Kind: kindOf(&e), Left: max(0, int64(e.Expires.Sub(now)/time.Second))})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.State == "disabled" {
		s.Problem = c.problem
	}
	for i := len(c.tries) - 1; i >= 0; i-- {
		s.Attempts = append(s.Attempts, c.tries[i])
	}
	return s, nil
}

// Start asks the leader to accept this node as the network's commissioner. Stop ends it.
func (c *Service) Start(ctx context.Context) error {
	c.mu.Lock()
	c.problem = ""
	c.mu.Unlock()
	return c.seat.Do(ctx, func(now machine.Time, n *thread.Node) error {
		switch {
		case !n.MLE().Role().Attached():
			return ErrAttach
		case n.CommissionerState() != joining.CommissionerDisabled:
			return nil
		}
		return n.CommissionerStart(now, 0)
	})
}

// Stop ends the commissioner; who has not joined yet cannot any more.
func (c *Service) Stop(ctx context.Context) error {
	return c.seat.Do(ctx, func(now machine.Time, n *thread.Node) error {
		if n.CommissionerState() == joining.CommissionerDisabled {
			return nil
		}
		return n.CommissionerStop(now, 0)
	})
}

// Add lets a device in for a time.
func (c *Service) Add(ctx context.Context, a Add) error {
	e, err := a.entry()
	if err != nil {
		return err
	}
	timeout := 2 * time.Minute
	if a.Timeout > 0 {
		timeout = time.Duration(a.Timeout) * time.Second
	}
	return c.seat.Do(ctx, func(now machine.Time, n *thread.Node) error {
		if n.CommissionerState() != joining.Active {
			return ErrActive
		}
		if err := n.AddJoiner(now, 0, e, timeout); err != nil {
			return fmt.Errorf("the node refuses it: %w", err)
		}
		c.learn(&e)
		return nil
	})
}

// Remove lets it in no more.
func (c *Service) Remove(ctx context.Context, id string) error {
	e, err := parseID(id)
	if err != nil {
		return err
	}
	return c.seat.Do(ctx, func(now machine.Time, n *thread.Node) error {
		if n.CommissionerState() != joining.Active {
			return ErrActive
		}
		if n.RemoveJoiner(now, 0, e) != nil {
			return ErrUnknown
		}
		return nil
	})
}

// heard is called in the node's owner.
func (c *Service) heard(now machine.Time, a machine.Action) {
	switch v := a.Value.(type) {
	case *info.CommissionerState:
		c.mu.Lock()
		defer c.mu.Unlock()
		switch v.State {
		case "disabled":
			if c.problem == "" {
				c.problem = "The leader has another commissioner, did not answer, or it was stopped."
			}
		default:
			c.problem = ""
		}
	case *info.JoinerEvent:
		c.joiner(now, v)
	}
}
