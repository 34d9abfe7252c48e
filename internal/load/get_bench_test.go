//go:build unix

package load

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/host"
	"heddle.example/machine"
)

const childVariable = "HEDDLE_LOAD_BENCH_CHILD"

func TestMain(m *testing.M) {
	if order := os.Getenv(childVariable); order != "" {
		get(order)
		return
	}
	os.Exit(m.Run())
}

// get is the clients of BenchmarkGet, in a process of their own so that their CPU is not counted: each with a socket and
// one GET under way.
func get(order string) {
	var addr string
	var clients, n int
	fmt.Sscan(order, &addr, &clients, &n)
	var group sync.WaitGroup
	for c := range clients {
		group.Go(func() {
			conn, err := net.Dial("udp", addr)
			if err != nil {
				panic(err)
			}
			m := coap.Message{Type: coap.CON, Code: coap.GET, Token: coap.NewToken([]byte("1234")), Options: coap.Options{}.AppendPath("/3303/0/5700")}
			out, in := []byte(nil), make([]byte, 2000)
			for i := c; i < n; i += clients {
				m.ID++
				if out, err = m.Append(out[:0]); err != nil {
					panic(err)
				}
				for again := true; again; {
					conn.Write(out)
					conn.SetReadDeadline(time.Now().Add(time.Second))
					_, err := conn.Read(in)
					again = err != nil
				}
			}
		})
	}
	group.Wait()
}

func cpuTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkGet is the server's CPU for a confirmable GET over real sockets and its piggybacked answer.
func BenchmarkGet(b *testing.B) {
	for _, clients := range []int{1, 64} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			h := host.New(host.Options{})
			sockets, err := h.Listen(0, "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			e := endpoint.New(endpoint.Config{Rand: h.Rand()})
			reply := &endpoint.Reply{Code: coap.Content, Options: coap.Options{}.SetFormat(coap.Text), Payload: []byte("22.5")}
			owner, err := h.Run(e, host.RunOptions{Sockets: sockets, OnAction: func(now machine.Time, a machine.Action) {
				if in, ok := a.Value.(*endpoint.Incoming); ok {
					e.Respond(now, a.Cause, in.Exchange, reply, 0)
				}
			}})
			if err != nil {
				b.Fatal(err)
			}
			defer owner.Stop(context.Background())
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), fmt.Sprint(childVariable, "=", sockets[0].Local(), " ", clients, " ", b.N))
			cmd.Stderr = os.Stderr
			b.ReportAllocs()
			start := cpuTime()
			if err := cmd.Run(); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64((cpuTime()-start).Nanoseconds())/1000/float64(b.N), "cpu-us/op")
		})
	}
}
