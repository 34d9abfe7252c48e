package mesh

import (
	"math"
	"slices"

	"heddle.example/machine"
)

// Position is where a radio stands, in metres. Z counts floors by height.
type Position struct{ X, Y, Z float64 }

// distance returns metres, at least a hand's breadth: the path loss formula has no meaning nearer than that.
func (p Position) distance(q Position) float64 {
	dx, dy, dz := p.X-q.X, p.Y-q.Y, p.Z-q.Z
	return max(0.1, math.Sqrt(dx*dx+dy*dy+dz*dz))
}

// Propagation says how a signal fades with distance: log-distance path loss with shadowing by link and loss by ceiling.
type Propagation struct {
	TxPower     float64 // dBm
	Reference   float64 // dB lost over the first metre; 40.2 in free space at 2.4 GHz
	Exponent    float64 // 2 in free space, 3 to 4 among walls
	Shadow      float64 // standard deviation in dB of what stands between two places; the same in both directions
	FloorHeight float64 // metres between ceilings; 0: no ceilings
	FloorLoss   float64 // dB lost through each
}

// Indoors is an office: a radio of 0 dBm reaches some 45 m.
var Indoors = Propagation{Reference: 40.2, Exponent: 3.5, Shadow: 3, FloorHeight: 3, FloorLoss: 13}

// Reach returns the metres at which a signal is as weak as rssi, without shadowing.
func (p Propagation) Reach(rssi float64) float64 {
	return math.Pow(10, (p.TxPower-p.Reference-rssi)/(10*p.Exponent))
}

// rssi returns the strength in dBm of a signal from a to b. shadow is the link's own deviation, in standard deviations.
func (p Propagation) rssi(a, b Position, shadow float64) float64 {
	loss := p.Reference + 10*p.Exponent*math.Log10(a.distance(b)) + shadow*p.Shadow
	if p.FloorHeight > 0 {
		loss += p.FloorLoss * math.Abs(math.Floor(a.Z/p.FloorHeight)-math.Floor(b.Z/p.FloorHeight))
	}
	return p.TxPower - loss
}

// shadows hands out each link's deviation: a function of the seed and the two ends alone, so that it does not depend on
// who moved when.
type shadows struct{ key uint64 }

func newShadows(r machine.Rand) shadows { return shadows{r.Uint64()} }

// of returns a deviation of standard normal distribution, cut at 3: the sum of twelve uniform numbers less 6.
func (s shadows) of(a, b int) float64 {
	if a > b {
		a, b = b, a
	}
	x := s.key ^ uint64(a)<<32 ^ uint64(b)
	sum := -6.0
	for range 12 { // splitmix64
		x += 0x9e3779b97f4a7c15
		z := (x ^ x>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		sum += float64((z^z>>31)>>11) / (1 << 53)
	}
	return max(-3, min(3, sum))
}

// link is one direction of what two radios hear of each other.
type link struct {
	peer int32
	rssi int8
}

// cellKey finds the radios near a place without looking at all of them.
type cellKey struct{ x, y int32 }

// space holds the radios by the square that they stand in, a reach wide.
type space struct {
	width float64
	cells map[cellKey][]int32
}

func newSpace(width float64) *space {
	return &space{width: max(1, width), cells: map[cellKey][]int32{}}
}

func (s *space) key(p Position) cellKey {
	return cellKey{int32(math.Floor(p.X / s.width)), int32(math.Floor(p.Y / s.width))}
}

func (s *space) add(i int, p Position) {
	k := s.key(p)
	s.cells[k] = append(s.cells[k], int32(i))
}

func (s *space) remove(i int, p Position) {
	k := s.key(p)
	s.cells[k] = slices.DeleteFunc(s.cells[k], func(j int32) bool { return j == int32(i) })
}

// near calls f with every radio in the nine squares around p, in the order of their numbers within a square.
func (s *space) near(p Position, f func(i int)) {
	k := s.key(p)
	for dx := int32(-1); dx <= 1; dx++ {
		for dy := int32(-1); dy <= 1; dy++ {
			for _, i := range s.cells[cellKey{k.x + dx, k.y + dy}] {
				f(int(i))
			}
		}
	}
}
