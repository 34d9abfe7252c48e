//go:build unix

package store

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"heddle.example/machine"
)

func cpuTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func value300(i int) machine.Record {
	return machine.Record{Table: "lwm2m.registration", Key: fmt.Appendf(nil, "device-%08d", i), Value: []byte(strings.Repeat("v", 285))}
}

// Appends in a closed loop: so many in flight, each with one record of 300 bytes, as devices do that wait for their
// answer. The folding is in the CPU time.
func BenchmarkAppend(b *testing.B) {
	for _, flight := range []int{1, 64, 1000} {
		for _, keys := range []int{1000, 1_000_000} {
			b.Run(fmt.Sprintf("inflight=%d/keys=%d", flight, keys), func(b *testing.B) {
				s := open(b, b.TempDir(), Options{})
				records := make([]machine.Record, keys)
				for i := range records {
					records[i] = value300(i)
				}
				b.ReportAllocs()
				b.ResetTimer()
				start, cpu := time.Now(), cpuTime()
				room := make(chan struct{}, flight)
				done := func(err error) {
					if err != nil {
						panic(err)
					}
					<-room
				}
				for i := range b.N {
					room <- struct{}{}
					s.Append(records[i*7919%keys:][:1], done)
				}
				s.Flush()
				st := s.Stats()
				b.ReportMetric(float64(b.N)/time.Since(start).Seconds(), "records/s")
				b.ReportMetric(float64((cpuTime()-cpu).Nanoseconds())/1000/float64(b.N), "cpu-us/record")
				b.ReportMetric(float64(b.N)/float64(max(1, st.Commits)), "records/commit")
				b.ReportMetric(float64(st.CommitTime.Microseconds())/float64(max(1, st.Commits)), "us/commit")
				b.ReportMetric(float64(st.CommitMax.Microseconds())/1000, "max-ms/commit")
				b.ReportMetric(float64(st.Folds), "folds")
			})
		}
	}
}

// One call with 10,000 records, as a bulk load of credentials is.
func BenchmarkBulk(b *testing.B) {
	records := make([]machine.Record, 10_000)
	for i := range records {
		records[i] = value300(i)
	}
	s := open(b, b.TempDir(), Options{})
	for b.Loop() {
		if err := put(s, records...); err != nil {
			b.Fatal(err)
		}
	}
}

func resident(b *testing.B) float64 {
	data, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip("no /proc here: ", err)
	}
	_, rest, _ := strings.Cut(string(data), "VmRSS:")
	var kb float64
	fmt.Sscan(rest, &kb)
	return kb / 1024
}

// A million records: what a start that reads them all costs, and the memory that the store takes. Run it alone.
func BenchmarkMillion(b *testing.B) {
	const n = 1_000_000
	dir := b.TempDir()
	s := open(b, dir, Options{})
	var group sync.WaitGroup
	for i := 0; i < n; i += 500 {
		records := make([]machine.Record, 500)
		for j := range records {
			records[j] = value300(i + j)
		}
		group.Add(1)
		s.Append(records, func(err error) {
			if err != nil {
				b.Error(err)
			}
			group.Done()
		})
		if i%10_000 == 0 {
			group.Wait()
		}
	}
	s.Flush()
	after, journal := resident(b), s.Stats().Journal
	s.Close()
	debug.FreeOSMemory()
	for b.Loop() {
		s := open(b, dir, Options{})
		got := 0
		if err := s.Load("lwm2m.registration", func(_, _ []byte) error { got++; return nil }); err != nil || got != n {
			b.Fatal(got, err)
		}
		s.Close()
	}
	b.ReportMetric(after, "MB-after-writing")
	b.ReportMetric(float64(journal), "journal-then")
	b.ReportMetric(resident(b), "MB-after-reading")
}

// The fold of 20,000 records with keys of their own into tables that hold as many, per record.
func BenchmarkFold(b *testing.B) {
	s := open(b, b.TempDir(), Options{foldAfter: time.Hour, foldBytes: 1 << 30})
	d := s.(*disk)
	const n = 20_000
	records := make([]machine.Record, n)
	for round := 0; b.Loop(); round++ {
		b.StopTimer()
		for i := range records {
			records[i] = value300(2*i + round%2)
		}
		for i := 0; i < n; i += 64 {
			if err := put(s, records[i:min(i+64, n)]...); err != nil {
				b.Fatal(err)
			}
		}
		s.Flush()
		cpu := cpuTime()
		b.StartTimer()
		if err := d.fold(); err != nil { // the writer has nothing to do meanwhile
			b.Fatal(err)
		}
		b.ReportMetric(float64((cpuTime()-cpu).Nanoseconds())/1000/n, "cpu-us/record")
	}
}

// A burst of devices, 64 at a time: for each a session, and a registration with that session anew. Then the store is left
// alone, until everything is folded. All CPU time of the process, per device.
func BenchmarkBurst(b *testing.B) {
	const n = 50_000
	for b.Loop() {
		s := open(b, b.TempDir(), Options{})
		r := rand.New(rand.NewPCG(1, 1))
		session, registration := make([]byte, 130), make([]byte, 250)
		cpu := cpuTime()
		for i := 0; i < n; i += 64 {
			var keys [64][]byte
			for k := range keys {
				keys[k] = binary.BigEndian.AppendUint64(nil, r.Uint64())
				s.Append([]machine.Record{{Table: "session", Key: keys[k], Value: session}}, func(error) {})
			}
			s.Flush()
			for k := range keys {
				s.Append([]machine.Record{
					{Table: "registration", Key: fmt.Appendf(nil, "device-%08d", i+k), Value: registration},
					{Table: "session", Key: keys[k], Value: session},
				}, func(error) {})
			}
			s.Flush()
		}
		busy := cpuTime() - cpu
		for s.Stats().Journal > 0 {
			time.Sleep(10 * time.Millisecond)
		}
		b.ReportMetric(float64(busy.Nanoseconds())/1000/n, "busy-us/device")
		b.ReportMetric(float64((cpuTime()-cpu).Nanoseconds())/1000/n, "cpu-us/device")
		s.Close()
	}
}
