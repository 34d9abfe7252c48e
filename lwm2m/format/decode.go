package format

import (
	"fmt"
	"unicode/utf8"

	"heddle.example/lwm2m"
)

// decoder collects the values of one payload.
type decoder struct {
	dst      []lwm2m.Entry
	start    int // dst[start:] is ours
	max      int
	unsorted bool
	base     lwm2m.Path
	types    Typer
	o        Options
}

// add takes in one value, or a container where the value is None.
func (d *decoder) add(p lwm2m.Path, v lwm2m.Value, at int64) error {
	n := len(d.dst)
	if n-d.start >= d.max {
		return fmt.Errorf("%w: more than %d", ErrTooMany, d.max)
	}
	e := lwm2m.Entry{Path: p, Value: v, Time: at}
	if n > d.start && !d.unsorted && e.Compare(d.dst[n-1]) <= 0 {
		d.unsorted = true
	}
	d.dst = append(d.dst, e)
	return nil
}

// typeOf returns the kind that a resource has, None where nobody knows.
func (d *decoder) typeOf(p lwm2m.Path) lwm2m.Kind {
	if d.types == nil {
		return lwm2m.None
	}
	k, _, ok := d.types.TypeOf(p)
	if !ok {
		return lwm2m.None
	}
	return k
}

// value takes in a value of the format's own type as one of the resource's type.
func (d *decoder) value(p lwm2m.Path, v lwm2m.Value, at int64) error {
	if k := d.typeOf(p); k != lwm2m.None && k != v.Kind() {
		w, err := convert(k, v)
		if err != nil {
			return typeError(p, k, err)
		}
		v = w
	}
	return d.add(p, v, at)
}

// convert is Value.Convert for formats that have a text for an object link.
func convert(k lwm2m.Kind, v lwm2m.Value) (lwm2m.Value, error) {
	switch {
	case k == lwm2m.None:
		return v, nil
	case k == lwm2m.Objlink && v.Kind() == lwm2m.String:
		return lwm2m.ParseText(k, v.Raw())
	}
	return v.Convert(k)
}

// finish sorts, drops containers that are not empty, and refuses what cannot stand in one node: a path twice at one
// instant, a resource that is single and multiple at once.
func (d *decoder) finish() ([]lwm2m.Entry, error) {
	own := d.dst[d.start:]
	if d.unsorted {
		lwm2m.Sort(own)
	}
	keep := d.start
	for i, e := range own {
		if i+1 < len(own) {
			next := &own[i+1]
			switch {
			case next.Path == e.Path && next.Time == e.Time:
				return d.dst[:d.start], fmt.Errorf("%w: %s stands there twice", ErrMalformed, e.Path)
			case !next.Path.HasPrefix(e.Path):
			case e.Value.IsNone():
				continue
			case next.Path != e.Path:
				return d.dst[:d.start], fmt.Errorf("%w: %s has a value and instances", ErrMalformed, e.Path)
			}
		}
		// An object or instance that is read as a whole and has nothing is an empty list.
		if e.Value.IsNone() && e.Path == d.base && e.Path.Depth() < 3 {
			continue
		}
		if keep != d.start+i {
			d.dst[keep] = e
		}
		keep++
	}
	return d.dst[:keep], nil
}

// typeError says which resource did not fit.
func typeError(p lwm2m.Path, k lwm2m.Kind, err error) error {
	if err != nil {
		return fmt.Errorf("%w: %s is %s: %w", ErrType, p, k, err)
	}
	return fmt.Errorf("%w: %s is %s", ErrType, p, k)
}

// text is s as a String, or Corelnk, if it is UTF-8.
func text(k lwm2m.Kind, s string) (lwm2m.Value, bool) {
	if !utf8.ValidString(s) {
		return lwm2m.Value{}, false
	}
	if k == lwm2m.Corelnk {
		return lwm2m.Core(s), true
	}
	return lwm2m.Str(s), true
}
