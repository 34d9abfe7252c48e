package server

import (
	"fmt"
	"slices"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/format"
)

// composite reports whether the operation is about several paths at once: FETCH or iPATCH of the root (LwM2M 1.1 sections
// 6.3.8, 6.3.9 and 6.4.2).
func (k OpKind) composite() bool { return k >= ReadComposite && k <= CancelObserveComposite }

// observes reports whether the operation begins an observation.
func (k OpKind) observes() bool { return k == Observe || k == ObserveComposite }

// cancels reports whether the operation ends an observation.
func (k OpKind) cancels() bool { return k == CancelObserve || k == CancelObserveComposite }

// normalize sorts the paths of a composite operation, each once: so the same list is the same observation. The list
// becomes the server's own.
func (op *Operation) normalize() {
	if !op.Kind.composite() {
		op.Paths = nil
		return
	}
	op.Path = lwm2m.Root
	if op.Kind == WriteComposite {
		op.Paths = nil
		lwm2m.Sort(op.Entries)
		return
	}
	op.Paths = slices.Clone(op.Paths)
	slices.SortFunc(op.Paths, lwm2m.Path.Compare)
	op.Paths = slices.Compact(op.Paths)
}

func (s *Server) checkPaths(op *Operation) error {
	switch n := len(op.Paths); {
	case n == 0:
		return &ErrInvalid{op.Path, "name at least one path"}
	case n > s.config.Limits.Paths:
		return &ErrInvalid{op.Path, fmt.Sprintf("%d paths are more than the %d that one operation takes", n, s.config.Limits.Paths)}
	}
	return nil
}

// compositeFormats is what carries values of several objects, the one that the server likes best first. The formats of
// SenML-ETCH belong to 1.2.
var compositeFormats = [...]contentFormat{coap.SenMLCBOR, coap.SenMLJSON}

// composite makes the request of a composite operation. Its answer is asked for in the format that it is in.
func (s *Server) composite(e *entry, p *pending) (err error) {
	op, r := &p.op, &s.req
	if !e.reg.Version.AtLeast(lwm2m.V1_1) {
		return &ErrInvalid{op.Path, "composite operations came with LwM2M 1.1; this device registered with " + e.reg.Version.String()}
	}
	if p.format = op.Format; !op.HasFormat {
		p.format, p.auto = e.compositeFormat(), true
	} else if !slices.Contains(compositeFormats[:], p.format) {
		return &ErrInvalid{op.Path, "composite operations are in senml-cbor or senml-json"}
	}
	if op.Kind == WriteComposite {
		r.Code = coap.IPATCH
		for i := range op.Entries {
			if x := &op.Entries[i]; x.Path.Depth() < 3 || x.Value.IsNone() {
				return &ErrInvalid{x.Path, "give the value of a resource or resource instance"}
			}
		}
		return s.content(p, p.format)
	}
	if err := s.checkPaths(op); err != nil {
		return err
	}
	r.Code = coap.FETCH
	switch op.Kind {
	case ObserveComposite:
		r.Observe, r.Token = true, p.token
	case CancelObserveComposite:
		r.Token = p.obs.token
		r.Options = r.Options.AddUint(coap.Observe, coap.ObserveDeregister)
	}
	r.Options = r.Options.SetFormat(p.format).SetAccept(p.format)
	r.Payload, err = format.AppendPaths(s.body[:0], p.format, op.Paths)
	return err
}

// compositeFormat chooses among the formats: the first that the device says it knows, or has not refused.
func (e *entry) compositeFormat() contentFormat {
	known := e.reg.Objects.formats &^ e.nofmt
	for _, f := range compositeFormats {
		if known.has(f) {
			return f
		}
	}
	for _, f := range compositeFormats {
		if !e.nofmt.has(f) {
			return f
		}
	}
	return coap.SenMLCBOR
}
