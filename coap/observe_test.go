package coap

import (
	"testing"
	"time"
)

func TestFresher(t *testing.T) {
	for _, c := range []struct {
		last, seq uint32
		elapsed   time.Duration
		want      bool
	}{
		{1, 2, 0, true},
		{2, 1, 0, false},
		{2, 2, 0, false},
		{2, 2, 128 * time.Second, false},
		{2, 2, 128*time.Second + 1, true},
		{2, 1, 129 * time.Second, true},
		{MaxSequence, 0, 0, true}, // round the corner
		{0, MaxSequence, 0, false},
		{0, 1<<23 - 1, 0, true},
		{0, 1 << 23, 0, false}, // exactly opposite: neither is the newer one
		{1 << 23, 0, 0, false},
		{1<<23 + 1, 0, 0, true},
	} {
		if got := Fresher(c.last, c.seq, c.elapsed); got != c.want {
			t.Errorf("Fresher(%d, %d, %v) = %v", c.last, c.seq, c.elapsed, got)
		}
	}
}
