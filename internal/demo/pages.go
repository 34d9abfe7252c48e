package demo

import (
	"net/netip"

	"heddle.example/border"
	"heddle.example/internal/api"
	"heddle.example/internal/borderpage"
	"heddle.example/internal/borderrouter"
	"heddle.example/internal/seat"
)

// What the web pages of the mesh show of the demo.

// seat is the seat at the border router, or at the first node as long as there is none.
func (h *home) seat() seat.Seat {
	return h.shown.SeatAt(func() int {
		if h.border != nil {
			return h.border.Number()
		}
		return 1
	})
}

// page is the page Border router.
func (h *home) page() api.Border {
	s := h.seat()
	router := func() *border.Router {
		if h.border != nil {
			return h.border.Border()
		}
		return nil
	}
	doctor := &borderrouter.Doctor{Seat: s, Border: router}
	return borderpage.New(borderpage.Options{Seat: s, Border: router, Doctor: doctor.Examine, Who: h.who,
		Ask: func() borderrouter.Question {
			return borderrouter.Question{Server: *h.server.Load(), Name: EchoName}
		}})
}

// who tells whose addresses these are. It is called in the mesh's owner.
func (h *home) who() map[netip.Addr]borderpage.Name {
	all := map[netip.Addr]borderpage.Name{}
	for _, n := range h.net.Members() {
		t := n.Thread()
		if t == nil {
			continue
		}
		name := borderpage.Name{Node: n.Number(), Client: h.device(n.Number()).Client}
		for _, a := range t.Addresses() {
			all[a.Addr.Netip()] = name
		}
	}
	return all
}
