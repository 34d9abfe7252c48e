package shell

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/info"
	"heddle.example/thread/ip6"
	"heddle.example/thread/joining"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/status"
)

// Commissioning is how the node lets others into its network, who do not know its key.
type Commissioning interface {
	CommissionerStart(now machine.Time, cause machine.Cause) error
	CommissionerStop(now machine.Time, cause machine.Cause) error
	CommissionerState() joining.CommissionerState
	CommissionerSession() uint16
	CommissionerID() string
	SetCommissionerID(string) error
	SetProvisioningURL(string) error
	AddJoiner(now machine.Time, cause machine.Cause, e joining.Entry, timeout time.Duration) error
	RemoveJoiner(now machine.Time, cause machine.Cause, e joining.Entry) error
	Joiners() []joining.Entry
	AnnounceBegin(now machine.Time, cause machine.Cause, mask uint32, count uint8, period uint16, to ip6.Address) error
	QueryEnergy(now machine.Time, cause machine.Cause, mask uint32, count uint8, period, duration uint16, to ip6.Address) error
	QueryPANID(now machine.Time, cause machine.Cause, pan uint16, mask uint32, to ip6.Address) error
	SendCommissionerGet(now machine.Time, cause machine.Cause, types []byte) error
	SendCommissionerSet(now machine.Time, cause machine.Cause, tlvs []byte) error
}

// joinerTime is how long a joiner may join, in seconds.
const joinerTime = 120

var commissionerCommands []entry

func init() {
	commissionerCommands = []entry{
		{name: "announce", run: commissionerAnnounce},
		{name: "energy", run: commissionerEnergy},
		{name: "id", run: func(s *Shell, a args) error {
			return text(s, a, s.node.CommissionerID, s.node.SetCommissionerID)
		}},
		{name: "joiner", run: commissionerJoiner},
		{name: "mgmtget", run: commissionerGet},
		{name: "mgmtset", run: commissionerSet},
		{name: "panid", run: commissionerPANID},
		{name: "provisioningurl", run: func(s *Shell, a args) error { return s.node.SetProvisioningURL(a.at(0)) }},
		{name: "sessionid", run: func(s *Shell, _ args) error { s.Line("%d", s.node.CommissionerSession()); return nil }},
		{name: "start", run: func(s *Shell, _ args) error {
			return s.early(s.node.CommissionerStart(s.now, s.cause), "Commissioner: petitioning")
		}},
		{name: "state", run: func(s *Shell, _ args) error { s.Line("%s", s.node.CommissionerState()); return nil }},
		{name: "stop", run: func(s *Shell, _ args) error {
			return s.early(s.node.CommissionerStop(s.now, s.cause), "Commissioner: disabled")
		}},
	}
}

func commissioner(s *Shell, a args) error { return s.group(commissionerCommands, a) }

// discerner reads number/bits. It is none where no / is in it.
func (a args) discerner(i int) (d joining.Discerner, ok bool, err error) {
	number, bits, ok := strings.Cut(a.at(i), "/")
	if !ok {
		return d, false, nil
	}
	n, err := args{bits}.u8(0)
	if err == nil && (n == 0 || n > 64) {
		err = status.InvalidArgs
	}
	if err == nil {
		d.Value, err = args{number}.u64(0)
	}
	d.Length = int(n)
	return d, true, err
}

// destination reads the address at the end of a request's words.
func (a args) destination(i int, err error) (ip6.Address, error) {
	if err != nil {
		return ip6.Address{}, err
	}
	return a.ip(i)
}

// first returns the first error.
func first(all ...error) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}

func commissionerAnnounce(s *Shell, a args) error {
	mask, e0 := a.u32(0)
	count, e1 := a.u8(1)
	period, e2 := a.u16(2)
	to, err := a.destination(3, first(e0, e1, e2))
	if err != nil {
		return err
	}
	return s.node.AnnounceBegin(s.now, s.cause, mask, count, period, to)
}

