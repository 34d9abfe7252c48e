package server

import (
	"reflect"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/lwm2m"
)

// about are the fields of Operation that are about its waiting, not about what the device is asked. A block is never kept:
// who writes it waits himself.
var about = map[string]bool{"Timeout": true, "Queue": true, "Expires": true, "Block": true}

// Every field of an Operation that says what the device is asked survives being written down. A new field fails here
// until appendOperation knows it.
func TestOperationCode(t *testing.T) {
	attributes, err := lwm2m.ParseAttributes("pmin=1", "pmax=2", "gt=1.5", "lt=-2", "st=0.5", "epmin=3", "epmax=4", "edge=1", "con=1", "hqmax")
	if err != nil {
		t.Fatal(err)
	}
	full := Operation{
		Kind: Write, Path: path("/3/0"), Args: "0='x'", Attributes: attributes, Format: coap.SenMLJSON, HasFormat: true, Passive: true, Repeat: true, Paths: []lwm2m.Path{path("/3/0/9"), path("/1"), lwm2m.Root},
		Timeout: time.Second, Queue: QueueAlways, Expires: time.Hour, Block: &WriteBlock{},
		Entries: []lwm2m.Entry{
			{Path: path("/3/0/14"), Value: lwm2m.Str("a")}, {Path: path("/3/0/15"), Value: lwm2m.Int(-5)}, {Path: path("/3/0/16"), Value: lwm2m.Uint(1 << 63)},
			{Path: path("/3/0/17/3"), Value: lwm2m.Num(1.5), Time: -7}, {Path: path("/3/0/18"), Value: lwm2m.Bool(true)}, {Path: path("/3/0/19"), Value: lwm2m.Bytes([]byte{0, 1})},
			{Path: path("/3/0/20"), Value: lwm2m.TimeValue(-1)}, {Path: path("/3/0/21"), Value: lwm2m.ObjectLink(3, 65535)}, {Path: path("/3/0/22"), Value: lwm2m.Core("</1>")},
			{Path: path("/3/0/23")},
		},
	}
	v := reflect.ValueOf(full)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			t.Errorf("%s: give it a value here and a tag in appendOperation", v.Type().Field(i).Name)
		}
	}
	check := func(op Operation) {
		t.Helper()
		got, err := readOperation(appendOperation(nil, &op))
		if err != nil {
			t.Fatal(err)
		}
		want, back := reflect.ValueOf(&op).Elem(), reflect.ValueOf(got)
		for i := range want.NumField() {
			name := want.Type().Field(i).Name
			if !about[name] && !reflect.DeepEqual(want.Field(i).Interface(), back.Field(i).Interface()) {
				t.Errorf("%s is %+v, want %+v", name, back.Field(i), want.Field(i))
			}
		}
		if kind, p := operationHead(string(appendOperation(nil, &op))); kind != op.Kind || p != op.Path {
			t.Errorf("head %v %v", kind, p)
		}
	}
	check(full)
	check(Operation{Kind: Read, Path: path("/3/0/9")})
	check(Operation{Kind: Create, Path: path("/3303"), Entries: []lwm2m.Entry{{Path: lwm2m.NewPath(3303, lwm2m.NoID, 5700), Value: lwm2m.Num(1)}}})
	// Composite: values in several places.
	check(Operation{Kind: Write, Entries: []lwm2m.Entry{{Path: path("/3/0/14"), Value: lwm2m.Str("a")}, {Path: path("/1/0/1"), Value: lwm2m.Int(1)}}})
	check(Operation{Kind: Write, Path: path("/3/0/14"), Entries: entry1("/1/0/1", lwm2m.Int(1))})

	if n := len(appendOperation(nil, &Operation{Kind: Write, Path: path("/3/0/14"), Entries: entry1("/3/0/14", lwm2m.Str("+01:00"))})); n > 20 {
		t.Errorf("a small write takes %d bytes", n)
	}
}

// FuzzOperationCode: what is read is written the same way, and nothing makes the reader panic or grow without bound.
func FuzzOperationCode(f *testing.F) {
	f.Add([]byte(appendOperation(nil, &Operation{Kind: Write, Path: path("/3/0/14"), Entries: entry1("/3/0/14", lwm2m.Str("a"))})))
	f.Add([]byte(appendOperation(nil, &Operation{Kind: Execute, Path: path("/3/0/4"), Args: "0", Repeat: true, Format: 60, HasFormat: true})))
	f.Fuzz(func(t *testing.T, b []byte) {
		op, err := readOperation(b)
		if err != nil {
			return
		}
		again, err := readOperation(appendOperation(nil, &op))
		if err != nil || len(again.Entries) != len(op.Entries) || again.Kind != op.Kind || again.Path != op.Path || again.Args != op.Args {
			t.Fatalf("%+v, then %+v, %v", op, again, err)
		}
	})
}

// FuzzOutcome is the same for a result that is kept.
func FuzzOutcome(f *testing.F) {
	f.Add([]byte(appendOutcome(nil, 5, &Outcome{Endpoint: "dev", Op: Read, Path: path("/3/0/9"), Code: coap.Content, Entries: entry1("/3/0/9", lwm2m.Int(5))})))
	f.Add([]byte(appendOutcome(nil, 5, &Outcome{Endpoint: "dev", Op: Execute, Path: path("/3/0/4"), Err: ErrMaybeExecuted})))
	f.Add([]byte(appendOutcome(nil, 5, &Outcome{Endpoint: "dev", Err: &ErrEnded{Expired}})))
	f.Fuzz(func(t *testing.T, b []byte) {
		o, at, err := readOutcome(b)
		if err != nil {
			return
		}
		if again, when, err := readOutcome(appendOutcome(nil, at, o)); err != nil || when != at || again.Endpoint != o.Endpoint || (again.Err == nil) != (o.Err == nil) {
			t.Fatalf("%+v, then %+v, %v", o, again, err)
		}
	})
}
