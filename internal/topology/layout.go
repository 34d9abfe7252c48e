package topology

import "math"

// layout finds places for nodes of which nobody knows where they are: those with good links come near each other, and what has
// a place keeps near it.
type layout struct {
	places map[int]*place
}

type place struct {
	x, y   float64
	pinned bool // somebody has put it there
}

const (
	layoutNear  = 12.0 // metres, between two with a link of quality 3
	layoutSteps = 40
)

// at returns where a node is.
func (l *layout) at(id int) (x, y float64) {
	if p := l.places[id]; p != nil {
		return round(p.x), round(p.y)
	}
	return 0, 0
}

// pin puts a node somewhere for good.
func (l *layout) pin(id int, x, y *float64) {
	if l.places == nil {
		l.places = map[int]*place{}
	}
	p := l.places[id]
	if p == nil {
		p = &place{}
		l.places[id] = p
	}
	if x != nil {
		p.x = *x
	}
	if y != nil {
		p.y = *y
	}
	p.pinned = true
}

// settle gives new nodes a place and lets the springs of links draw a little. It does the same for the same nodes and links,
// in the order of their numbers.
func (l *layout) settle(rows map[int]*Row, links []Link) {
	if l.places == nil {
		l.places = map[int]*place{}
	}
	fresh := false
	most := 0
	for id := range rows {
		most = max(most, id)
	}
	var ids []int
	for id := 1; id <= most; id++ {
		if rows[id] == nil {
			continue
		}
		ids = append(ids, id)
		if l.places[id] == nil {
			fresh = true
			angle, r := float64(id)*2.39996, layoutNear*math.Sqrt(float64(id-1)) // a sunflower's seeds
			p := &place{x: r * math.Cos(angle), y: r * math.Sin(angle)}
			if parent := l.places[rows[id].Parent]; parent != nil {
				p.x, p.y = parent.x+layoutNear*math.Cos(angle), parent.y+layoutNear*math.Sin(angle)
			}
			l.places[id] = p
		}
	}
	steps := 0
	if fresh {
		steps = layoutSteps
		if len(ids) > 300 {
			steps = 4
		}
	}
	for range steps {
		l.step(ids, links)
	}
}

func (l *layout) step(ids []int, links []Link) {
	move := map[int][2]float64{}
	push := func(id int, x, y float64) {
		m := move[id]
		move[id] = [2]float64{m[0] + x, m[1] + y}
	}
	for i, a := range ids {
		for _, b := range ids[i+1:] {
			p, q := l.places[a], l.places[b]
			dx, dy := p.x-q.x, p.y-q.y
			d := math.Max(math.Hypot(dx, dy), 0.1)
			if d > 6*layoutNear {
				continue
			}
			f := layoutNear * layoutNear / (d * d) * 0.5
			push(a, dx*f, dy*f)
			push(b, -dx*f, -dy*f)
		}
	}
	for _, k := range links {
		p, q := l.places[k.A], l.places[k.B]
		if p == nil || q == nil {
			continue
		}
		want := layoutNear * float64(4-max(1, min(k.QA, k.QB, 3))) * 1.2
		if k.Kind == "child" {
			want = layoutNear
		}
		dx, dy := p.x-q.x, p.y-q.y
		d := math.Max(math.Hypot(dx, dy), 0.1)
		f := (want - d) / d * 0.12
		push(k.A, dx*f, dy*f)
		push(k.B, -dx*f, -dy*f)
	}
	for _, id := range ids {
		p, m := l.places[id], move[id]
		if d := math.Hypot(m[0], m[1]); !p.pinned && d > 0 {
			f := math.Min(d, layoutNear/2) / d
			p.x, p.y = p.x+m[0]*f, p.y+m[1]*f
		}
	}
}
