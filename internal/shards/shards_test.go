package shards

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/host"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
	"heddle.example/store"
)

// rig is shards on the loopback, and a device that is no more than a socket.
type rig struct {
	t      *testing.T
	s      *Shards
	device *net.UDPConn
	events chan any
}

func newRig(t *testing.T) *rig {
	t.Helper()
	h := host.New(host.Options{ReceiveBuffer: 1 << 20})
	sockets, err := h.Listen(0, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, events: make(chan any, 100)}
	addr := sockets[0].Local()
	r.s, err = Start(Config{Host: h, Shards: 1, Server: server.Config{Unknown: server.AcceptUnknown}, Plain: sockets, Store: store.Memory(), Tables: server.Tables(), OnEvent: func(v any) { r.events <- v }})
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(addr))
	if err != nil {
		t.Fatal(err)
	}
	r.device = c
	t.Cleanup(func() {
		c.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		r.s.Stop(ctx)
	})
	m := coap.Message{Type: coap.CON, Code: coap.POST, ID: 1, Payload: []byte("</3/0>")}
	m.Options = m.Options.AppendPath("/rd").SetFormat(coap.LinkFormat).AddQuery("lwm2m=1.1").AddQuery("ep=lamp")
	r.send(&m)
	select {
	case v := <-r.events:
		if _, ok := v.(*server.Registered); !ok {
			t.Fatalf("event %T", v)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("not registered")
	}
	r.receive() // 2.01
	return r
}

func (r *rig) send(m *coap.Message) {
	r.t.Helper()
	b, err := m.Append(nil)
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.device.Write(b); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) receive() *coap.Message {
	r.t.Helper()
	b := make([]byte, 2000)
	r.device.SetReadDeadline(time.Now().Add(10 * time.Second))
	n, err := r.device.Read(b)
	if err != nil {
		r.t.Fatal(err)
	}
	var m coap.Message
	if err := m.Decode(b[:n]); err != nil {
		r.t.Fatal(err)
	}
	return &m
}

func read() *server.Operation {
	return &server.Operation{Kind: server.Read, Path: lwm2m.MustPath("/3/0/0"), Timeout: 30 * time.Second}
}

func TestDo(t *testing.T) {
	r := newRig(t)
	go func() {
		m := r.receive()
		answer := coap.Message{Type: coap.ACK, Code: coap.Content, ID: m.ID, Token: m.Token, Payload: []byte("Heddle")}
		answer.Options = answer.Options.SetFormat(coap.Text)
		r.send(&answer)
	}()
	id, out, err := r.s.Do(t.Context(), "lamp", read())
	if err != nil || out.Code != coap.Content || len(out.Entries) != 1 || out.Entries[0].Value != lwm2m.Str("Heddle") || id == "" {
		t.Fatalf("%q %+v %v", id, out, err)
	}
	again, _, err := r.s.Do(t.Context(), "nobody", read())
	if !errors.Is(err, server.ErrUnknownEndpoint) || again == id {
		t.Errorf("%q %v", again, err)
	}
	if st, err := r.s.Stats(); err != nil || st.Server.Registrations != 1 {
		t.Errorf("%+v %v", st.Server, err)
	}
}

// Who asked goes away: the operation is cancelled, and nothing of it stays behind.
func TestWhoAskedGoesAway(t *testing.T) {
	r := newRig(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, _, err := r.s.Do(ctx, "lamp", read())
		done <- err
	}()
	r.receive()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		waiting, underWay := 0, 0
		r.s.all(func(k *shard, _ machine.Time) {
			waiting += len(k.waiting)
			underWay += k.srv.Stats().UnderWay
		})
		if waiting == 0 && underWay == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d wait, %d are under way", waiting, underWay)
		}
	}
}

// A full inbox is told at once, and what was taken in gets its one result all the same.
func TestFullInbox(t *testing.T) {
	r := newRig(t)
	held, release := make(chan struct{}), make(chan struct{})
	go r.s.list[0].do(func(machine.Time) { close(held); <-release })
	<-held
	var full, done atomic.Int64
	var wg sync.WaitGroup
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for range inbox + 100 {
		wg.Go(func() {
			_, _, err := r.s.Do(ctx, "nobody", read())
			switch {
			case errors.Is(err, ErrFull):
				full.Add(1)
			case errors.Is(err, server.ErrUnknownEndpoint):
				done.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	for full.Load() < 100 && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	close(release)
	wg.Wait()
	if full.Load() != 100 || done.Load() != inbox {
		t.Errorf("%d were refused and %d done, want 100 and %d", full.Load(), done.Load(), inbox)
	}
}

// Stop gives every operation under way its end.
func TestStop(t *testing.T) {
	r := newRig(t)
	done := make(chan error)
	go func() {
		_, _, err := r.s.Do(t.Context(), "lamp", read())
		done <- err
	}()
	r.receive()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := r.s.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, ErrStopped) {
		t.Errorf("the operation ended with %v", err)
	}
	if _, err := r.s.Forget("lamp"); !errors.Is(err, ErrStopped) {
		t.Errorf("after Stop: %v", err)
	}
	if _, _, err := r.s.Do(ctx, "lamp", read()); !errors.Is(err, ErrStopped) {
		t.Errorf("after Stop: %v", err)
	}
}
