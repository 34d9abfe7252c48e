package server

import (
	"strconv"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/format"
)

// request makes the CoAP request of an operation (section 6.3 and 6.4).
func (s *Server) request(e *entry, p *pending) (*endpoint.Request, error) {
	op := &p.op
	r := &s.req
	*r = endpoint.Request{Options: s.options[:0], Timeout: s.timeout(op), After: max(e.commit, s.after)}
	s.target(e, op.Path)
	depth := op.Path.Depth()
	switch op.Kind {
	case Read:
		if depth == 0 {
			return nil, &ErrInvalid{op.Path, "name an object to read"}
		}
		r.Code = coap.GET
		s.askFormat(e, p)
	case Observe:
		r.Code, r.Observe, r.Token = coap.GET, true, p.token
		s.askFormat(e, p)
	case CancelObserve:
		r.Code, r.Token = coap.GET, p.obs.token
		r.Options = r.Options.AddUint(coap.Observe, coap.ObserveDeregister)
		s.askFormat(e, p)
	case Discover:
		r.Code = coap.GET
		r.Options = r.Options.SetAccept(coap.LinkFormat)
	case Write, WritePartial:
		if depth < 2 {
			return nil, &ErrInvalid{op.Path, "name an object instance or a resource to write"}
		}
		if r.Code = coap.PUT; op.Kind == WritePartial {
			r.Code = coap.POST
		}
		if op.Block != nil {
			return r, s.block(p)
		}
		return r, s.content(p, e.forWriting(op))
	case Create:
		if depth < 1 || depth > 2 {
			return nil, &ErrInvalid{op.Path, "name the object, and the new instance if you choose its number"}
		}
		r.Code = coap.POST
		if depth == 2 && len(op.Entries) == 0 {
			op.Entries = []lwm2m.Entry{{Path: op.Path}}
		}
		op.Path = op.Path.Cut(1)
		r.Options = s.options[:0]
		s.target(e, op.Path)
		return r, s.content(p, e.forWriting(op))
	case Execute:
		if depth != 3 {
			return nil, &ErrInvalid{op.Path, "name the resource to execute"}
		}
		if !validArguments(op.Args) {
			return nil, &ErrInvalid{op.Path, "arguments look like 0='text',1 (digits, each with at most one value in quotes)"}
		}
		r.Code = coap.POST
		if op.Args != "" {
			r.Options = r.Options.SetFormat(coap.Text)
			r.Payload = append(s.body[:0], op.Args...)
		}
	case Delete:
		if depth < 2 {
			return nil, &ErrInvalid{op.Path, "name the object instance to delete"}
		}
		r.Code = coap.DELETE
	case WriteAttributes:
		return r, s.attributes(p)
	case ReadComposite, ObserveComposite, CancelObserveComposite, WriteComposite:
		return r, s.composite(e, p)
	default:
		return nil, &ErrInvalid{op.Path, "unknown operation"}
	}
	return r, nil
}

// target adds the path, below the device's alternate root.
func (s *Server) target(e *entry, p lwm2m.Path) {
	r := &s.req
	if root := e.reg.Objects.root; root != "" {
		r.Options = r.Options.AppendPath(root)
	}
	ids := [...]uint16{p.Object(), p.Instance(), p.Resource(), p.ResourceInstance()}
	for _, id := range ids[:p.Depth()] {
		r.Options = r.Options.AddString(coap.URIPath, strconv.Itoa(int(id)))
	}
}

// askFormat asks for a format.
func (s *Server) askFormat(e *entry, p *pending) {
	p.format = p.op.Format
	if !p.op.HasFormat {
		if p.format, p.auto = e.preferred(), true; e.nofmt.has(p.format) {
			return // the device refused them all: it may choose
		}
	}
	s.req.Options = s.req.Options.SetAccept(p.format)
}

// content adds the values to write.
func (s *Server) content(p *pending, ct contentFormat) (err error) {
	if p.format = p.op.Format; !p.op.HasFormat {
		p.format, p.auto = ct, true
	}
	if len(p.op.Entries) == 0 && p.op.Kind != Create {
		return &ErrInvalid{p.op.Path, "nothing to write"}
	}
	for i := range p.op.Entries {
		if !p.op.Entries[i].Path.HasPrefix(p.op.Path) {
			return &ErrInvalid{p.op.Entries[i].Path, "is not part of " + p.op.Path.String()}
		}
	}
	r := &s.req
	if r.Payload, err = format.Append(s.body[:0], p.format, p.op.Path, p.op.Entries); err != nil {
		return &ErrInvalid{p.op.Path, err.Error()}
	}
	r.Options = r.Options.SetFormat(p.format)
	return nil
}

// block adds one block of a long opaque value.
func (s *Server) block(p *pending) error {
	b := p.op.Block
	if p.op.Path.Depth() != 3 || len(b.Data) > b.Block.Size() || b.Block.More && len(b.Data) != b.Block.Size() || b.Block.Num > coap.MaxBlockNum {
		return &ErrInvalid{p.op.Path, "the block is not a block of a resource's value"}
	}
	r := &s.req
	r.Single, r.Payload = true, append(s.body[:0], b.Data...)
	r.Options = r.Options.SetFormat(coap.Opaque).AddUint(coap.Block1, b.Block.Uint())
	if b.Block.Num == 0 {
		r.Options = r.Options.AddUint(coap.Size1, uint32(b.Size))
	}
	return nil
}

