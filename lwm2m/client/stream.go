package client

import (
	"strings"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/lwm2m"
)

// Piece is a part of a long value that is written block by block.
type Piece struct {
	Resource lwm2m.Path
	Offset   int64
	Data     []byte // borrowed
	Last     bool
	Size     int64 // of the whole value where the server said so (Size1), else -1
}

// Streamer is an object with a value that is too long to be in memory: opaque, and written piece by piece.
type Streamer interface {
	// Streams reports whether a resource is written piece by piece.
	Streams(resource uint16) bool
	// WritePiece takes in a piece. A piece with Offset 0 begins a new value. One that does not follow what has come is
	// refused with Incomplete. Its answer leaves when what the call has changed (Call.Keep) is on disk.
	WritePiece(call Call, p Piece) error
}

// Incomplete refuses a piece because one before it is missing (RFC 7959 section 2.9.2).
func Incomplete(reason string) error { return &Error{coap.RequestEntityIncomplete, reason} }

// streams says which requests the message layer hands up block by block.
func (c *Client) streams(code coap.Code, options coap.Options) bool {
	if code != coap.PUT && code != coap.POST {
		return false
	}
	if f, ok := options.Format(); !ok || f != coap.Opaque {
		return false
	}
	s, ok := strings.CutPrefix(options.Path(), c.root)
	if !ok {
		return false
	}
	p, err := lwm2m.ParsePath(s)
	return err == nil && c.streamer(p) != nil
}

// streamer returns the object of a resource that is written piece by piece, or nil.
func (c *Client) streamer(p lwm2m.Path) Streamer {
	if p.Depth() != 3 {
		return nil
	}
	s, ok := c.object(p.Object()).(Streamer)
	if !ok || !s.Streams(p.Resource()) {
		return nil
	}
	return s
}

// servePiece carries out the Write of one block.
func (c *Client) servePiece(op *operation, o Object, s Streamer) (*endpoint.Reply, error) {
	p := Piece{Resource: op.path, Data: op.Payload, Last: true, Size: -1}
	if op.Streamed {
		p.Offset, p.Last = int64(op.Block.Offset()), !op.Block.More
	}
	if n, ok := op.Options.GetUint(coap.Size1); ok {
		p.Size = int64(n)
	}
	if err := c.authorize(op.path, RightWrite); err != nil {
		return nil, err
	}
	err := s.WritePiece(op.call, p)
	c.objectTouched(o)
	if err != nil {
		return nil, err
	}
	if !p.Last {
		return &endpoint.Reply{Code: coap.Continue}, nil
	}
	c.emit(&Written{Server: op.call.Server, Path: op.path})
	c.changed(op.path)
	return &endpoint.Reply{Code: coap.Changed}, nil
}