func commissionerEnergy(s *Shell, a args) error {
	mask, e0 := a.u32(0)
	count, e1 := a.u8(1)
	period, e2 := a.u16(2)
	duration, e3 := a.u16(3)
	to, err := a.destination(4, first(e0, e1, e2, e3))
	if err != nil {
		return err
	}
	return s.node.QueryEnergy(s.now, s.cause, mask, count, period, duration, to)
}

func commissionerPANID(s *Shell, a args) error {
	pan, e0 := a.u16(0)
	mask, e1 := a.u32(1)
	to, err := a.destination(2, first(e0, e1))
	if err != nil {
		return err
	}
	return s.node.QueryPANID(s.now, s.cause, pan, mask, to)
}

func commissionerJoiner(s *Shell, a args) error {
	switch {
	case len(a) == 0:
		return status.InvalidArgs
	case a[0] == "table":
		return joinerTable(s)
	case len(a) == 1:
		return status.InvalidArgs
	}
	e, err := a.joiner(1)
	if err != nil {
		return err
	}
	switch a[0] {
	case "add":
		if len(a) == 2 {
			return status.InvalidArgs
		}
		seconds := uint32(joinerTime)
		if len(a) > 3 {
			if seconds, err = a.u32(3); err != nil {
				return err
			}
		}
		e.Password = a[2]
		return s.node.AddJoiner(s.now, s.cause, e, time.Duration(seconds)*time.Second)
	case "remove":
		line := "Commissioner: Joiner remove "
		if e.Kind == joining.ByEUI64 {
			id := meshcop.NewJoinerID(e.EUI64)
			line += hexOf(id[:])
		}
		return s.early(s.node.RemoveJoiner(s.now, s.cause, e), line)
	}
	return status.InvalidArgs
}

// joiner reads whom an entry is for: an EUI-64, number/bits, or * for all.
func (a args) joiner(i int) (e joining.Entry, err error) {
	if a.is(i, "*") {
		return e, nil
	}
	d, ok, err := a.discerner(i)
	if e.Kind, e.Discerner = joining.ByDiscerner, d; err == nil && !ok {
		e.Kind = joining.ByEUI64
		e.EUI64, err = a.ext(i)
	}
	return e, err
}

func joinerTable(s *Shell) error {
	s.table(column{"ID", 23}, column{"PSKd", 34}, column{"Expiration", 12})
	for _, e := range s.node.Joiners() {
		id := "*"
		switch e.Kind {
		case joining.ByEUI64:
			id = hexOf(e.EUI64[:])
		case joining.ByDiscerner:
			id = fmt.Sprintf("0x%016x/%2d", e.Discerner.Value, e.Discerner.Length)
		}
		s.Line("| %21s | %32s | %10d |", id, e.Password, max(0, e.Expires.Sub(s.now).Milliseconds()))
	}
	return nil
}

// commissioned prints what comes to a commissioner, and reports whether it was that.
func (s *Shell) commissioned(v any) bool {
	switch v := v.(type) {
	case *info.CommissionerState:
		s.late("Commissioner: " + v.State)
	case *info.JoinerEvent:
		id := ""
		if v.ID != nil {
			id = hexOf(v.ID[:])
		}
		s.late("Commissioner: Joiner " + v.Event + " " + id)
	case *info.JoinerDone:
		s.joined(v)
	case *info.EnergyReport:
		s.Printf("Energy: %08x ", v.Channels)
		for _, r := range v.RSSI {
			s.Printf("%d ", int8(r))
		}
		s.Line("")
	case *info.PANIDConflict:
		s.Line("Conflict: %04x, %08x", v.PANID, v.Channels)
	default:
		return false
	}
	return true
}

// early prints what a command's success makes known, before the Done, where OpenThread has it; the event comes later.
func (s *Shell) early(err error, line string) error {
	if err == nil {
		s.Line("%s", line)
		s.said = append(s.said, line)
	}
	return err
}

// late prints the line of an event, unless the command has done that.
func (s *Shell) late(line string) {
	if i := slices.Index(s.said, line); i >= 0 {
		s.said = slices.Delete(s.said, i, i+1)
		return
	}
	s.Line("%s", line)
}
