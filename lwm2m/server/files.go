package server

import (
	"strings"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/machine"
)

// FileRequest is an Event: somebody asks for a block of a file below Config.Files. Whether they may, and what is in it, is
// for the program to say, by Serve; it may take its time.
type FileRequest struct {
	Name  string       // of the file: the path's segments after Config.Files, with slashes between
	Path  machine.Path // who asks
	Block coap.Block   // which block: its size is one that the path can carry
	Size  bool         // the size of the file is wanted (Size2)
	ETags []string     // what the peer has already

	exchange endpoint.Exchange
	cause    machine.Cause
}

// FilePart answers a FileRequest.
type FilePart struct {
	Code   coap.Code // of an error; 0 where there is Data
	Reason string    // of an error
	Data   []byte    // the bytes from Block.Offset() on, Block.Size() of them or, at the end, fewer
	Length int64     // of the whole file
	ETag   string    // 1 to 8 bytes
}

// maxFileName bounds a file's name.
const maxFileName = 128

// file hands a request for a file to the program.
func (s *Server) file(path machine.Path, in *endpoint.Incoming) {
	if in.Code != coap.GET {
		s.respond(in, coap.MethodNotAllowed, "")
		return
	}
	r := &FileRequest{Path: path, exchange: in.Exchange, cause: s.cause}
	most := coap.SZX(s.ep.BlockSize(path))
	r.Block.SZX = most
	for _, o := range in.Options {
		switch o.Number {
		case coap.Block2:
			b, err := coap.DecodeBlock(o.Value)
			if err != nil {
				s.respond(in, coap.BadRequest, "malformed block")
				return
			}
			if b.SZX > most {
				b.Num, b.SZX = b.Num<<(b.SZX-most), most // the same place, in smaller blocks
			}
			r.Block = coap.Block{Num: b.Num, SZX: b.SZX}
		case coap.Size2:
			r.Size = true
		case coap.ETag:
			if len(r.ETags) < 8 {
				r.ETags = append(r.ETags, string(o.Value))
			}
		}
	}
	name, _ := strings.CutPrefix(in.Options.Path(), "/"+s.config.Files+"/")
	if name == "" || len(name) > maxFileName || r.Block.Num > coap.MaxBlockNum {
		s.respond(in, coap.NotFound, "")
		return
	}
	r.Name = name
	s.emit(path, r)
}

// Serve answers a request for a file.
func (s *Server) Serve(now machine.Time, r *FileRequest, part FilePart) {
	s.begin(now, r.cause)
	s.reply = endpoint.Reply{Code: part.Code, Payload: append(s.scratch[:0], part.Reason...)}
	if part.Code == 0 {
		b := r.Block
		end := int64(b.Offset()) + int64(len(part.Data))
		b.More = end < part.Length
		s.reply = endpoint.Reply{Code: coap.Content, Sliced: true, Payload: part.Data}
		o := s.reply.Options.AddString(coap.ETag, part.ETag).SetFormat(coap.Opaque).SetUint(coap.Block2, b.Uint())
		if r.Size || b.Num == 0 {
			o = o.SetUint(coap.Size2, uint32(part.Length))
		}
		s.reply.Options = o
		for _, have := range r.ETags {
			if have == part.ETag && b.Num == 0 {
				s.reply.Code, s.reply.Payload = coap.Valid, nil
				s.reply.Options = s.reply.Options[:1]
			}
		}
		if int64(b.Offset()) >= part.Length && b.Num > 0 {
			s.reply = endpoint.Reply{Code: coap.BadRequest}
		}
		s.stats.FileBlocks++
	}
	s.ep.Respond(s.now, s.cause, r.exchange, &s.reply, 0)
	s.finish()
}
