package sntp

import (
	"encoding/binary"
	"testing"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
)

type world struct {
	sent   [][]byte
	answer []Response
}

func (w *world) SendTimeQuery(_ machine.Time, _ ip6.Address, _ uint16, b []byte) error {
	w.sent = append(w.sent, b)
	return nil
}

func (w *world) Answered(_ machine.Time, _ machine.OpID, r *Response) {
	w.answer = append(w.answer, *r)
}

func TestClient(t *testing.T) {
	for _, c := range []struct {
		first, stratum    byte
		seconds, fraction uint32
		want              Response
	}{
		{0x24, 1, since1900 + 1000, 7, Response{Unix: 1000}},
		{0x24, 1, 5, 7, Response{Unix: 1<<32 + 5 - since1900}},
		{0x24, 0, since1900 + 1000, 7, Response{Err: status.Busy}},
		{0x23, 1, since1900 + 1000, 7, Response{Err: status.Failed}},
		{0x24, 1, since1900 + 1000, 0, Response{Err: status.Failed}},
	} {
		w := &world{}
		cl := NewClient(w)
		if err := cl.Query(0, 1, DefaultServer, DefaultPort); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, size)
		b[0], b[1] = c.first, c.stratum
		copy(b[24:], w.sent[0][40:48])
		binary.BigEndian.PutUint32(b[40:], c.seconds)
		binary.BigEndian.PutUint32(b[44:], c.fraction)
		cl.Receive(0, ip6.MustParse("fd00::1"), DefaultPort, b)
		cl.Receive(0, DefaultServer, DefaultPort, b[:40])
		if len(w.answer) != 0 {
			t.Fatal("taken from anybody")
		}
		cl.Receive(0, DefaultServer, DefaultPort, b)
		if len(w.answer) != 1 || w.answer[0] != c.want || cl.Deadline() != machine.Never {
			t.Errorf("%+v, not %+v", w.answer, c.want)
		}
	}
	w := &world{}
	cl := NewClient(w)
	_ = cl.Query(0, 1, DefaultServer, DefaultPort)
	for cl.Deadline() != machine.Never {
		cl.Expire(cl.Deadline())
	}
	if len(w.sent) != maxTries || w.answer[0].Err != status.ResponseTimeout {
		t.Errorf("%d sent, %v", len(w.sent), w.answer)
	}
	for range maxQueries {
		_ = cl.Query(0, 1, DefaultServer, DefaultPort)
	}
	if cl.Query(0, 1, DefaultServer, DefaultPort) != status.NoBufs {
		t.Error("no limit")
	}
	cl.Stop(0)
	if len(w.answer) != 1+maxQueries {
		t.Error("not stopped")
	}
}
