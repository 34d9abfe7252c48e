package server

import (
	"time"

	"heddle.example/coap/endpoint"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/history"
	"heddle.example/machine"
)

// HistoryTable holds what devices sent: records of package lwm2m/history, not states. The key is the endpoint. It is not among
// Tables, since nothing of it is restored.
const HistoryTable machine.Table = "lwm2m.history"

// futureMost is how far ahead a device's clock may be. A value from later than that gets the time of its arrival.
const futureMost = 24 * time.Hour

// historyRecord makes the record of values that a device sent, with the times that the device gave, else that of now. It
// reports false where there is nothing to keep.
func (s *Server) historyRecord(ep string, entries []lwm2m.Entry) (machine.Record, bool) {
	// The record is the nest's memory until the end of the input. The usual one, a number, has about 24 bytes.
	size := len(ep)
	for i := range entries {
		size += 48 + len(entries[i].Value.Raw())
	}
	b := s.out.Nest().Buf(size)
	b = append(b, ep...)
	value := b[len(b):]
	for i := range entries {
		e := &entries[i]
		if o := e.Path.Object(); o == securityObject || o == oscoreObject {
			continue // keys
		}
		at := int64(s.now)
		if e.Time > 0 && e.Time <= int64(s.now.Add(futureMost)) {
			at = e.Time
		}
		var ok bool
		if value, ok = history.AppendItem(value, e.Path, at/int64(time.Millisecond), e.Value); !ok && !e.Value.IsNone() {
			s.stats.NotKept++
		}
	}
	return machine.Record{Table: HistoryTable, Key: b[:len(ep):len(ep)], Value: value}, len(value) > 0
}

// keep puts the values of a notification into the history. The ACK of a confirmable one leaves after that is on disk, or never:
// then the device sends it again.
func (s *Server) keep(e *entry, v *endpoint.Notification, entries []lwm2m.Entry) {
	if !s.config.History {
		return
	}
	r, ok := s.historyRecord(e.reg.Endpoint, entries)
	switch {
	case !ok:
	case s.failed != nil:
		v.Hold = v.Confirmable
	case v.Confirmable:
		v.Hold = true
		s.ep.Ack(s.now, v, s.promise(e.reg.Path.Security, r))
	default:
		s.persist(r)
	}
}
