package client

import (
	"slices"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/format"
)

// maxCompositePaths bounds the paths of one Read-Composite or Observe-Composite.
const maxCompositePaths = 256

// oscoreObject has keys, as the Security object has: no server reads it.
const oscoreObject = 21

// serveFetch carries out Read-Composite (6.3.8), Observe-Composite (6.4.2) and its cancellation: FETCH of the root with a
// list of paths. The answer has what is there and can be read; what is not, is left out.
func (c *Client) serveFetch(op *operation) (*endpoint.Reply, error) {
	if op.path.Depth() > 0 {
		return nil, NotAllowed("a composite operation is for the root: its paths are in the payload")
	}
	if !op.HasFormat {
		return nil, &Error{coap.UnsupportedContentFormat, "a list of paths is SenML JSON or SenML CBOR"}
	}
	paths, err := format.DecodePaths(nil, op.Format, op.Payload, format.Options{MaxEntries: maxCompositePaths})
	if err := payloadError(err); err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, BadRequest("there is no path to read")
	}
	slices.SortFunc(paths, lwm2m.Path.Compare)
	paths = slices.Compact(paths)
	f := op.accept
	if !op.hasAccept {
		f = answerFormat(op.Format)
	}
	payload, any, err := c.compositePayload(paths, f)
	switch {
	case err != nil:
		return nil, err
	case !any:
		return nil, NotFound("none of these paths can be read")
	}
	reply := content(f, payload)
	if op.Observe == 0 {
		c.observe(op, paths, f, reply)
		return nil, nil
	}
	return reply, nil
}

// answerFormat is the format for the answer to a request that names none: the request's own family.
func answerFormat(f coap.ContentFormat) coap.ContentFormat {
	switch f {
	case coap.ETCHJSON:
		return coap.SenMLJSON
	case coap.ETCHCBOR:
		return coap.SenMLCBOR
	}
	return f
}

// compositePayload reads paths as one payload about the root. any reports whether one of them could be read.
func (c *Client) compositePayload(paths []lwm2m.Path, f coap.ContentFormat) (payload []byte, any bool, err error) {
	if !format.Known(f) {
		return nil, false, &Error{coap.NotAcceptable, "this content format is not supported"}
	}
	entries := c.entries[:0]
	entries, any = c.readComposite(entries, paths)
	c.entries = entries[:0]
	if payload, err = format.Append(nil, f, lwm2m.Root, entries); err != nil {
		return nil, any, &Error{coap.NotAcceptable, err.Error()}
	}
	return payload, any, nil
}

// readComposite appends the values at and below paths, sorted, each once. any reports whether one path could be read.
func (c *Client) readComposite(dst []lwm2m.Entry, paths []lwm2m.Path) (_ []lwm2m.Entry, any bool) {
	for _, p := range paths {
		var ok bool
		dst, ok = c.readPart(dst, p)
		any = any || ok
	}
	// Nothing is not a value: an answer about many paths has no records for what is empty.
	dst = slices.DeleteFunc(dst, func(e lwm2m.Entry) bool { return e.Value.IsNone() })
	lwm2m.Sort(dst)
	return slices.CompactFunc(dst, func(a, b lwm2m.Entry) bool { return a.Path == b.Path && a.Time == b.Time }), any
}

// readPart appends what a server sees at one path, which may be the root. ok is false where it is not there, cannot be
// read, or has keys.
func (c *Client) readPart(dst []lwm2m.Entry, p lwm2m.Path) (_ []lwm2m.Entry, ok bool) {
	if p.Depth() == 0 {
		for _, o := range c.objects {
			if id := o.Definition().ID; id != securityObject && id != oscoreObject {
				dst = c.readAbove(dst, c.now, o, lwm2m.NewPath(id))
			}
		}
		return dst, true
	}
	if id := p.Object(); id == securityObject || id == oscoreObject {
		return dst, false
	}
	dst, err := c.read(dst, c.now, p)
	return dst, err == nil
}

// objectWritings is what a Write-Composite writes into one object.
type objectWritings struct {
	object   Object
	writings []Writing
}

