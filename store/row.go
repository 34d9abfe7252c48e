package store

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"

	"heddle.example/machine"
)

// A row of the journal is one group commit:
//
//	version 1 | tables: count, (length, name)... | records: count, record... | CRC-32C of all before, 4 bytes
//	record: table index << 1 | deleted, key length, key [, value length, value]
//
// Numbers are unsigned varints. Table names stand in each row, so a row means something by itself.
const rowVersion = 1

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// rowWriter collects the records of a row.
type rowWriter struct {
	tables  []machine.Table
	records int
	body    []byte
}

func (w *rowWriter) add(records []machine.Record) {
	for i := range records {
		r := &records[i]
		t := slices.Index(w.tables, r.Table)
		if t < 0 {
			t = len(w.tables)
			w.tables = append(w.tables, r.Table)
		}
		deleted := uint64(0)
		if r.Value == nil {
			deleted = 1
		}
		w.body = binary.AppendUvarint(w.body, uint64(t)<<1|deleted)
		w.body = binary.AppendUvarint(w.body, uint64(len(r.Key)))
		w.body = append(w.body, r.Key...)
		if r.Value != nil {
			w.body = binary.AppendUvarint(w.body, uint64(len(r.Value)))
			w.body = append(w.body, r.Value...)
		}
	}
	w.records += len(records)
}

// rowKeep is the largest buffer kept from one row to the next.
const rowKeep = 1 << 20

func (w *rowWriter) reset() {
	if cap(w.body) > rowKeep {
		w.body = nil
	}
	*w = rowWriter{tables: w.tables[:0], body: w.body[:0]}
}

// append appends the finished row.
func (w *rowWriter) append(dst []byte) []byte {
	from := len(dst)
	dst = append(dst, rowVersion)
	dst = binary.AppendUvarint(dst, uint64(len(w.tables)))
	for _, t := range w.tables {
		dst = binary.AppendUvarint(dst, uint64(len(t)))
		dst = append(dst, t...)
	}
	dst = binary.AppendUvarint(dst, uint64(w.records))
	dst = append(dst, w.body...)
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(dst[from:], castagnoli))
}

// readRow calls each with every record of a row; a deleted one has a nil value. Key and value borrow row. Nothing is
// called unless the checksum is right.
func readRow(row []byte, each func(table machine.Table, key, value []byte)) (records int, err error) {
	if len(row) < 5 {
		return 0, fmt.Errorf("%w: a journal row of %d bytes", ErrCorrupt, len(row))
	}
	b, sum := row[:len(row)-4], binary.LittleEndian.Uint32(row[len(row)-4:])
	if crc32.Checksum(b, castagnoli) != sum {
		return 0, fmt.Errorf("%w: a journal row has a wrong checksum", ErrCorrupt)
	}
	if b[0] != rowVersion {
		return 0, fmt.Errorf("%w: a journal row of version %d", ErrNewer, b[0])
	}
	r := rowReader{b: b[1:]}
	tables := make([]machine.Table, 0, 8)
	for n := r.number(); n > 0 && !r.bad; n-- {
		tables = append(tables, machine.Table(r.bytes()))
	}
	for n := r.number(); n > 0 && !r.bad; n-- {
		head := r.number()
		key := r.bytes()
		var value []byte
		if head&1 == 0 {
			value = r.bytes()
		}
		if r.bad || head>>1 >= uint64(len(tables)) {
			r.bad = true
			break
		}
		each(tables[head>>1], key, value)
		records++
	}
	if r.bad || len(r.b) != 0 {
		return records, fmt.Errorf("%w: a journal row of %d bytes makes no sense", ErrCorrupt, len(row))
	}
	return records, nil
}

type rowReader struct {
	b   []byte
	bad bool
}

func (r *rowReader) number() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

// bytes returns a slice that is never nil, since nil means deleted.
func (r *rowReader) bytes() []byte {
	n := r.number()
	if n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return []byte{}
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}
