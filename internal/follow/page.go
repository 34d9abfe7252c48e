package follow

import (
	"time"

	"heddle.example/internal/trace"
	"heddle.example/machine"
)

// Requested implements api.Traces.
func (f *Follower) Requested(id string, received, answered time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if x := f.byID[id]; x != nil && x.received == 0 {
		x.received, x.replied = machine.Time(received.UnixNano()), machine.Time(answered.UnixNano())
	}
}

// Shown implements api.Traces.
func (f *Follower) Shown(id string, p trace.Page) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	x := f.byID[id]
	if x == nil {
		return trace.ErrUnknown
	}
	if x.page == nil { // the first page that says so is the one that asked
		x.page = &p
	}
	return nil
}

// click is when a page was clicked, when the request left it, when it had the answer, and when it showed it.
type click struct{ clicked, sent, got, shown machine.Time }

// click returns what is known of the page; nil: nothing. The page's clock may be another computer's, so only its intervals
// count: what of them the server did not see is HTTP's way, half of it there and half of it back.
func (x *exchange) click() *click {
	if x.page == nil || x.received == 0 {
		return nil
	}
	way := max(0, machine.Time(x.page.Request)*microsecond-(x.replied-x.received)) / 2
	c := click{sent: x.received - way, got: x.replied + way}
	c.clicked, c.shown = c.sent-machine.Time(x.page.Before)*microsecond, c.got+machine.Time(x.page.After)*microsecond
	return &c
}

const microsecond = machine.Time(time.Microsecond)

// origin is when the exchange began, as far as is known: with the click, with the request, or with the operation.
func (x *exchange) origin() machine.Time {
	at := x.began
	if x.received != 0 {
		at = min(at, x.received)
	}
	if c := x.click(); c != nil {
		at = min(at, c.clicked)
	}
	return at
}

// above are the spans of the page and of the REST interface, around an operation that ended at an instant.
func (x *exchange) above(end machine.Time) []seen {
	begin := x.began
	if x.received != 0 {
		begin, end = min(begin, x.received), max(end, x.replied)
	}
	list := []seen{whole("rest", "operation "+x.id, begin, end)}
	if c := x.click(); c != nil {
		list = append(list, whole("page", "", c.clicked, c.shown),
			seen{Span: trace.Span{Kind: "request", Label: "click, request"}, kind: "page", begin: c.clicked, end: c.sent},
			seen{Span: trace.Span{Kind: "answer", Label: "answer shown"}, kind: "page", begin: c.got, end: c.shown})
	}
	return list
}
