package load

import (
	"math/bits"
	"time"
)

// histogram counts durations in buckets that are at most 3 % wide, from a nanosecond to hours, in constant memory.
type histogram struct {
	buckets [64 << histogramBits]uint32
	n       uint64
	max     time.Duration
}

const histogramBits = 5 // 32 buckets for each power of two

func (h *histogram) add(d time.Duration) {
	d = max(d, 0)
	h.buckets[bucketOf(uint64(d))]++
	h.n++
	h.max = max(h.max, d)
}

func bucketOf(v uint64) int {
	if v < 1<<histogramBits {
		return int(v)
	}
	shift := bits.Len64(v) - histogramBits - 1
	return (shift+1)<<histogramBits + int(v>>shift)&(1<<histogramBits-1)
}

// bucketEnd is the largest value of a bucket.
func bucketEnd(b int) uint64 {
	if b < 1<<histogramBits {
		return uint64(b)
	}
	shift := b>>histogramBits - 1
	return (uint64(b&(1<<histogramBits-1)+1<<histogramBits)+1)<<shift - 1
}

// quantile returns the duration that the part q of all stays within.
func (h *histogram) quantile(q float64) time.Duration {
	if h.n == 0 {
		return 0
	}
	rank := uint64(q * float64(h.n))
	seen := uint64(0)
	for b, n := range h.buckets {
		if seen += uint64(n); seen > rank || seen == h.n {
			return min(time.Duration(bucketEnd(b)), h.max)
		}
	}
	return h.max
}

// merge adds the counts of another histogram.
func (h *histogram) merge(o *histogram) {
	for i, n := range o.buckets {
		h.buckets[i] += n
	}
	h.n += o.n
	h.max = max(h.max, o.max)
}
