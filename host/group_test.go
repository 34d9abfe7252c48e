package host

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"heddle.example/machine"
)

// byDigit routes by the digit behind the last blank: "durable 2" is for machine 2.
func byDigit(_ *machine.Path, b []byte) int { return int(b[len(b)-1] - '0') }

func runGroup(t testing.TB, machines []machine.Machine, r GroupOptions) *Group {
	t.Helper()
	g, err := testHost(t).NewGroup(machines, r)
	if err == nil {
		err = g.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := g.Stop(ctx); err != nil && !errors.Is(err, ErrStopped) {
			t.Errorf("Stop: %v", err)
		}
	})
	return g
}

func echoes(n int) (list []*echo, machines []machine.Machine) {
	for range n {
		e := newEcho()
		list, machines = append(list, e), append(machines, e)
	}
	return list, machines
}

// Every datagram goes to the machine that Route names, whichever reader received it, and is answered from the socket
// that it came to. What Route says out of range goes to the first.
func TestGroupRoutes(t *testing.T) {
	h := testHost(t)
	socks := listen(t, h, "127.0.0.1:0", "127.0.0.1:0")
	list, machines := echoes(3)
	var mu sync.Mutex
	events := map[int]int{}
	g := runGroup(t, machines, GroupOptions{RunOptions: RunOptions{Sockets: socks}, Route: byDigit,
		OnAction: func(shard int, _ machine.Time, a machine.Action) {
			mu.Lock()
			defer mu.Unlock()
			events[shard]++
		}})
	var clients sync.WaitGroup
	for c := range 8 {
		clients.Go(func() {
			conn := dial(t, "udp", socks[c%2].Local().String())
			for i := range 60 {
				word := fmt.Sprintf("event %d %d", c, i%3)
				if got := ask(t, conn, word); got != word {
					t.Errorf("%q was answered %q", word, got)
				}
			}
			if got := ask(t, conn, "event 7"); got != "event 7" {
				t.Errorf("out of range: %q", got)
			}
		})
	}
	clients.Wait()
	for i, want := range []int{168, 160, 160} {
		got := 0
		g.Owners()[i].Do(func(machine.Time) { got = list[i].received })
		mu.Lock()
		if got != want || events[i] != want {
			t.Errorf("machine %d received %d and told %d events, want %d", i, got, events[i], want)
		}
		mu.Unlock()
	}
	if n := socks[0].Stats().Received + socks[1].Stats().Received; n != 488 {
		t.Errorf("%d datagrams were counted", n)
	}
}

// Each owner has its own commits: one that waits for the disk keeps back nobody else's answers.
func TestGroupCommits(t *testing.T) {
	h := testHost(t)
	socks := listen(t, h, "127.0.0.1:0")
	disk := &slowDisk{asked: make(chan struct{}, 1)}
	_, machines := echoes(2)
	g := runGroup(t, machines, GroupOptions{RunOptions: RunOptions{Sockets: socks, Committer: disk}, Route: byDigit})
	slow, quick := dial(t, "udp", socks[0].Local().String()), dial(t, "udp", socks[0].Local().String())
	if _, err := slow.Write([]byte("durable 0")); err != nil {
		t.Fatal(err)
	}
	<-disk.asked
	if got := ask(t, quick, "plain 1"); got != "plain 1" {
		t.Errorf("answered %q", got)
	}
	if st := g.Owners()[0].Stats(); st.HeldNow != 1 {
		t.Errorf("%d datagrams are held", st.HeldNow)
	}
	stopped := make(chan error)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		stopped <- g.Stop(ctx)
	}()
	time.Sleep(10 * time.Millisecond)
	disk.answer(nil)
	if got := hear(t, slow); got != "durable 0" {
		t.Errorf("answered %q", got)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Stop: %v", err)
	}
	if _, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(socks[0].Local())); err != nil {
		t.Errorf("the port is not free again: %v", err)
	}
	if err := g.Stop(context.Background()); !errors.Is(err, ErrStopped) {
		t.Errorf("a second Stop: %v", err)
	}
}
