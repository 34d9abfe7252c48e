package store

import (
	"bytes"
	"errors"
	"testing"

	"heddle.example/machine"
)

func rec(table, key, value string) machine.Record {
	return machine.Record{Table: machine.Table(table), Key: []byte(key), Value: []byte(value)}
}

func del(table, key string) machine.Record {
	return machine.Record{Table: machine.Table(table), Key: []byte(key)}
}

func rowOf(records ...machine.Record) []byte {
	var w rowWriter
	w.add(records)
	return w.append(nil)
}

func recordsOf(row []byte) (records []machine.Record, err error) {
	_, err = readRow(row, func(t machine.Table, k, v []byte) {
		records = append(records, machine.Record{Table: t, Key: k, Value: v})
	})
	return records, err
}

func sameRecords(a, b []machine.Record) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].Table != b[i].Table || !bytes.Equal(a[i].Key, b[i].Key) || !bytes.Equal(a[i].Value, b[i].Value) ||
			(a[i].Value == nil) != (b[i].Value == nil) {
			return false
		}
	}
	return true
}

func TestRow(t *testing.T) {
	for _, c := range []struct {
		name    string
		records []machine.Record
		row     string
	}{
		{"empty", nil, "\x01\x00\x00"},
		{"one", []machine.Record{rec("t", "key", "value")}, "\x01\x01\x01t\x01\x00\x03key\x05value"},
		{"deleted", []machine.Record{del("t", "key")}, "\x01\x01\x01t\x01\x01\x03key"},
		{"empty key and value are not deleted", []machine.Record{rec("t", "", "")}, "\x01\x01\x01t\x01\x00\x00\x00"},
		{"two tables, named once", []machine.Record{rec("a", "1", "x"), rec("bc", "2", "y"), del("a", "1")},
			"\x01\x02\x01a\x02bc\x03" + "\x00\x011\x01x" + "\x02\x012\x01y" + "\x01\x011"},
	} {
		t.Run(c.name, func(t *testing.T) {
			row := rowOf(c.records...)
			if got := string(row[:len(row)-4]); got != c.row {
				t.Errorf("row %q, want %q", got, c.row)
			}
			got, err := recordsOf(row)
			if err != nil || !sameRecords(got, c.records) {
				t.Errorf("read %q, %v", got, err)
			}
			for i := range row {
				bad := bytes.Clone(row)
				bad[i] ^= 0x40
				if got, err := recordsOf(bad); !errors.Is(err, ErrCorrupt) || got != nil {
					t.Errorf("byte %d changed: %q, %v", i, got, err)
				}
				if _, err := recordsOf(row[:i]); !errors.Is(err, ErrCorrupt) {
					t.Errorf("cut after %d: %v", i, err)
				}
			}
		})
	}
}

// A row whose checksum is right may still be nonsense, of a program with an error: no panic, and an error.
func FuzzReadRow(f *testing.F) {
	f.Add([]byte("\x01\x01\x01t\x01\x00\x03key\x05value"))
	f.Add([]byte("\x01\x02\x01a\x02bc\x03\x00\x011\x01x\x02\x012\x01y\x01\x011"))
	f.Add([]byte("\x01\x00\x01\x00\x00\x00"))
	f.Add([]byte("\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		row := withSum(b)
		records, err := recordsOf(row)
		if err != nil {
			return
		}
		again, err := recordsOf(rowOf(records...))
		if err != nil || !sameRecords(records, again) {
			t.Errorf("%q was read as %q and then as %q, %v", b, records, again, err)
		}
	})
}
