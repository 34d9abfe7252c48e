package format

import (
	"testing"

	"heddle.example/coap"
	"heddle.example/lwm2m"
)

// ten are an object instance with ten resources, as the figures of the project have it.
var ten = []lwm2m.Entry{
	at("/3/0/0", lwm2m.Str("Open Mobile Alliance")),
	at("/3/0/1", lwm2m.Str("Lightweight M2M Client")),
	at("/3/0/2", lwm2m.Str("345000123")),
	at("/3/0/3", lwm2m.Str("1.0")),
	at("/3/0/6", lwm2m.Int(1)),
	at("/3/0/9", lwm2m.Int(100)),
	at("/3/0/10", lwm2m.Int(15)),
	at("/3/0/11", lwm2m.Int(0)),
	at("/3/0/13", lwm2m.TimeValue(1367491215)),
	at("/3/0/16", lwm2m.Str("U")),
}

// fixed is a Typer that costs next to nothing; package registry measures its own.
type fixed [32]lwm2m.Kind

func (f *fixed) TypeOf(p lwm2m.Path) (lwm2m.Kind, bool, bool) { return f[p.Resource()&31], false, true }

func BenchmarkDecode(b *testing.B) {
	types := new(fixed)
	for _, e := range ten {
		types[e.Path.Resource()] = e.Value.Kind()
	}
	base := lwm2m.MustPath("/3/0")
	for _, ct := range []coap.ContentFormat{coap.TLV, coap.SenMLCBOR, coap.SenMLJSON} {
		b.Run(Name(ct), func(b *testing.B) {
			p, err := Append(nil, ct, base, ten)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			var dst []lwm2m.Entry
			for b.Loop() {
				if dst, err = Decode(dst[:0], ct, base, p, types, Options{}); err != nil || len(dst) != len(ten) {
					b.Fatal(err, len(dst))
				}
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	base := lwm2m.MustPath("/3/0")
	for _, ct := range []coap.ContentFormat{coap.TLV, coap.SenMLCBOR, coap.SenMLJSON} {
		b.Run(Name(ct), func(b *testing.B) {
			b.ReportAllocs()
			var dst []byte
			var err error
			for b.Loop() {
				if dst, err = Append(dst[:0], ct, base, ten); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
