package history

import (
	"fmt"
	"testing"
	"time"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/history"
	"heddle.example/machine"
	"heddle.example/store"
)

// BenchmarkKeep is what the store does for one value, its part of the commit and of the fold included: 1,000 devices take
// turns, 500 values are under way.
func BenchmarkKeep(b *testing.B) {
	s, err := store.Open(b.TempDir(), store.Options{Points: &store.Points{Table: table, Packer: Packer{}}})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	room := make(chan struct{}, 500)
	value := make([]byte, 0, 64)
	names := make([][]byte, 1000)
	for i := range names {
		names[i] = fmt.Append(nil, "urn:dev:os:heddle-", i)
	}
	b.ReportAllocs()
	n := 0
	for ; b.Loop(); n++ {
		room <- struct{}{}
		value, _ = history.AppendItem(value[:0], temperature, 1_790_000_000_000+int64(n), lwm2m.Num(float64(2000+n%300)/100))
		s.Append([]machine.Record{{Table: table, Key: names[n%len(names)], Value: value}}, func(err error) {
			if err != nil {
				b.Error(err)
			}
			<-room
		})
	}
	s.Flush()
	for s.Stats().Journal > 0 && s.Failed() == nil {
		time.Sleep(10 * time.Millisecond)
	}
	b.ReportMetric(float64(s.Stats().BlockBytes)/float64(n), "B/value")
}