func (s *Server) attributes(p *pending) error {
	a := &p.op.Attributes
	if err := a.Validate(p.op.Path); err != nil {
		return &ErrInvalid{p.op.Path, err.Error()}
	}
	if a.IsZero() || p.op.Path.Depth() == 0 {
		return &ErrInvalid{p.op.Path, "name a path and at least one attribute"}
	}
	s.req.Code = coap.PUT
	for _, q := range a.AppendQueries(nil) {
		s.req.Options = s.req.Options.AddQuery(q)
	}
	return nil
}

// validArguments checks the arguments of an Execute (section 6.3.5): digits in order of nothing, each once, with an
// optional value in single quotes.
func validArguments(s string) bool {
	seen := 0
	for i := 0; i < len(s); i++ {
		if s[i]-'0' > 9 || seen&(1<<(s[i]-'0')) != 0 {
			return false
		}
		seen |= 1 << (s[i] - '0')
		if i++; i < len(s) && s[i] == '=' {
			if i++; i == len(s) || s[i] != '\'' {
				return false
			}
			for i++; i < len(s) && s[i] != '\''; i++ {
				// ABNF: CHAR without the quotation marks and controls
				if s[i] < 0x20 || s[i] == '"' || s[i] == '\\' || s[i] >= 0x7F {
					return false
				}
			}
			if i == len(s) {
				return false
			}
			i++
		}
		if i < len(s) && (s[i] != ',' || i+1 == len(s)) {
			return false
		}
	}
	return true
}

// again repeats an exchange in another format when the device knows the first one not, and the server had chosen it.
func (s *Server) again(p *pending, e *entry, r *endpoint.Response) bool {
	if r.Err != nil || !p.auto {
		return false
	}
	switch {
	case r.Code == coap.NotAcceptable && (p.op.Kind == Read || p.op.Kind == Observe):
	case p.op.Kind.composite() && (r.Code == coap.NotAcceptable || r.Code == coap.UnsupportedContentFormat):
	case r.Code == coap.UnsupportedContentFormat && (p.op.Kind == Write || p.op.Kind == WritePartial || p.op.Kind == Create):
	default:
		return false
	}
	if e.nofmt.has(p.format) {
		return false
	}
	e.nofmt.add(p.format)
	s.stats.FormatRetries++
	return s.send(p.n, e, p) == nil
}

// readAnswer fills in what the device said.
func (s *Server) readAnswer(p *pending, e *entry, r *endpoint.Response, o *Outcome) {
	o.Format, o.HasFormat = r.Format, r.HasFormat
	if p.op.Block != nil {
		o.Block, o.HasBlock = r.Options.Block(coap.Block1)
	}
	if len(r.Payload) > 0 {
		o.Payload = append([]byte(nil), r.Payload...)
	}
	if !r.Code.IsSuccess() {
		return
	}
	switch p.op.Kind {
	case ReadComposite, ObserveComposite, CancelObserveComposite:
		if !r.HasFormat {
			r.Format, r.HasFormat = p.format, true
		}
		fallthrough
	case Read, Observe, CancelObserve:
		if r.Code != coap.Content {
			return
		}
		var err error
		if o.Entries, err = s.decode(e, p.op.Path, r.Format, r.HasFormat, r.Payload); err != nil {
			s.stats.Unreadable++
			o.Err = &unreadable{err}
		}
	case Discover:
		links, err := lwm2m.ParseLinks(nil, e.reg.Objects.root, r.Payload)
		if err != nil {
			s.stats.Unreadable++
			o.Err = &unreadable{err}
			return
		}
		o.Links = links
	case Create:
		o.Location = s.created(p, e, r)
	}
}

// created finds out what the new instance is called: the device says it, unless the server had chosen it.
func (s *Server) created(p *pending, e *entry, r *endpoint.Response) lwm2m.Path {
	if r.Options.Has(coap.LocationPath) {
		location, root := r.Options.Location(), e.reg.Objects.root
		if len(location) >= len(root) && location[:len(root)] == root {
			location = location[len(root):]
		}
		if l, err := lwm2m.ParsePath(location); err == nil && l.Depth() == 2 {
			return l
		}
	}
	for i := range p.op.Entries {
		if q := p.op.Entries[i].Path; q.Depth() >= 2 && q.Instance() != lwm2m.NoID {
			return q.Cut(2)
		}
	}
	return lwm2m.Path{}
}

// unreadable is ErrUnreadable with what the format had to say.
type unreadable struct{ err error }

func (u *unreadable) Error() string   { return ErrUnreadable.Error() + ": " + u.err.Error() }
func (u *unreadable) Unwrap() []error { return []error{ErrUnreadable, u.err} }
