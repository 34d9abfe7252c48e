package server

import (
	"bytes"
	"fmt"
	"testing"

	"heddle.example/coap"
	"heddle.example/lwm2m"
)

// fileRig is a server that has files below /fw.
func fileRig(t *testing.T) *rig {
	config := open
	config.Files = "fw"
	return newRig(t, config)
}

// fetch asks for a block of a file and returns the program's request.
func (r *rig) fetch(uri string, options ...coap.Option) *FileRequest {
	r.t.Helper()
	r.mid++
	m := coap.Message{Type: coap.CON, Code: coap.GET, ID: r.mid, Options: uriOptions(uri)}
	for _, o := range options {
		m.Options = m.Options.Add(o.Number, o.Value)
	}
	n := len(r.events)
	r.send(device, m)
	if len(r.events) == n {
		return nil
	}
	f, ok := r.events[len(r.events)-1].(*FileRequest)
	if !ok {
		r.t.Fatalf("%T instead of a request for a file", r.events[len(r.events)-1])
	}
	return f
}

func block2(num uint32, size int) coap.Option {
	return coap.Option{Number: coap.Block2, Value: coap.AppendUint(nil, coap.Block{Num: num, SZX: coap.SZX(size)}.Uint())}
}

func TestFileInBlocks(t *testing.T) {
	r := fileRig(t)
	file := bytes.Repeat([]byte("0123456789"), 15)
	var got []byte
	for num := uint32(0); ; num++ {
		f := r.fetch("/fw/7", block2(num, 64))
		if f == nil || f.Name != "7" || f.Block.Num != num || f.Block.Size() != 64 {
			t.Fatalf("block %d: %+v", num, f)
		}
		from := f.Block.Offset()
		r.s.Serve(r.now, f, FilePart{Data: file[from:min(from+64, len(file))], Length: int64(len(file)), ETag: "abc"})
		r.drain()
		m := r.lastReply()
		b, _ := m.Options.Block(coap.Block2)
		etag, _ := m.Options.Get(coap.ETag)
		if m.Code != coap.Content || b.Num != num || string(etag) != "abc" {
			t.Fatalf("block %d: %s %+v %q", num, m.Code, b, etag)
		}
		if size, ok := m.Options.GetUint(coap.Size2); (num == 0) != ok || ok && int(size) != len(file) {
			t.Errorf("block %d: Size2 is %d, %v", num, size, ok)
		}
		got = append(got, m.Payload...)
		if !b.More {
			break
		}
	}
	if !bytes.Equal(got, file) {
		t.Errorf("%d of %d bytes arrived", len(got), len(file))
	}
}

func TestFileRequests(t *testing.T) {
	r := fileRig(t)
	// Without an option: the first block, of the largest size.
	if f := r.fetch("/fw/a/b"); f == nil || f.Name != "a/b" || f.Block.Size() != 1024 {
		t.Errorf("%+v", f)
	}
	// The peer has it already.
	f := r.fetch("/fw/7", coap.Option{Number: coap.ETag, Value: []byte("abc")})
	r.s.Serve(r.now, f, FilePart{Data: []byte("x"), Length: 1, ETag: "abc"})
	r.drain()
	if m := r.lastReply(); m.Code != coap.Valid || len(m.Payload) > 0 {
		t.Errorf("what the peer has is answered %s %q", m.Code, m.Payload)
	}
	// Beyond the end.
	f = r.fetch("/fw/7", block2(5, 64))
	r.s.Serve(r.now, f, FilePart{Length: 10, ETag: "abc"})
	r.drain()
	if m := r.lastReply(); m.Code != coap.BadRequest {
		t.Errorf("a block beyond the end is answered %s", m.Code)
	}
	f = r.fetch("/fw/7", block2(0, 64))
	r.s.Serve(r.now, f, FilePart{Code: coap.Forbidden, Reason: "no"})
	r.drain()
	if m := r.lastReply(); m.Code != coap.Forbidden || string(m.Payload) != "no" {
		t.Errorf("a refusal is answered %s %q", m.Code, m.Payload)
	}
	for _, uri := range []string{"/fw", "/fw/", "/other/7", "/fw/" + string(bytes.Repeat([]byte("x"), 200))} {
		if f := r.fetch(uri); f != nil {
			t.Errorf("%s asks for the file %q", uri, f.Name)
		} else if m := r.lastReply(); m.Code != coap.NotFound {
			t.Errorf("%s is answered %s", uri, m.Code)
		}
	}
	if f := r.fetch("/fw/7", coap.Option{Number: coap.Block2, Value: []byte{0x0F}}); f != nil {
		t.Error("a reserved block size asks for a file")
	}
	r.request(device, coap.PUT, "/fw/7", "")
	if m := r.lastReply(); m.Code != coap.MethodNotAllowed {
		t.Errorf("PUT of a file is answered %s", m.Code)
	}
}

func TestWriteBlock(t *testing.T) {
	r := newRig(t, open)
	r.register(device, "d", "&lwm2m=1.1", "</5/0>")
	r.forget()
	write := func(num uint32, more bool, data []byte) *Operation {
		return &Operation{Kind: Write, Path: path("/5/0/0"),
			Block: &WriteBlock{Block: coap.Block{Num: num, More: more, SZX: 2}, Data: data, Size: 100}}
	}
	id := r.do("d", write(0, true, make([]byte, 64)))
	m := r.last()
	size, _ := m.Options.GetUint(coap.Size1)
	if b, ok := m.Options.Block(coap.Block1); !ok || b != (coap.Block{More: true, SZX: 2}) || size != 100 || len(m.Payload) != 64 {
		t.Errorf("the first block is %+v, size %d, %d bytes", b, size, len(m.Payload))
	}
	r.answer(coap.Continue, coap.Options{}.AddUint(coap.Block1, coap.Block{More: true, SZX: 1}.Uint()), nil)
	if o := r.result[id]; o.Code != coap.Continue || !o.HasBlock || o.Block.SZX != 1 || o.Err != nil {
		t.Errorf("%+v", o)
	}
	id = r.do("d", write(1, false, make([]byte, 36)))
	if m := r.last(); m.Options.Has(coap.Size1) || len(m.Payload) != 36 {
		t.Error("the last block is wrong")
	}
	r.answer(coap.Changed, nil, nil)
	if o := r.result[id]; o.Code != coap.Changed || o.Err != nil {
		t.Errorf("%+v", o)
	}
	for i, bad := range []*Operation{write(0, true, make([]byte, 63)), write(0, false, make([]byte, 65)), write(1<<20, false, nil),
		{Kind: Write, Path: lwm2m.MustPath("/5/0"), Block: &WriteBlock{}}} {
		if o := r.result[r.do("d", bad)]; o == nil || o.Err == nil {
			t.Errorf("bad block %d was sent: %s", i, fmt.Sprint(o))
		}
	}
}
