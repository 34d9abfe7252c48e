package node

import (
	"errors"
	"io"
	"testing"
	"time"

	"heddle.example/host/radio"
	"heddle.example/internal/seat"
	"heddle.example/machine"
	"heddle.example/thread"
	"heddle.example/thread/shell"
)

// bystander stands around a node only to end it.
type bystander struct{ control chan *radio.Control }

func (b bystander) Started(c *radio.Control) { b.control <- c }

func (bystander) Boot(_ machine.Time, d radio.Device, _ *thread.Node, _ *shell.Config) (radio.Device, error) {
	return d, nil
}

func (bystander) Act(machine.Time, machine.Action) bool { return false }

// A page may sit down before the node runs, while it begins and after its end: then the node is busy, or closed.
func TestSeatBeforeAndAfterTheNode(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("PORT_OFFSET", "")
	s, b := NewSeat(nil), bystander{make(chan *radio.Control, 1)}
	look := func() error { return s.Do(t.Context(), func(machine.Time, *thread.Node) error { return nil }) }
	if err := look(); !errors.Is(err, seat.ErrBusy) {
		t.Error("before:", err)
	}
	ended := make(chan error, 1)
	go func() {
		_, err := Run(Options{ID: 1, Local: "127.0.0.1", PortOffset: "19", Speed: 1, Input: -1, Output: io.Discard, Profile: &thread.DefaultProfile, Seat: s, Around: b})
		ended <- err
	}()
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		err := look()
		if err == nil {
			break
		}
		if !errors.Is(err, seat.ErrBusy) || time.Now().After(end) {
			t.Fatal("while it begins:", err)
		}
	}
	c := <-b.control
	c.Post(func(machine.Time) { c.Stop(0) })
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if err := look(); !errors.Is(err, seat.ErrClosed) {
		t.Error("after:", err)
	}
}
