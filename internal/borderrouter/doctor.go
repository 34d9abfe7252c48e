package borderrouter

import (
	"context"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"heddle.example/border"
	"heddle.example/host/outside"
	"heddle.example/internal/seat"
	"heddle.example/machine"
	"heddle.example/thread"
)

// State is how a leg is.
type State string

// The states of a leg. One that is Warn works, but not for everything.
const (
	OK      State = "ok"
	Warn    State = "warn"
	Broken  State = "broken"
	Skipped State = "skipped"
)

// Leg is one leg of the way from the mesh to a server.
type Leg struct {
	Name  string
	State State
	Found string // what is there
	Do    string // what to do about it; "": nothing
	Took  time.Duration
}

// Report is what the doctor found, in the order of the way.
type Report struct {
	Legs []Leg
	Took time.Duration
}

// OK reports whether no leg is broken.
func (r *Report) OK() bool {
	for _, l := range r.Legs {
		if l.State == Broken {
			return false
		}
	}
	return true
}

// Lines returns the report as a person reads it.
func (r *Report) Lines() (list []string) {
	for _, l := range r.Legs {
		list = append(list, fmt.Sprintf("%-8s %-7s %s", l.State, l.Name, l.Found))
		if l.Do != "" {
			list = append(list, strings.Repeat(" ", 17)+"-> "+l.Do)
		}
	}
	if !r.OK() {
		return append(list, "There is something to do.")
	}
	return append(list, "All that was tested works.")
}

// Print writes the report.
func (r *Report) Print(w io.Writer) error {
	_, err := fmt.Fprintln(w, strings.Join(r.Lines(), "\n"))
	return err
}

// DefaultName is asked of the DNS servers where nobody names another.
const DefaultName = "example.com"

// Question says what is tested besides the border router itself.
type Question struct {
	// Server is an LwM2M server, as devices know it: coap://HOST:PORT, coaps://HOST:PORT; "": none is tried.
	Server string
	// Name is asked of the DNS servers; "": DefaultName.
	Name string
	// Attach is how long a node that is not attached yet is waited for; 0: 30 s.
	Attach time.Duration
	// Wait is how long an answer is waited for, the second time for twice as long, the third time for twice that; 0: 1 s.
	Wait time.Duration
}

// Doctor tests the legs of a border router's way, each by what a node would do: from the node itself, through the mesh's
// routes, out and back.
type Doctor struct {
	Seat seat.Seat
	// Border returns the border router of the seat's node; nil: it is none. It is called in the node's owner.
	Border func() *border.Router
	// Out is the way out; nil: a simulated one.
	Out outside.Outside
	// Trouble returns what keeps the outside from the mesh, nil where there is nothing. nil: nobody would know.
	Trouble func() error
	// Infra is the infrastructure link where multicast DNS is wanted, "" for none; Deaf returns why it is not spoken there, nil
	// where it is. It is called in the node's owner.
	Infra string
	Deaf  func() error
	// System looks at this computer; nil: it is not looked at, as for a simulated way out.
	System System
}

// System is what the doctor wants to know of the computer.
type System interface {
	// Route reports whether there is a way to an address at all.
	Route(to netip.Addr) error
	// Setting reads one of the kernel's (sysctl), "" where there is none.
	Setting(name string) string
	// Ask asks a DNS server for a name, past the mesh, and reports whether it answers, whatever that is.
	Ask(server netip.AddrPort, name string) error
}

// examination is one run.
type examination struct {
	*Doctor
	ctx  context.Context
	q    Question
	legs []Leg
	saw  border.Status
	hurt error // what Trouble says
	deaf error // what Deaf says
}

// Examine tests all legs. It takes some seconds, more where something is broken.
func (d *Doctor) Examine(ctx context.Context, q Question) Report {
	if q.Name == "" {
		q.Name = DefaultName
	}
	if q.Attach == 0 {
		q.Attach = 30 * time.Second
	}
	if q.Wait == 0 {
		q.Wait = time.Second
	}
	begun := time.Now()
	x := &examination{Doctor: d, ctx: ctx, q: q}
	broken := ""
	for _, leg := range []struct {
		name string
		test func() Leg
		// alone: it can be tested though an earlier leg is broken.
		alone bool
	}{
		{"radio", x.radio, true}, {"prefix", x.prefix, false}, {"route", x.route, false}, {"NAT64", x.nat64, false},
		{"ping", x.ping, true}, {"DNS", x.dns, false}, {"mDNS", x.mdns, false}, {"server", x.server, false},
	} {
		if leg.name == "mDNS" && d.Infra == "" {
			continue
		}
		if broken != "" && !leg.alone && (broken == "radio" || broken == "prefix" || broken == "route") {
			x.legs = append(x.legs, Leg{Name: leg.name, State: Skipped, Found: "not tested, because of the " + broken})
			continue
		}
		at := time.Now()
		l := leg.test()
		l.Name, l.Took = leg.name, time.Since(at)
		if l.State == Broken && broken == "" {
			broken = leg.name
		}
		x.legs = append(x.legs, l)
		if ctx.Err() != nil {
			break
		}
	}
	return Report{x.legs, time.Since(begun)}
}

// do runs f in the node's owner.
func (x *examination) do(f func(now machine.Time, n *thread.Node) error) error {
	return x.Seat.Do(x.ctx, f)
}

// look takes the state of the border router.
func (x *examination) look() (node bool, err error) {
	err = x.do(func(now machine.Time, n *thread.Node) error {
		if r := x.Border(); r != nil {
			node, x.saw = true, r.Status(now)
			if x.Trouble != nil {
				x.hurt = x.Trouble()
			}
			if x.Deaf != nil {
				x.deaf = x.Deaf()
			}
		}
		return nil
	})
	return node, err
}

// sleep waits, and reports whether there is still somebody who wants to know.
func (x *examination) sleep(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-x.ctx.Done():
		return false
	}
}

func trouble(err error) Leg { return Leg{State: Broken, Found: err.Error()} }
