package history

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"heddle.example/lwm2m"
)

func values() *rapid.Generator[lwm2m.Value] {
	return rapid.OneOf(
		rapid.Map(rapid.Int64(), lwm2m.Int), rapid.Map(rapid.Uint64(), lwm2m.Uint), rapid.Map(rapid.Float64(), lwm2m.Num),
		rapid.Map(rapid.IntRange(-5000, 5000), func(n int) lwm2m.Value { return lwm2m.Num(float64(n) / 100) }),
		rapid.Map(rapid.Float32(), func(f float32) lwm2m.Value { return lwm2m.Num(float64(f)) }),
		rapid.Map(rapid.Bool(), lwm2m.Bool), rapid.Map(rapid.String(), lwm2m.Str), rapid.Map(rapid.SliceOf(rapid.Byte()), lwm2m.Bytes),
		rapid.Map(rapid.Int64(), lwm2m.TimeValue), rapid.Map(rapid.Uint16(), func(n uint16) lwm2m.Value { return lwm2m.ObjectLink(n, ^n) }),
		rapid.Map(rapid.String(), lwm2m.Core),
		rapid.SampledFrom([]lwm2m.Value{lwm2m.Num(math.NaN()), lwm2m.Num(math.Inf(1)), lwm2m.Num(math.Copysign(0, -1)), lwm2m.Num(math.MaxFloat64), lwm2m.Num(5e-324), lwm2m.Str("same")}),
	)
}

func points() *rapid.Generator[[]Point] {
	at := rapid.OneOf(rapid.Int64(), rapid.Int64Range(1_790_000_000_000, 1_790_000_100_000))
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Point { return Point{at.Draw(t, "at"), values().Draw(t, "value")} }), 0, 60)
}

// What was put into a block comes out, to the bit, also where the block was put away and taken up again in between.
func TestBlockRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := points().Draw(t, "points")
		cut := rapid.IntRange(0, len(want)).Draw(t, "cut")
		var w Writer
		for i, p := range want {
			if i == cut {
				if err := w.Reset(append([]byte(nil), w.Bytes()...)); err != nil || w.Points() != i {
					t.Fatalf("taken up again: %v, %d points", err, w.Points())
				}
			}
			w.Add(p)
		}
		var got []Point
		if len(want) > 0 {
			if err := Read(w.Bytes(), func(p Point) { got = append(got, p) }); err != nil {
				t.Fatal(err)
			}
		}
		same(t, got, want)
	})
}

func same(t *rapid.T, got, want []Point) {
	if len(got) != len(want) {
		t.Fatalf("%d points became %d", len(want), len(got))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("point %d: %v became %v", i, want[i], got[i])
		}
	}
}

// What was put into a record comes out, by the name of its series.
func TestRecordRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := points().Draw(t, "points")
		path := lwm2m.NewPath(3303, 1, 5700)
		var record []byte
		for _, p := range want {
			var ok bool
			if record, ok = AppendItem(record, path, p.At, p.Value); !ok {
				t.Fatalf("%v is not kept", p)
			}
		}
		var got []Point
		err := Split(record, func(name, point []byte) {
			p, err := ReadPoint(point)
			if at, ok := ParseName(name); err != nil || !ok || at != path {
				t.Fatalf("%x %x: %v %v", name, point, at, err)
			}
			got = append(got, p)
		})
		if err != nil {
			t.Fatal(err)
		}
		same(t, got, want)
	})
}

func TestNotKept(t *testing.T) {
	for name, v := range map[string]lwm2m.Value{"none": {}, "long text": lwm2m.Str(string(make([]byte, ValueMost+1))), "long opaque": lwm2m.Bytes(make([]byte, ValueMost+1))} {
		if b, ok := AppendItem(nil, lwm2m.NewPath(3, 0, 9), 1, v); ok || len(b) > 0 {
			t.Errorf("%s: kept in %d bytes", name, len(b))
		}
	}
	if b, ok := AppendItem(nil, lwm2m.NewPath(3, 0, 9), 1, lwm2m.Bytes(make([]byte, ValueMost))); !ok || Split(b, func(_, point []byte) {
		if p, err := ReadPoint(point); err != nil || len(p.Value.Raw()) != ValueMost {
			t.Errorf("%v", err)
		}
	}) != nil {
		t.Error("the longest value is not kept")
	}
}

