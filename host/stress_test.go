package host

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"heddle.example/machine"
)

// Everything at once, for the race detector: datagrams on two sockets, timers, commits from another goroutine, Do, Post,
// Submit, Rebind and Stats, and a Stop in the middle. The machine has no lock, so two in it at a time would show.
func TestEverythingAtOnce(t *testing.T) {
	h := testHost(t)
	server := newEcho()
	socks := listen(t, h, "127.0.0.1:0", ":0")
	disk := &goingDisk{queue: make(chan func(error), 10_000)}
	go disk.run()
	so, err := h.Run(server, RunOptions{Sockets: socks, Committer: disk, Inbox: 16})
	if err != nil {
		t.Fatal(err)
	}
	client := &counter{out: machine.NewOutbox(nil)}
	cs, err := h.Ephemeral(1, "")
	if err != nil {
		t.Fatal(err)
	}
	co := run(t, h, client, RunOptions{Sockets: []*Socket{cs}})
	end := time.Now().Add(300 * time.Millisecond)
	var group sync.WaitGroup
	var ran, accepted atomic.Int64
	for i := range 3 {
		group.Go(func() {
			for n := 0; time.Now().Before(end); n++ {
				to := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), socks[n%2].Local().Port())
				word := []string{"plain", "durable", "later", "event"}[n%4]
				co.Do(func(machine.Time) { client.say(cs.Path(to), word) })
				so.Do(func(machine.Time) { server.received += 0 })
				for _, f := range []func(func(machine.Time)) bool{so.Post, so.Submit} {
					if f(func(machine.Time) { ran.Add(1) }) {
						accepted.Add(1)
					}
				}
				if n%50 == 0 && i == 0 {
					if err := co.Rebind(cs); err != nil {
						t.Error(err)
					}
				}
				so.Stats()
				co.Stats()
			}
		})
	}
	group.Wait()
	if err := so.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	close(disk.queue)
	if ran.Load() != accepted.Load() {
		t.Errorf("%d functions were accepted, %d ran", accepted.Load(), ran.Load())
	}
	co.Do(func(machine.Time) {
		if client.n == 0 {
			t.Error("no answer came")
		}
	})
	if err := co.Rebind(socks[0]); err == nil {
		t.Error("a socket of another owner was bound anew")
	}
	if err := so.Stop(context.Background()); !errors.Is(err, ErrStopped) {
		t.Errorf("second Stop: %v", err)
	}
}

// goingDisk answers in order from a goroutine of its own.
type goingDisk struct{ queue chan func(error) }

func (d *goingDisk) Append(_ []machine.Record, done func(error)) { d.queue <- done }

func (d *goingDisk) run() {
	n := 0
	for done := range d.queue {
		if n++; n%100 == 0 {
			done(errors.New("now and then"))
			continue
		}
		done(nil)
	}
}

type counter struct {
	out machine.Outbox
	n   int
}

func (c *counter) Receive(machine.Time, machine.Cause, machine.Path, []byte) { c.out.Begin(); c.n++ }
func (c *counter) say(p machine.Path, word string) {
	c.out.Begin()
	c.out.Push(machine.Action{Kind: machine.Send, Path: p, Data: []byte(word)})
}
func (c *counter) Expire(machine.Time)          {}
func (c *counter) Deadline() machine.Time       { return machine.Never }
func (c *counter) Next() (machine.Action, bool) { return c.out.Next() }
