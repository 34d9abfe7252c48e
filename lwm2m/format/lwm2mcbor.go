package format

import (
	"fmt"

	"heddle.example/lwm2m"
)

// lwm2mCBOR reads application/vnd.oma.lwm2m+cbor (11544; LwM2M 1.2 section 7.4.7): maps in maps, one for each level of the
// paths. A key is an identifier, or an array of identifiers for several levels at once.
func (d *decoder) lwm2mCBOR(s string) error {
	c := cborScanner{s: s}
	if c.peek()&0xE0 != cborMap {
		return fmt.Errorf("%w: LwM2M CBOR is a map", ErrMalformed)
	}
	if err := d.cborLevel(&c, lwm2m.Root); err != nil {
		return err
	}
	if c.i < len(s) {
		return fmt.Errorf("%w: LwM2M CBOR goes on behind its end", ErrMalformed)
	}
	return nil
}

// cborLevel reads the map of what is below p. Each map goes at least one level down, so that they nest four deep at most.
func (d *decoder) cborLevel(c *cborScanner, p lwm2m.Path) error {
	bad := func() error { return fmt.Errorf("%w: LwM2M CBOR at byte %d", ErrMalformed, c.i) }
	first, n, indefinite, ok := c.head()
	if !ok || first&0xE0 != cborMap {
		return bad()
	}
	empty := true
	for k := uint64(0); indefinite || k < n; k++ {
		if indefinite && c.stop() {
			break
		}
		empty = false
		q, ok := c.levels(p)
		if !ok {
			return bad()
		}
		if c.peek()&0xE0 == cborMap && q.Depth() < 4 {
			if err := d.cborLevel(c, q); err != nil {
				return err
			}
			continue
		}
		v, ok := c.value()
		switch {
		case !ok || q.Depth() < 3:
			return bad()
		case !q.HasPrefix(d.base):
			return fmt.Errorf("%w: %s in %s", ErrPath, q, d.base)
		}
		if err := d.value(q, v, 0); err != nil {
			return err
		}
	}
	switch {
	case !empty || d.base.HasPrefix(p) && (p != d.base || p.Depth() < 3): // an empty map around what was asked for
		return nil
	case !p.HasPrefix(d.base):
		return fmt.Errorf("%w: %s in %s", ErrPath, p, d.base)
	}
	return d.add(p, lwm2m.Value{}, 0)
}

// levels reads a key and returns the path that it leads to.
func (c *cborScanner) levels(p lwm2m.Path) (lwm2m.Path, bool) {
	first, n, indefinite, ok := c.head()
	count := uint64(1)
	if first&0xE0 == cborArray {
		count = n
	}
	if !ok || indefinite || count == 0 || count > uint64(4-p.Depth()) {
		return p, false
	}
	for k := range count {
		if first&0xE0 == cborArray {
			var head byte
			if head, n, indefinite, ok = c.head(); !ok || indefinite || head&0xE0 != cborUint {
				return p, false
			}
		} else if first&0xE0 != cborUint || k > 0 {
			return p, false
		}
		if n >= uint64(lwm2m.NoID) {
			return p, false
		}
		p = p.Child(uint16(n))
	}
	return p, true
}

// value reads one value in CBOR's natural form. A tag 1 (epoch time) says nothing that the resource's type does not.
func (c *cborScanner) value() (v lwm2m.Value, ok bool) {
	if c.peek() == cborTag|1 {
		c.i++
	}
	switch first := c.peek(); {
	case first&0xE0 == cborBytes:
		var s string
		s, ok = c.bytes(cborBytes)
		return lwm2m.BytesOf(s), ok
	case first&0xE0 == cborText:
		var s string
		s, ok = c.text()
		return lwm2m.Str(s), ok
	case first == cborTrue || first == cborFalse:
		b, ok := c.bool()
		return lwm2m.Bool(b), ok
	}
	return c.number()
}

// appendLwM2MCBOR appends entries below base.
func appendLwM2MCBOR(dst []byte, base lwm2m.Path, entries []lwm2m.Entry) ([]byte, error) {
	for i := range entries {
		e := &entries[i]
		switch {
		case e.Time != 0:
			return dst, fmt.Errorf("%w: LwM2M CBOR carries no time-stamp (%s)", ErrType, e.Path)
		case i+1 < len(entries) && entries[i+1].Path.HasPrefix(e.Path):
			return dst, fmt.Errorf("%w: %s stands there twice", ErrType, e.Path)
		}
	}
	if len(entries) == 0 {
		return append(dst, cborMap), nil
	}
	if base.Depth() == 0 {
		return appendCBORLevel(dst, base, entries), nil
	}
	dst = append(dst, cborMap|1)
	if base.Depth() > 1 {
		dst = append(dst, cborArray|byte(base.Depth()))
	}
	for depth := 1; depth <= base.Depth(); depth++ {
		dst = appendCBORHead(dst, cborUint, uint64(base.Cut(depth).ID()))
	}
	return appendCBORBelow(dst, base, entries), nil
}

// appendCBORBelow appends what a key for p stands before: the value, or the map of what is below.
func appendCBORBelow(dst []byte, p lwm2m.Path, entries []lwm2m.Entry) []byte {
	if entries[0].Path != p {
		return appendCBORLevel(dst, p, entries)
	}
	if entries[0].Value.IsNone() {
		return append(dst, cborMap)
	}
	return appendCBORValue(dst, entries[0].Value)
}

func appendCBORLevel(dst []byte, p lwm2m.Path, entries []lwm2m.Entry) []byte {
	depth, children := p.Depth()+1, uint64(0)
	for i := range entries {
		if i == 0 || entries[i].Path.Cut(depth) != entries[i-1].Path.Cut(depth) {
			children++
		}
	}
	dst = appendCBORHead(dst, cborMap, children)
	for len(entries) > 0 {
		child, n := entries[0].Path.Cut(depth), 1
		for n < len(entries) && entries[n].Path.HasPrefix(child) {
			n++
		}
		dst = appendCBORHead(dst, cborUint, uint64(child.ID()))
		dst = appendCBORBelow(dst, child, entries[:n])
		entries = entries[n:]
	}
	return dst
}
