package fleet

import (
	"math"
	"slices"
	"sync"

	"heddle.example/internal/values"
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// Limits of what is remembered of values.
const (
	detailsMost = 200_000 // endpoints with values
	valuesMost  = 1000    // values of one endpoint
	seriesMost  = 2000    // charts of all endpoints
	pointsMost  = 600     // points of one chart
)

// detail is the last known values of one endpoint.
type detail struct {
	mu     sync.Mutex
	values []Known // by path
	series map[lwm2m.Path]*series
}

// Known is a last known value.
type Known struct {
	Path   lwm2m.Path
	Value  lwm2m.Value
	At     machine.Time
	Source string
}

// Point is one point of a chart.
type Point struct {
	At    machine.Time
	Value float64
}

// series is a ring of points that grows to its bound.
type series struct {
	points []Point
	next   int
}

func (s *series) add(p Point) {
	if len(s.points) < pointsMost {
		s.points = append(s.points, p)
		return
	}
	s.points[s.next] = p
	s.next = (s.next + 1) % pointsMost
}

func comparePath(k Known, p lwm2m.Path) int { return k.Path.Compare(p) }

func (f *Fleet) detail(endpoint string, make bool) *detail {
	f.mu.RLock()
	d := f.details[endpoint]
	f.mu.RUnlock()
	if d != nil || !make {
		return d
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if d = f.details[endpoint]; d != nil {
		return d
	}
	if len(f.order) >= detailsMost {
		if old := f.details[f.order[0]]; old != nil {
			f.watching.charts.Add(-int64(len(old.series)))
		}
		delete(f.details, f.order[0])
		f.order = f.order[1:]
	}
	d = new(detail)
	f.details[endpoint] = d
	f.order = append(f.order, endpoint)
	return d
}

// Values notes values that a device has sent (source notify, read or send) or taken (write), and tells those who follow.
func (f *Fleet) Values(endpoint string, entries []lwm2m.Entry, at machine.Time, source, observation string) {
	if len(entries) == 0 {
		return
	}
	d := f.detail(endpoint, true)
	d.mu.Lock()
	for i := range entries {
		e := &entries[i]
		if e.Value.IsNone() {
			continue
		}
		t := at
		if e.Time != 0 {
			t = machine.Time(e.Time)
		}
		f.note(d, Known{e.Path, e.Value, t, source})
	}
	d.mu.Unlock()
	if f.o.Hub.Idle() {
		return
	}
	for i := range entries {
		e := entries[i]
		if e.Value.IsNone() || i+1 < len(entries) && entries[i+1].Path == e.Path {
			continue // of several times of one path, the newest is news
		}
		if e.Time == 0 {
			e.Time = int64(at)
		}
		f.o.Hub.PublishCell("value", endpoint, e.Path.String(), func() []byte {
			b := values.AppendString([]byte(`{"endpoint":`), endpoint)
			b = e.Path.Append(append(b, `,"path":"`...))
			b = values.Append(append(b, `","value":`...), e.Value)
			b = append(append(b, `,"type":"`...), values.TypeName(e.Value.Kind())...)
			b = AppendTime(append(b, `","at":`...), machine.Time(e.Time))
			b = append(append(append(b, `,"source":"`...), source...), '"')
			if observation != "" {
				b = append(append(append(b, `,"observation":"`...), observation...), '"')
			}
			return append(b, '}')
		})
	}
}

// note keeps a value unless a newer one is known. The caller holds d.mu.
func (f *Fleet) note(d *detail, k Known) {
	if k.Source == "notify" || k.Source == "send" {
		f.point(d, k)
	}
	i, found := slices.BinarySearchFunc(d.values, k.Path, comparePath)
	switch {
	case found && k.At >= d.values[i].At:
		d.values[i] = k
	case !found && len(d.values) < valuesMost:
		d.values = slices.Insert(d.values, i, k)
	}
}

// number returns a number that JSON has: a device may send NaN.
func number(v lwm2m.Value) (float64, bool) {
	n, ok := v.AsFloat()
	return n, ok && !math.IsNaN(n) && !math.IsInf(n, 0)
}

func (f *Fleet) point(d *detail, k Known) {
	n, ok := number(k.Value)
	if !ok || k.Value.Kind() == lwm2m.Time {
		return
	}
	s := d.series[k.Path]
	if s == nil {
		if f.watching.charts.Load() >= seriesMost {
			return
		}
		if d.series == nil {
			d.series = map[lwm2m.Path]*series{}
		}
		f.watching.charts.Add(1)
		s = new(series)
		d.series[k.Path] = s
	}
	s.add(Point{k.At, n})
}

// Deleted forgets the values at and below a path: the device has them no more.
func (f *Fleet) Deleted(endpoint string, p lwm2m.Path) {
	d := f.detail(endpoint, false)
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.values = slices.DeleteFunc(d.values, func(k Known) bool { return k.Path.HasPrefix(p) })
}

// Known returns the last known values of an endpoint, by path.
func (f *Fleet) Known(endpoint string) []Known {
	d := f.detail(endpoint, false)
	if d == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.values)
}

func (f *Fleet) lastValue(endpoint string, p lwm2m.Path) (lwm2m.Value, bool) {
	d := f.detail(endpoint, false)
	if d == nil {
		return lwm2m.Value{}, false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	i, found := slices.BinarySearchFunc(d.values, p, comparePath)
	if !found {
		return lwm2m.Value{}, false
	}
	return d.values[i].Value, true
}

// Series returns the points of an observed number, oldest first, from an instant on.
func (f *Fleet) Series(endpoint string, p lwm2m.Path, from machine.Time) []Point {
	list := []Point{}
	d := f.detail(endpoint, false)
	if d == nil {
		return list
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.series[p]
	if s == nil {
		return list
	}
	for i := range s.points {
		if pt := s.points[(s.next+i)%len(s.points)]; pt.At >= from {
			list = append(list, pt)
		}
	}
	return list
}

// Seen reports whether something is known of an endpoint, registered or not.
func (f *Fleet) Seen(endpoint string) bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.byName[endpoint] != nil || f.details[endpoint] != nil || f.past[endpoint]
}