// What a year of measurements takes.
func TestSize(t *testing.T) {
	for _, tt := range []struct {
		name  string
		value func(i int) lwm2m.Value
		most  float64 // bytes a point
	}{
		{"battery that stays", func(int) lwm2m.Value { return lwm2m.Int(87) }, 1.01},
		{"switch", func(i int) lwm2m.Value { return lwm2m.Bool(i%2 == 0) }, 2.01},
		{"temperature", func(i int) lwm2m.Value { return lwm2m.Num(float64(2000+i*i%300) / 100) }, 4.01},
		{"single precision", func(i int) lwm2m.Value { return lwm2m.Num(float64(float32(2000+i*i%300) / 100)) }, 4.01},
		{"noise", func(i int) lwm2m.Value { return lwm2m.Num(math.Sqrt(float64(i))) }, 11.5},
	} {
		var w Writer
		for i := range 1000 {
			w.Add(Point{1_790_000_000_000 + int64(i)*60_000, tt.value(i)})
		}
		if got := float64(w.Len()-20) / 1000; got > tt.most {
			t.Errorf("%s: %.2f bytes a point, want at most %.2f", tt.name, got, tt.most)
		}
	}
}

func FuzzBlock(f *testing.F) {
	var w Writer
	for _, v := range []lwm2m.Value{lwm2m.Int(1), lwm2m.Int(1), lwm2m.Num(21.37), lwm2m.Str("x"), lwm2m.Bool(true)} {
		w.Add(Point{int64(w.Points()) * 1000, v})
	}
	f.Add(w.Bytes())
	f.Add([]byte{blockVersion, 1})
	f.Add([]byte{blockVersion, 1, 0, 3, 4, 0xFF})
	f.Fuzz(func(t *testing.T, b []byte) {
		var list []Point
		if Read(b, func(p Point) { list = append(list, p) }) != nil {
			return
		}
		var w Writer
		if w.Reset(append([]byte(nil), b...)) != nil || w.Points() != len(list) {
			t.Fatalf("read as %d points, taken up as %d", len(list), w.Points())
		}
		w.Add(Point{5, lwm2m.Int(7)})
		n := 0
		if err := Read(w.Bytes(), func(p Point) {
			if n < len(list) && p != list[n] {
				t.Errorf("point %d changed", n)
			}
			n++
		}); err != nil || n != len(list)+1 {
			t.Errorf("gone on with: %d of %d points, %v", n, len(list)+1, err)
		}
	})
}

func FuzzRecord(f *testing.F) {
	b, _ := AppendItem(nil, lwm2m.NewPath(3303, 0, 5700), 1_790_000_000_000, lwm2m.Num(21.5))
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		Split(b, func(name, point []byte) {
			p, err := ReadPoint(point)
			path, ok := ParseName(name)
			if err != nil || !ok {
				return
			}
			again, ok := AppendItem(nil, path, p.At, p.Value)
			if !ok {
				return // longer than we write
			}
			Split(again, func(_, point []byte) {
				if q, err := ReadPoint(point); err != nil || q != p {
					t.Errorf("%v became %v, %v", p, q, err)
				}
			})
		})
	})
}

func BenchmarkRead(b *testing.B) {
	var w Writer
	for i := range 300 {
		w.Add(Point{1_790_000_000_000 + int64(i)*60_000, lwm2m.Num(float64(2000+i*i%300) / 100)})
	}
	b.ReportAllocs()
	for b.Loop() {
		Read(w.Bytes(), func(Point) {})
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/300, "ns/point")
}
