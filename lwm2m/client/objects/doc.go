// Package objects has the objects of a whole device for package client: Device, Connectivity Monitoring, Location,
// Connectivity Statistics, the test object 31024, and simulated IPSO sensors and actuators. Objects 0 and 1 belong to the
// client itself.
//
// Values that move are computed from time and a seed when somebody looks at them. A device that nobody observes costs
// nothing, and two runs from one seed are equal.
package objects

import (
	"math"
	"time"

	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// Short names for the columns of the definitions.
const (
	ro = lwm2m.Read
	wo = lwm2m.Write
	rw = lwm2m.Read | lwm2m.Write
	ex = lwm2m.Execute
)

// value appends one entry.
func value(dst []lwm2m.Entry, p lwm2m.Path, v lwm2m.Value) ([]lwm2m.Entry, bool) {
	return append(dst, lwm2m.Entry{Path: p, Value: v}), true
}

// integers appends the instances of a multiple integer resource, numbered from 0.
func integers(dst []lwm2m.Entry, p lwm2m.Path, values ...int64) ([]lwm2m.Entry, bool) {
	for i, v := range values {
		dst = append(dst, lwm2m.Entry{Path: p.Child(uint16(i)), Value: lwm2m.Int(v)})
	}
	return dst, true
}

// hash is the splitmix64 finalizer: the source of all simulated values.
func hash(seed, n uint64) uint64 {
	z := seed + (n+1)*0x9E3779B97F4A7C15
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// unit is a hash as a number in [-1, 1).
func unit(seed, n uint64) float64 { return float64(float64(hash(seed, n)>>11)/(1<<52)) - 1 }

// drift is smooth noise in [-1, 1): hashes, eight steps apart, with straight lines between.
func drift(seed, n uint64) float64 {
	a, b := unit(seed, n/8), unit(seed, n/8+1)
	return a + float64(float64(b-a)*float64(n%8)/8)
}

// daily is a curve with the period of a day between -1 (at 4 h UTC) and 1 (at 16 h): two parabolas, since no function
// of package math is sure to give the same bits on every machine. Products are rounded one by one for the same reason.
func daily(t machine.Time) float64 {
	const day = int64(24 * time.Hour)
	s := (int64(t) - int64(10*time.Hour)) % day
	if s < 0 {
		s += day
	}
	x := float64(s)/float64(day)*2 - 1 // -1 at 10 h, 0 at 22 h
	return -float64(float64(4*x) * float64(1-math.Abs(x)))
}

// round rounds to a number of decimals, given as their power of ten.
func round(v, ten float64) float64 { return math.Round(float64(v*ten)) / ten }

// step returns the number of whole intervals since the epoch, and the instant of the next.
func step(now machine.Time, interval time.Duration) (n uint64, next machine.Time) {
	n = uint64(max(int64(now), 0)) / uint64(interval)
	return n, machine.Time((n + 1) * uint64(interval))
}
