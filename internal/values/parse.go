package values

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"heddle.example/lwm2m"
)

// Error says which path has a value that cannot be used, and what is wanted.
type Error struct {
	Path lwm2m.Path
	Msg  string
}

func (e *Error) Error() string { return e.Path.String() + ": " + e.Msg }

// Typer says what is known of a resource; nil functions and unknown resources leave the type to JSON.
type Typer interface {
	TypeOf(lwm2m.Path) (kind lwm2m.Kind, multiple, ok bool)
}

// entriesMost bounds one request.
const entriesMost = 2000

// Parse reads the value of a resource or resource instance. Kind None leaves the type to JSON: a text is a String, a whole
// number an Integer, another number a Float.
func Parse(p lwm2m.Path, kind lwm2m.Kind, raw json.RawMessage) (lwm2m.Value, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var x any
	if err := dec.Decode(&x); err != nil {
		return lwm2m.Value{}, &Error{p, "is not valid JSON"}
	}
	if _, err := dec.Token(); err != io.EOF {
		return lwm2m.Value{}, &Error{p, "is not one JSON value"}
	}
	return parse(p, kind, x)
}

func parse(p lwm2m.Path, kind lwm2m.Kind, x any) (lwm2m.Value, error) {
	v, ok := lwm2m.Value{}, false
	switch x := x.(type) {
	case string:
		v, ok = parseText(kind, x)
	case json.Number:
		v, ok = parseNumber(kind, x.String())
	case bool:
		v, ok = lwm2m.Bool(x), kind == lwm2m.Boolean || kind == lwm2m.None
	}
	if !ok {
		return lwm2m.Value{}, &Error{p, wanted(kind, x)}
	}
	return v, nil
}

func wanted(kind lwm2m.Kind, x any) string {
	got, _ := json.Marshal(x)
	if len(got) > 40 {
		got = append(got[:40], "…"...)
	}
	form := map[lwm2m.Kind]string{
		lwm2m.None: "a text, a number, or true or false", lwm2m.String: "a text", lwm2m.Integer: "a whole number from -2^63 to 2^63-1", lwm2m.Unsigned: "a whole number from 0 to 2^64-1",
		lwm2m.Float: "a number", lwm2m.Boolean: "true or false", lwm2m.Opaque: "hexadecimal digits in a text, such as \"c0ffee\"",
		lwm2m.Time: "a time such as \"2026-11-23T08:00:00Z\", or seconds since 1970", lwm2m.Objlink: "a link such as \"3:0\"", lwm2m.Corelnk: "links in a text, such as \"</3/0>\"",
	}[kind]
	return fmt.Sprintf("the value is %s; %s is wanted", got, form)
}

func parseText(kind lwm2m.Kind, s string) (lwm2m.Value, bool) {
	switch kind {
	case lwm2m.None, lwm2m.String:
		return lwm2m.Str(s), true
	case lwm2m.Corelnk:
		return lwm2m.Core(s), true
	case lwm2m.Opaque:
		b, err := hex.DecodeString(s)
		return lwm2m.Bytes(b), err == nil
	case lwm2m.Time:
		if t, err := time.Parse(time.RFC3339, s); err == nil {
			return lwm2m.TimeValue(t.Unix()), true
		}
		return lwm2m.Value{}, false
	case lwm2m.Objlink:
		v, err := lwm2m.ParseText(lwm2m.Objlink, s)
		return v, err == nil
	case lwm2m.Integer, lwm2m.Unsigned: // whole numbers beyond 2^53 come as text from careful JavaScript
		return parseNumber(kind, s)
	case lwm2m.Float:
		switch s {
		case "NaN", "+Inf", "-Inf":
			f, _ := strconv.ParseFloat(s, 64)
			return lwm2m.Num(f), true
		}
	}
	return lwm2m.Value{}, false
}

func parseNumber(kind lwm2m.Kind, s string) (lwm2m.Value, bool) {
	switch kind {
	case lwm2m.Integer:
		n, ok := parseInt(s)
		return lwm2m.Int(n), ok
	case lwm2m.Time:
		n, ok := parseInt(s)
		return lwm2m.TimeValue(n), ok
	case lwm2m.Unsigned:
		if n, err := strconv.ParseUint(s, 10, 64); err == nil {
			return lwm2m.Uint(n), true
		}
		n, ok := parseInt(s) // 1e3, 5.0
		return lwm2m.Uint(uint64(n)), ok && n >= 0
	case lwm2m.Float:
		f, err := strconv.ParseFloat(s, 64)
		return lwm2m.Num(f), err == nil
	case lwm2m.None:
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return lwm2m.Int(n), true
		}
		f, err := strconv.ParseFloat(s, 64)
		return lwm2m.Num(f), err == nil
	}
	return lwm2m.Value{}, false
}

// parseInt also takes whole numbers with a point or exponent, as some encoders write them, where nothing is lost.
func parseInt(s string) (int64, bool) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return 0, false
	}
	return int64(f), true
}

var errMany = errors.New("too many values")

// Resources reads what is below a path: for an object {"0": {"1": v}}, for an instance {"1": v, "7": {"0": v}}, for a
// multiple resource {"0": v}. The entries come back sorted.
func Resources(p lwm2m.Path, raw json.RawMessage, types Typer) ([]lwm2m.Entry, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var x any
	if err := dec.Decode(&x); err != nil {
		return nil, &Error{p, "is not valid JSON"}
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, &Error{p, "is not one JSON value"}
	}
	entries, err := walk(nil, p, x, types)
	if errors.Is(err, errMany) {
		return nil, &Error{p, fmt.Sprintf("more than %d values in one request", entriesMost)}
	}
	if err != nil {
		return nil, err
	}
	lwm2m.Sort(entries)
	return entries, nil
}

func walk(entries []lwm2m.Entry, p lwm2m.Path, x any, types Typer) ([]lwm2m.Entry, error) {
	if len(entries) >= entriesMost {
		return nil, errMany
	}
	var kind lwm2m.Kind
	var multiple, known bool
	if types != nil && p.Depth() >= 3 {
		kind, multiple, known = types.TypeOf(p)
	}
	m, isMap := x.(map[string]any)
	switch {
	case isMap && p.Depth() < 4:
		if p.Depth() == 3 && known && !multiple {
			return nil, &Error{p, "has one value, not several instances"}
		}
		if len(m) == 0 {
			return append(entries, lwm2m.Entry{Path: p}), nil
		}
		keys := make([]string, 0, len(m))
		for k := range m {
			keys = append(keys, k)
		}
		slices.SortFunc(keys, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b)) })
		for _, k := range keys {
			id, err := strconv.ParseUint(k, 10, 16)
			if err != nil || uint16(id) == lwm2m.NoID || len(k) > 1 && k[0] == '0' || k[0] == '+' {
				return nil, &Error{p, fmt.Sprintf("%q is not a number of 0 to 65534", k)}
			}
			if entries, err = walk(entries, p.Child(uint16(id)), m[k], types); err != nil {
				return nil, err
			}
		}
		return entries, nil
	case p.Depth() < 3:
		return nil, &Error{p, "numbered members are wanted, such as {\"0\": …}"}
	case p.Depth() == 3 && known && multiple:
		return nil, &Error{p, "has several instances: write {\"0\": value, …}"}
	}
	v, err := parse(p, kind, x)
	if err != nil {
		return nil, err
	}
	return append(entries, lwm2m.Entry{Path: p, Value: v}), nil
}
