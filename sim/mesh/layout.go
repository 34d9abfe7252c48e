package mesh

import (
	"math"

	"heddle.example/machine"
)

// Line returns n places in a row, spacing metres apart.
func Line(n int, spacing float64) []Position {
	list := make([]Position, n)
	for i := range list {
		list[i] = Position{X: float64(i) * spacing}
	}
	return list
}

// Grid returns n places row by row in a square, spacing metres apart.
func Grid(n int, spacing float64) []Position {
	side := int(math.Ceil(math.Sqrt(float64(n))))
	list := make([]Position, n)
	for i := range list {
		list[i] = Position{X: float64(i%side) * spacing, Y: float64(i/side) * spacing}
	}
	return list
}

// Disc returns n places at random in a circle.
func Disc(n int, radius float64, r machine.Rand) []Position {
	list := make([]Position, n)
	for i := range list {
		d, a := radius*math.Sqrt(uniform(r)), 2*math.Pi*uniform(r)
		list[i] = Position{X: radius + d*math.Cos(a), Y: radius + d*math.Sin(a)}
	}
	return list
}

// Floors returns n places at random in a building of some floors, each width by depth metres and height metres high.
func Floors(n, floors int, width, depth, height float64, r machine.Rand) []Position {
	list := make([]Position, n)
	for i := range list {
		list[i] = Position{X: width * uniform(r), Y: depth * uniform(r), Z: height * (float64(i*floors/n) + 0.3)}
	}
	return list
}

// DiscFor returns the radius of a disc on which each of n radios hears about degree others, for a reach in metres. Those
// near the edge hear fewer, so it is a little smaller than density alone would say.
func DiscFor(n int, degree, reach float64) float64 {
	return 0.97 * reach * math.Sqrt(float64(n)/degree)
}

// uniform returns a number from 0 to less than 1.
func uniform(r machine.Rand) float64 { return float64(r.Uint64()>>11) / (1 << 53) }
