// Package backup writes all that a server keeps into one file while it runs, and makes a data directory of such a file.
//
// A file is a line that says what it is, then frames, the last of which has the SHA-256 of all before it: a file that was cut
// short or changed is refused before anything is touched.
package backup

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
)

// Errors that callers branch on.
var (
	ErrForeign = errors.New("backup: this is no backup of Heddle")
	ErrNewer   = errors.New("backup: the file was written by a newer version of Heddle; use that version")
	ErrDamaged = errors.New("backup: the file is damaged or cut short")
)

// magic is the first line; its number is that of the format.
const (
	magic   = "heddle backup "
	version = 1
)

// A frame is its kind (1 byte), the length of its content (4 bytes, big endian), and the content: fields, each with its
// length before it as a varint, numbers as varints.
const (
	metaFrame   = 'm' // JSON of Meta
	recordFrame = 'r' // table, key, value
	blockFrame  = 'b' // owner, name, day, first, last, points, data
	dirFrame    = 'd' // name
	fileFrame   = 'f' // name
	dataFrame   = 'c' // the next piece of that file
	endFrame    = 'e' // SHA-256
)

// frameMost bounds what a reader takes into memory. Records of ours are far below it.
const frameMost = 64 << 20

// frames writes.
type frames struct {
	w   *bufio.Writer
	sum hash.Hash
	out io.Writer // both
	buf []byte
	n   int64
}

func newFrames(w io.Writer) (*frames, error) {
	f := &frames{w: bufio.NewWriterSize(w, 64<<10), sum: sha256.New()}
	f.out = io.MultiWriter(f.w, f.sum)
	_, err := fmt.Fprintf(f.out, "%s%d\n", magic, version)
	return f, err
}

// begin starts a frame; fields are appended to f.buf, and end writes it.
func (f *frames) begin(kind byte) { f.buf = append(f.buf[:0], kind, 0, 0, 0, 0) }

func (f *frames) bytes(b []byte) {
	f.buf = append(binary.AppendUvarint(f.buf, uint64(len(b))), b...)
}

func (f *frames) number(n int64) { f.buf = binary.AppendVarint(f.buf, n) }

func (f *frames) end() error {
	size := len(f.buf) - 5
	if size > frameMost {
		return fmt.Errorf("backup: a record of %d bytes is too long", size)
	}
	binary.BigEndian.PutUint32(f.buf[1:], uint32(size))
	f.n++
	_, err := f.out.Write(f.buf)
	return err
}

// finish writes the sum. It is not part of itself.
func (f *frames) finish() error {
	f.begin(endFrame)
	f.buf = f.sum.Sum(f.buf)
	if err := f.end(); err != nil {
		return err
	}
	return f.w.Flush()
}

// reader reads frames and adds them up.
type reader struct {
	r    *bufio.Reader
	sum  hash.Hash
	kind byte
	b    []byte // what is left of the frame
	buf  []byte
	bad  bool
	done bool
}

func newReader(r io.Reader) (*reader, error) {
	f := &reader{r: bufio.NewReaderSize(r, 64<<10), sum: sha256.New()}
	line, err := f.r.ReadSlice('\n')
	if err != nil && err != io.EOF && err != bufio.ErrBufferFull {
		return nil, err
	}
	var n int
	if !bytes.HasPrefix(line, []byte(magic)) {
		return nil, ErrForeign
	}
	if _, err := fmt.Sscanf(string(line[len(magic):]), "%d\n", &n); err != nil || n < 1 {
		return nil, ErrForeign
	}
	if n > version {
		return nil, fmt.Errorf("%w (format %d, this program knows %d)", ErrNewer, n, version)
	}
	f.sum.Write(line)
	return f, nil
}

// next reads a frame; io.EOF follows the last one, whose sum was right.
func (f *reader) next() error {
	if f.done {
		if _, err := f.r.ReadByte(); err != io.EOF {
			return fmt.Errorf("%w: something follows its end", ErrDamaged)
		}
		return io.EOF
	}
	var head [5]byte
	if _, err := io.ReadFull(f.r, head[:]); err != nil {
		return cut(err)
	}
	size := binary.BigEndian.Uint32(head[1:])
	if size > frameMost {
		return fmt.Errorf("%w: a frame of %d bytes", ErrDamaged, size)
	}
	// The length is a stranger's word until its bytes are there.
	f.buf = f.buf[:0]
	for len(f.buf) < int(size) {
		from := len(f.buf)
		f.buf = append(f.buf, make([]byte, min(int(size)-from, 1<<20))...)
		if _, err := io.ReadFull(f.r, f.buf[from:]); err != nil {
			return cut(err)
		}
	}
	f.kind, f.b = head[0], f.buf
	if f.kind == endFrame {
		if !bytes.Equal(f.sum.Sum(nil), f.b) {
			return fmt.Errorf("%w: its checksum is wrong", ErrDamaged)
		}
		f.done = true
		return f.next()
	}
	f.sum.Write(head[:])
	f.sum.Write(f.b)
	return nil
}

func cut(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return fmt.Errorf("%w: it ends too early", ErrDamaged)
	}
	return err
}

func (f *reader) bytes() []byte {
	n, used := binary.Uvarint(f.b)
	if used <= 0 || n > uint64(len(f.b)-used) {
		f.bad, f.b = true, nil
		return nil
	}
	b := f.b[used : used+int(n) : used+int(n)]
	f.b = f.b[used+int(n):]
	return b
}

func (f *reader) number() int64 {
	n, used := binary.Varint(f.b)
	if used <= 0 {
		f.bad, f.b = true, nil
		return 0
	}
	f.b = f.b[used:]
	return n
}

// whole reports whether the frame was what its kind says, to its end.
func (f *reader) whole() error {
	if f.bad || len(f.b) > 0 {
		return fmt.Errorf("%w: a frame of kind %q makes no sense", ErrDamaged, f.kind)
	}
	return nil
}