// serveWriteComposite carries out Write-Composite (6.3.9): iPATCH of the root. It is done as a whole or not at all.
// Resources that are not named stay as they are; a resource instance that is not there is made.
func (c *Client) serveWriteComposite(op *operation) (*endpoint.Reply, error) {
	if op.path.Depth() > 0 {
		return nil, NotAllowed("a composite operation is for the root: its paths are in the payload")
	}
	switch op.Format {
	case coap.SenMLJSON, coap.SenMLCBOR, coap.ETCHJSON, coap.ETCHCBOR, coap.LwM2MCBOR:
	default:
		return nil, &Error{coap.UnsupportedContentFormat, "values of several objects are SenML JSON or SenML CBOR"}
	}
	entries, err := c.decode(op, lwm2m.Root, format.Options{Patch: true})
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, BadRequest("there is no value to write")
	}
	var all []objectWritings
	for rest := entries; len(rest) > 0; {
		var first []lwm2m.Entry
		first, rest = cutResource(rest)
		o, w, err := c.compositeWriting(first)
		if err != nil {
			return nil, err
		}
		if n := len(all); n == 0 || all[n-1].object != o {
			all = append(all, objectWritings{object: o})
		}
		last := &all[len(all)-1]
		last.writings = append(last.writings, w)
	}
	for _, x := range all {
		if err := check(op.call, x.object, x.writings); err != nil {
			return nil, err
		}
	}
	for _, x := range all {
		c.commit(op.call, x.object, x.writings)
		for _, w := range x.writings {
			c.changed(w.Resource)
		}
	}
	return &endpoint.Reply{Code: coap.Changed}, nil
}

// compositeWriting checks what a Write-Composite has for one resource.
func (c *Client) compositeWriting(entries []lwm2m.Entry) (Object, Writing, error) {
	p := entries[0].Path.Cut(3)
	if id := p.Object(); id == securityObject || id == oscoreObject {
		return nil, Writing{}, &Error{coap.Unauthorized, "keys are for bootstrap only"}
	}
	if p.Depth() < 3 {
		return nil, Writing{}, BadRequest("a value belongs to a resource, not to " + p.String())
	}
	o, r, err := c.target(p)
	if err != nil {
		return nil, Writing{}, err
	}
	if slices.ContainsFunc(entries, func(e lwm2m.Entry) bool { return e.Value.IsNone() }) {
		w, err := c.withoutInstances(o, r, p, entries)
		return o, w, err
	}
	list, err := c.writings(c.now, o, p, entries, false)
	if err != nil {
		return nil, Writing{}, err
	}
	return o, list[0], nil
}

// withoutInstances is the writing that leaves a multiple resource without the instances among entries that have no value,
// and with those that have one.
func (c *Client) withoutInstances(o Object, r *Resource, p lwm2m.Path, entries []lwm2m.Entry) (Writing, error) {
	if !r.Multiple || !r.Operations.Has(lwm2m.Write) {
		return Writing{}, NotAllowed("instances of " + p.String() + " cannot be deleted")
	}
	if err := c.authorize(p, RightWrite); err != nil {
		return Writing{}, err
	}
	have, _ := o.Read(c.now, nil, p)
	for _, e := range entries {
		i, found := slices.BinarySearchFunc(have, e.Path, func(e lwm2m.Entry, p lwm2m.Path) int { return e.Path.Compare(p) })
		switch {
		case e.Path.Depth() != 4:
			return Writing{}, BadRequest("single and multiple resource mixed up at " + e.Path.String())
		case e.Value.IsNone() && !found:
			return Writing{}, NotFound("no resource instance " + e.Path.String())
		case e.Value.IsNone():
			have = slices.Delete(have, i, i+1)
		case found:
			have[i].Value = e.Value
		default:
			have = slices.Insert(have, i, e)
		}
	}
	w := Writing{Resource: p, Entries: have, Replace: true}
	return w, checkEntries(r, &w)
}

// serveDeleteValue carries out Delete of a resource instance.
func (c *Client) serveDeleteValue(op *operation) (*endpoint.Reply, error) {
	o, r, err := c.target(op.path)
	if err != nil {
		return nil, err
	}
	w, err := c.withoutInstances(o, r, op.path.Cut(3), []lwm2m.Entry{{Path: op.path}})
	if err != nil {
		return nil, err
	}
	if err := check(op.call, o, []Writing{w}); err != nil {
		return nil, err
	}
	c.commit(op.call, o, []Writing{w})
	c.forgetAttributes(op.path)
	c.changed(op.path)
	return &endpoint.Reply{Code: coap.Deleted, Remember: true}, nil
}
