//go:build unix

package host

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

const childVariable = "HEDDLE_HOST_BENCH_CHILD"

func TestMain(m *testing.M) {
	if order := os.Getenv(childVariable); order != "" {
		pester(order)
		return
	}
	os.Exit(m.Run())
}

// pester is the client of the benchmark, in a process of its own so that its CPU is not counted: some sockets, each
// with one datagram in flight.
func pester(order string) {
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
			b := make([]byte, 2000)
			for i := c; i < n; i += clients {
				for again := true; again; {
					conn.Write([]byte("0123456789012345678901234567890123456789"))
					conn.SetReadDeadline(time.Now().Add(time.Second))
					_, err := conn.Read(b)
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

// The server's CPU for one datagram in and one out, with a machine that does nothing else.
func BenchmarkEcho(b *testing.B) {
	for _, clients := range []int{1, 64} {
		for _, addr := range []string{"127.0.0.1:0", ":0"} {
			b.Run(fmt.Sprintf("clients=%d/listen=%s", clients, addr), func(b *testing.B) {
				h := testHost(b)
				socks := listen(b, h, addr)
				run(b, h, newEcho(), RunOptions{Sockets: socks})
				to := "127.0.0.1:" + strconv.Itoa(int(socks[0].Local().Port()))
				cmd := exec.Command(os.Args[0])
				cmd.Env = append(os.Environ(), fmt.Sprint(childVariable, "=", to, " ", clients, " ", b.N))
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
}
