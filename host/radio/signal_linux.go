package radio

import (
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
)

// terminator notes that the system wants the program to end.
type terminator struct {
	asked   atomic.Bool
	signals chan os.Signal
	done    chan struct{}
}

func onSignal(w wakeup) *terminator {
	t := &terminator{signals: make(chan os.Signal, 4), done: make(chan struct{})}
	signal.Notify(t.signals, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		defer close(t.done)
		if _, ok := <-t.signals; ok {
			t.asked.Store(true)
			w.wake()
		}
	}()
	return t
}

func (t *terminator) stop() {
	signal.Stop(t.signals)
	close(t.signals)
	<-t.done
}
