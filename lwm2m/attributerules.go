package lwm2m

import (
	"fmt"
	"math"
)

// Validate reports whether the attributes may stand at a path: gt, lt, st and edge belong to resources and their
// instances, nothing to the root, and lt < gt and lt + 2 st < gt hold (7.3.2). Validate what is there after a change,
// with Apply, not the change alone.
func (a *Attributes) Validate(p Path) error {
	if a.Set != 0 && p.Depth() == 0 {
		return fmt.Errorf("%w: the root has none", ErrAttribute)
	}
	if low := a.Set & valueAttributes; low != 0 && p.Depth() < 3 {
		return fmt.Errorf("%w: %s belongs to a resource, not to %s", ErrAttribute, low, p)
	}
	for _, bit := range []AttributeSet{Gt, Lt, St} {
		if f := *a.float(bit); a.Has(bit) && (math.IsNaN(f) || math.IsInf(f, 0)) {
			return fmt.Errorf("%w: %s is not a number", ErrAttribute, bit)
		}
	}
	if a.Has(Lt|Gt) && a.Lt >= a.Gt {
		return fmt.Errorf("%w: lt=%v is not below gt=%v", ErrAttribute, a.Lt, a.Gt)
	}
	if a.Has(Lt | Gt | St) {
		// The product is rounded by itself, so that every machine decides alike.
		if double := float64(2 * a.St); a.Lt+double >= a.Gt {
			return fmt.Errorf("%w: lt + 2 st is not below gt (lt=%v, st=%v, gt=%v)", ErrAttribute, a.Lt, a.St, a.Gt)
		}
	}
	return nil
}

// ValidateKind reports whether the attributes fit a resource's type: thresholds need a number, edge a Boolean.
func (a *Attributes) ValidateKind(k Kind) error {
	if low := a.Set & (Gt | Lt | St); low != 0 && !k.Numeric() {
		return fmt.Errorf("%w: %s on a resource of type %s", ErrAttribute, low, k)
	}
	if a.Has(Edge) && k != Boolean {
		return fmt.Errorf("%w: edge on a resource of type %s", ErrAttribute, k)
	}
	return nil
}

// Apply returns the attributes after a change.
func (a Attributes) Apply(change Attributes) Attributes {
	a.Set &^= change.Cleared
	return change.Inherit(a)
}

// Inherit returns the attributes in force at a level, given those of the level above: the nearest level wins, each
// attribute by itself (7.3.2).
func (a Attributes) Inherit(above Attributes) Attributes {
	from := above.Set &^ a.Set
	for bit := Pmin; bit < attributesEnd; bit <<= 1 {
		if from&bit == 0 {
			continue
		}
		switch bit {
		case Gt, Lt, St:
			*a.float(bit) = *above.float(bit)
		case Edge:
			a.Edge = above.Edge
		case Con:
			a.Con = above.Con
		default:
			*a.uint(bit) = *above.uint(bit)
		}
	}
	a.Set |= from
	a.Cleared = 0
	return a
}
