package borderrouter

import (
	"context"
	"errors"
	"time"

	"heddle.example/internal/seat"
	"heddle.example/machine"
	"heddle.example/thread"
	"heddle.example/thread/shell"
	"heddle.example/thread/status"
)

// Sit gives the border router a seat at its node, from which the doctor works. Before the node runs.
func (g *Gateway) Sit(s seat.Seat) { g.seat = s }

// visitTime is the longest that the doctor may take at the prompt.
const visitTime = 2 * time.Minute

// visit is the command `doctor [SERVER]` of the node's prompt.
func (g *Gateway) visit(s *shell.Shell, words []string) error {
	if g.seat == nil || len(words) > 1 {
		return status.InvalidArgs
	}
	var q Question
	if len(words) == 1 {
		q.Server = words[0]
	}
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), visitTime)
		defer cancel()
		r := g.Doctor(g.seat).Examine(ctx, q)
		g.post(func(machine.Time) {
			for _, l := range r.Lines() {
				s.Line("%s", l)
			}
			s.Finish(nil)
		})
	}()
	return status.Pending
}

// Visit has the node, which is about to run, examined once and then ended. got gets the report, from another goroutine.
func (g *Gateway) Visit(ctx context.Context, q Question, got func(r *Report)) {
	go func() {
		for { // until the node runs
			err := g.seat.Do(ctx, func(machine.Time, *thread.Node) error { return nil })
			if err == nil {
				break
			}
			if ctx.Err() != nil || errors.Is(err, seat.ErrClosed) {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		r := g.Doctor(g.seat).Examine(ctx, q)
		got(&r)
		g.post(func(machine.Time) { g.control.Load().Stop(map[bool]int{true: 0, false: 1}[r.OK()]) })
	}()
}
