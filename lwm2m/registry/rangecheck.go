package registry

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"heddle.example/lwm2m"
)

// ErrRange is wrapped where a value is outside of what a definition allows.
var ErrRange = errors.New("lwm2m/registry: value out of range")

// Limits are what a definition's range or enumeration allows.
type Limits struct {
	Spans   []Span   // the value, or the length in bytes of a String or Opaque, lies in one of them; none: anything
	Choices []Choice // an enumeration with names; its values are Spans, too
	Length  bool     // the spans are of the length
}

// Span is a closed interval.
type Span struct{ Min, Max float64 }

// Choice is a named value.
type Choice struct {
	Value int64
	Name  string
}

// Limits reads the range or enumeration of the definition. Definitions write it in many ways; what cannot be understood
// limits nothing.
func (r *Resource) Limits() Limits {
	text := strings.TrimSpace(r.Range)
	if text == "" {
		return Limits{}
	}
	var l Limits
	switch r.Kind {
	case lwm2m.String, lwm2m.Opaque, lwm2m.Corelnk:
		l.Length = true
		text = trimBytes(text)
		l.Spans = spans(text)
		// One number is the most that there may be: "64 bytes".
		if len(l.Spans) == 1 && l.Spans[0].Min == l.Spans[0].Max {
			l.Spans[0].Min = 0
		}
	case lwm2m.Integer, lwm2m.Unsigned, lwm2m.Float, lwm2m.Time:
		if l.Choices = choices(text); l.Choices != nil {
			for _, c := range l.Choices {
				l.Spans = append(l.Spans, Span{float64(c.Value), float64(c.Value)})
			}
			break
		}
		l.Spans = spans(text)
		// One number for a number is how some definitions say how long it is.
		if len(l.Spans) == 1 && l.Spans[0].Min == l.Spans[0].Max {
			l.Spans = nil
		}
	}
	return l
}

func trimBytes(s string) string {
	lower := strings.ToLower(s)
	for _, unit := range []string{"bytes", "byte"} {
		if strings.HasSuffix(lower, unit) {
			return strings.TrimSpace(s[:len(s)-len(unit)])
		}
	}
	return s
}

// spans reads "0..100", "0-255", "1...3", "[1:4]", "16,32,48", "16-32-48", "0..3, 99", "0; 3.8..20.5" and "10 or 26".
func spans(s string) []Span {
	if strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]") {
		s = strings.Replace(s[1:len(s)-1], ":", "..", 1)
	}
	s = strings.ReplaceAll(s, " or ", ",")
	s = strings.ReplaceAll(s, "...", "..")
	var all []Span
	for part := range strings.FieldsFuncSeq(s, func(c rune) bool { return c == ',' || c == ';' }) {
		part = strings.TrimSpace(part)
		low, high, dotted := strings.Cut(part, "..")
		if !dotted {
			points := dashed(part)
			switch len(points) {
			case 0:
				return nil
			case 2: // "0-255"
				all = append(all, Span{points[0], points[1]})
			default: // "7", or "16-32-48"
				for _, p := range points {
					all = append(all, Span{p, p})
				}
			}
			continue
		}
		a, err1 := strconv.ParseFloat(strings.TrimSpace(low), 64)
		b, err2 := strconv.ParseFloat(strings.TrimSpace(high), 64)
		if err1 != nil || err2 != nil {
			return nil
		}
		all = append(all, Span{min(a, b), max(a, b)})
	}
	return all
}

// dashed reads numbers with dashes between them, the first of which may be negative.
func dashed(s string) (numbers []float64) {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	for part := range strings.SplitSeq(s, "-") {
		f, err := strconv.ParseFloat(sign+strings.TrimSpace(part), 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return nil
		}
		numbers, sign = append(numbers, f), ""
	}
	return numbers
}

// choices reads "0: disabled 1: normal 255: other".
func choices(s string) (all []Choice) {
	for s = strings.TrimSpace(s); s != ""; {
		number, rest, ok := strings.Cut(s, ":")
		value, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
		if !ok || err != nil {
			return nil
		}
		// The name ends before the next word that is a number and a colon.
		words := strings.Fields(rest)
		n := 0
		for n < len(words) {
			if digits, ok := strings.CutSuffix(words[n], ":"); ok && n > 0 {
				if _, err := strconv.ParseInt(digits, 10, 64); err == nil {
					break
				}
			}
			n++
		}
		if n == 0 {
			return nil
		}
		all = append(all, Choice{value, strings.Join(words[:n], " ")})
		s = strings.Join(words[n:], " ")
	}
	return all
}

// Check reports whether a value may be written: it has the resource's type, or becomes it without loss, and lies in its
// range. The error says what is allowed.
func (r *Resource) Check(v lwm2m.Value) error {
	if r.Kind == lwm2m.None {
		return fmt.Errorf("%w: %s has no value, it can only be executed", ErrRange, r.label())
	}
	v, err := v.Convert(r.Kind)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrRange, r.label(), err)
	}
	l := r.Limits()
	if len(l.Spans) == 0 {
		return nil
	}
	x, _ := v.AsFloat()
	if l.Length {
		x = float64(len(v.Raw()))
	}
	for _, s := range l.Spans {
		if x >= s.Min && x <= s.Max {
			return nil
		}
	}
	if l.Length {
		return fmt.Errorf("%w: %s takes %s bytes, not %v", ErrRange, r.label(), trimBytes(r.Range), x)
	}
	return fmt.Errorf("%w: %s takes %s, not %s", ErrRange, r.label(), r.Range, v)
}

func (r *Resource) label() string { return fmt.Sprintf("%s (%d)", r.Name, r.ID) }
