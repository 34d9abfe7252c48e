package server

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// sleepers registers devices in queue mode and waits until all are asleep.
func sleepers(x *bench, n int) {
	for i := range n {
		m := coap.Message{Type: coap.CON, Code: coap.POST, ID: uint16(i), Token: coap.NewToken([]byte{1, 2, 3, 4}),
			Options: uriOptions(fmt.Sprintf("/rd?ep=urn:dev:os:heddle-%06d&lwm2m=1.1&lt=86400&Q", i)).SetFormat(coap.LinkFormat), Payload: []byte(benchLinks)}
		x.receive(benchPath(i), mustAppend(m))
	}
	x.pass(10 * time.Minute) // EXCHANGE_LIFETIME is over, too
}

func (x *bench) pass(d time.Duration) {
	end := x.now.Add(d)
	for at := x.s.Deadline(); at <= end; at = x.s.Deadline() {
		x.now = max(x.now, at)
		x.s.Expire(x.now)
		x.drain()
	}
	x.now = end
}

// BenchmarkSleepingFleet is the memory of sleeping devices with ten writes kept for each, with all that a machine has of
// them. The aim is 600 bytes a request: 600 MB for 100,000 devices with ten each.
//
//	go test -run XXX -bench SleepingFleet -benchtime 100000x ./lwm2m/server
func BenchmarkSleepingFleet(b *testing.B) {
	x := newBench()
	before := heap()
	sleepers(x, b.N)
	devices := heap()
	b.ResetTimer()
	for round := range 10 {
		for i := range b.N {
			op := &Operation{Kind: Write, Path: path("/31024/10/1"), Entries: []lwm2m.Entry{{Path: path("/31024/10/1"), Value: lwm2m.Int(int64(round))}}}
			x.now += machine.Time(time.Microsecond)
			x.s.Do(x.now, 1, fmt.Sprintf("urn:dev:os:heddle-%06d", i), op)
			x.drain()
		}
	}
	b.StopTimer()
	if st := x.s.Stats(); st.Waiting != 10*b.N || st.Awake != 0 {
		b.Fatalf("%d wait, %d are awake", st.Waiting, st.Awake)
	}
	after := heap()
	runtime.KeepAlive(x)
	b.ReportMetric(float64(devices-before)/float64(b.N), "B/device")
	b.ReportMetric(float64(after-devices)/float64(10*b.N), "B/request")
	b.ReportMetric(float64(after-before)/float64(10*b.N), "B/request-all-told")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(10*b.N), "ns/request")
}

// BenchmarkWake is a device that wakes, is asked what was kept, and answers: all of one request.
func BenchmarkWake(b *testing.B) {
	x := newBench()
	sleepers(x, 1)
	reg, _, _ := x.s.Registration("urn:dev:os:heddle-000000")
	op := &Operation{Kind: Write, Path: path("/31024/10/1"), Entries: []lwm2m.Entry{{Path: path("/31024/10/1"), Value: lwm2m.Int(5)}}}
	update := mustAppend(coap.Message{Type: coap.CON, Code: coap.POST, ID: 1, Options: uriOptions(reg.Location())})
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		x.pass(94 * time.Second)
		x.s.Do(x.now, 1, reg.Endpoint, op)
		x.drain()
		update[2], update[3] = byte(i>>8), byte(i)
		x.receive(benchPath(0), update)
		var q coap.Message
		if err := q.Decode(x.last); err != nil || q.Code != coap.PUT {
			b.Fatalf("sent %v %v", q.Code, err)
		}
		x.receive(benchPath(0), mustAppend(coap.Message{Type: coap.ACK, Code: coap.Changed, ID: q.ID, Token: q.Token}))
	}
	if st := x.s.Stats(); st.Waiting != 0 || int(st.QueueDone) != b.N {
		b.Fatalf("%+v", st)
	}
}

// BenchmarkRestoreQueue is the start of a server that has ten kept requests for each of its devices: N is requests.
func BenchmarkRestoreQueue(b *testing.B) {
	x := newBench()
	devices := max(b.N/10, 1)
	sleepers(x, devices)
	var records []machine.Record
	x.s.Each(func(reg *Registration, _ machine.Time) {
		records = append(records, registrationRecord(new(machine.Nest), reg))
	})
	q := &request{at: x.now, expires: x.now.Add(24 * time.Hour), op: string(appendOperation(nil, &Operation{Kind: Write, Path: path("/31024/10/1"),
		Entries: []lwm2m.Entry{{Path: path("/31024/10/1"), Value: lwm2m.Int(5)}}}))}
	for i := range b.N {
		q.id = machine.OpID(i + 1)
		records = append(records, x.s.requestRecord(fmt.Sprintf("urn:dev:os:heddle-%06d", i/10%devices), q))
	}
	now := x.now.Add(time.Hour)
	x = newBench()
	x.now = now
	b.ResetTimer()
	for i := range records {
		if err := x.s.Restore(x.now, records[i].Table, records[i].Key, records[i].Value); err != nil {
			b.Fatal(err)
		}
	}
	x.s.Started(x.now)
	x.drain()
	b.StopTimer()
	if n := x.s.Stats().Waiting; n != b.N {
		b.Fatalf("%d wait", n)
	}
}
