package client

import (
	"errors"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/format"
	"heddle.example/machine"
)

// serveWrite carries out Write: replace (PUT) or partial update (POST) of an instance, a resource or a resource instance
// (6.3.3).
func (c *Client) serveWrite(op *operation, replace bool) (*endpoint.Reply, error) {
	if op.path.Depth() < 2 {
		return nil, NotAllowed("Write is for an object instance or a resource")
	}
	o, r, err := c.target(op.path)
	if err != nil {
		return nil, err
	}
	if r != nil && !r.Operations.Has(lwm2m.Write) {
		return nil, NotAllowed("the resource cannot be written")
	}
	if s := c.streamer(op.path); s != nil && r != nil && op.HasFormat && op.Format == coap.Opaque {
		return c.servePiece(op, o, s)
	}
	entries, err := c.decode(op, op.path, format.Options{})
	if err != nil {
		return nil, err
	}
	if err := c.write(op.call, o, op.path, entries, replace); err != nil {
		return nil, err
	}
	return &endpoint.Reply{Code: coap.Changed}, nil
}

// decode reads the payload of a Write, Create or Write-Composite.
func (c *Client) decode(op *operation, base lwm2m.Path, o format.Options) ([]lwm2m.Entry, error) {
	f := op.Format
	if !op.HasFormat {
		// LwM2M 1.0 says nothing about a missing format; text is what CoAP clients without an opinion send.
		f = coap.Text
	}
	o.MaxEntries, o.Now = maxEntries, int64(c.now)
	entries, err := format.Decode(nil, f, base, op.Payload, typer{c}, o)
	return entries, payloadError(err)
}

// payloadError is the answer to a payload that could not be read.
func payloadError(err error) error {
	switch {
	case errors.Is(err, format.ErrUnsupported):
		return &Error{coap.UnsupportedContentFormat, "this content format is not supported"}
	case errors.Is(err, format.ErrTooMany):
		return &Error{coap.RequestEntityTooLarge, "too many values"}
	case err != nil:
		return BadRequest(err.Error())
	}
	return nil
}

// write carries out a Write of sorted entries at or below a path, as a whole or not at all.
func (c *Client) write(call Call, o Object, p lwm2m.Path, entries []lwm2m.Entry, replace bool) error {
	writings, err := c.writings(call.Now, o, p, entries, replace)
	if err != nil {
		return err
	}
	if err := check(call, o, writings); err != nil {
		return err
	}
	c.commit(call, o, writings)
	if rep, ok := o.(Replacer); ok && replace && p.Depth() == 2 {
		var written []uint16
		for _, x := range writings {
			written = append(written, x.Resource.Resource())
		}
		rep.Replaced(call, p, written)
		c.noteReplaced(o, p)
	}
	c.changed(p)
	return nil
}

// check asks an object whether all of some writings would succeed.
func check(call Call, o Object, writings []Writing) error {
	w, ok := o.(Writer)
	if !ok {
		return NotAllowed("the object cannot be written")
	}
	for _, x := range writings {
		if err := w.CheckWrite(call, x); err != nil {
			return err
		}
	}
	return nil
}

// commit carries out writings that were checked.
func (c *Client) commit(call Call, o Object, writings []Writing) {
	for _, x := range writings {
		o.(Writer).Write(call, x)
		c.noteWritten(o, x.Resource)
	}
	c.objectTouched(o)
	for _, x := range writings {
		c.emit(&Written{Server: call.Server, Path: x.Resource})
	}
}

// writings groups entries by resource and checks them against the object's definition.
func (c *Client) writings(now machine.Time, o Object, p lwm2m.Path, entries []lwm2m.Entry, replace bool) ([]Writing, error) {
	var out []Writing
	for rest := entries; len(rest) > 0; {
		e := rest[0]
		if !e.Path.HasPrefix(p) {
			return nil, BadRequest("a value lies outside of the path that is written")
		}
		if e.Path.Depth() < 3 { // an empty instance
			rest = rest[1:]
			continue
		}
		var w Writing
		w.Resource = e.Path.Cut(3)
		if err := c.authorize(w.Resource, RightWrite); err != nil {
			return nil, err
		}
		w.Entries, rest = cutResource(rest)
		r := o.Definition().Resource(w.Resource.Resource())
		switch {
		case r == nil:
			return nil, NotFound("no resource " + w.Resource.String())
		case !r.Operations.Has(lwm2m.Write):
			return nil, NotAllowed("the resource " + w.Resource.String() + " cannot be written")
		}
		if err := checkEntries(r, &w); err != nil {
			return nil, err
		}
		// Writing one resource instance never takes its sisters away; a whole resource does so when it is replaced.
		w.Replace = r.Multiple && replace && p.Depth() < 4
		if p.Depth() >= 3 {
			// A resource that the instance does not have yet may be made by writing it (6.3.3) where it is optional;
			// a resource instance too.
			if _, ok := o.Read(now, nil, w.Resource); !ok && r.Mandatory {
				return nil, NotFound("no such resource")
			}
		}
		out = append(out, w)
	}
	if len(out) == 0 && p.Depth() > 2 {
		return nil, BadRequest("there is no value to write")
	}
	return out, nil
}

// checkEntries checks the values of one resource. The empty mark of a multiple resource is taken out.
func checkEntries(r *Resource, w *Writing) error {
	if len(w.Entries) > 0 && w.Entries[0].Value.IsNone() && w.Entries[0].Path.Depth() == 3 && r.Multiple {
		w.Entries = w.Entries[1:]
	}
	for _, e := range w.Entries {
		if r.Multiple != (e.Path.Depth() == 4) {
			return BadRequest("single and multiple resource mixed up at " + e.Path.String())
		}
		if err := r.Check(e.Value); err != nil {
			return err
		}
	}
	if !r.Multiple && len(w.Entries) != 1 {
		return BadRequest("more than one value for " + w.Resource.String())
	}
	return nil
}
