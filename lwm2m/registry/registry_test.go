package registry

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/format"
)

func v(s string) lwm2m.Version {
	v, err := lwm2m.ParseVersion(s)
	if err != nil {
		panic(err)
	}
	return v
}

// The whole table is read: each object is found again by its key, in order, and has sane parts.
func TestBuiltin(t *testing.T) {
	r := Builtin()
	all := r.Objects()
	resources := 0
	for i, o := range all {
		if i > 0 && all[i-1].key().compare(o.key()) >= 0 {
			t.Errorf("%v stands before %v", all[i-1].key(), o.key())
		}
		if o.Name == "" || o.Version.IsZero() || o.LwM2MVersion.IsZero() || !strings.HasPrefix(o.URN, "urn:oma:lwm2m:") {
			t.Errorf("object %+v", o)
		}
		again := r.Exact(o.ID, o.Version)
		if again == nil || fmt.Sprint(*again) != fmt.Sprint(*o) {
			t.Fatalf("Exact(%d, %v) = %v", o.ID, o.Version, again)
		}
		for j, res := range o.Resources {
			resources++
			if res.Name == "" || j > 0 && o.Resources[j-1].ID >= res.ID || res.Kind > lwm2m.Corelnk {
				t.Errorf("object %d %v: resource %+v", o.ID, o.Version, res)
			}
		}
	}
	if len(all) != 425 || resources != 4510 {
		t.Errorf("%d objects with %d resources", len(all), resources)
	}
	for _, id := range []uint16{1023, 1500, 31023, 31025, 65534} {
		if o := r.Object(id, lwm2m.Version{}); o != nil {
			t.Errorf("object %d is %v", id, o)
		}
	}
}

func TestObject(t *testing.T) {
	r := Builtin()
	for _, c := range []struct {
		id      uint16
		asked   string
		version string
		name    string
	}{
		{3, "", "1.2", "Device"},
		{3, "1.0", "1.0", "Device"},
		{3, "1.1", "1.1", "Device"},
		{3, "1.9", "1.2", "Device"},
		{3, "2.0", "1.2", "Device"},
		{3303, "", "1.1", "Temperature"},
		{31024, "", "1.0", "LWM2M Test Object"},
	} {
		var asked lwm2m.Version
		if c.asked != "" {
			asked = v(c.asked)
		}
		o := r.Object(c.id, asked)
		if o == nil || o.ID != c.id || o.Version != v(c.version) || o.Name != c.name {
			t.Errorf("Object(%d, %q) = %+v; want %s %s", c.id, c.asked, o, c.name, c.version)
		}
	}
	battery := r.Object(3, v("1.0")).Resource(9)
	if battery == nil || battery.Name != "Battery Level" || battery.Kind != lwm2m.Integer || battery.Operations != lwm2m.Read ||
		battery.Multiple || battery.Mandatory || battery.Range != "0-100" || battery.UnitText() != "%" {
		t.Errorf("Battery Level is %+v", battery)
	}
	if r := r.Object(3, v("1.0")).Resource(4); r.Operations != lwm2m.Execute || !r.Mandatory || r.Kind != lwm2m.None {
		t.Errorf("Reboot is %+v", r)
	}
	if r := r.Object(3303, v("1.1")).Resource(5700); r.UnitText() != "" || r.Kind != lwm2m.Float {
		t.Errorf("Sensor Value is %+v", r)
	}
	if r := (&Resource{Units: "Cel"}).UnitText(); r != "°C" {
		t.Errorf("Cel is %s", r)
	}
}

func TestTypes(t *testing.T) {
	types := Builtin().Types()
	device := types.For(func(object uint16) lwm2m.Version { return lwm2m.V1_0 })
	for _, c := range []struct {
		path     string
		kind     lwm2m.Kind
		multiple bool
		ok       bool
	}{
		{"/3/0/9", lwm2m.Integer, false, true},
		{"/3/0/7", lwm2m.Integer, true, true},
		{"/3/0/7/1", lwm2m.Integer, true, true},
		{"/3/0/4", lwm2m.None, false, true},
		{"/3/0/13", lwm2m.Time, false, true},
		{"/1/0/23", lwm2m.Boolean, false, true}, // only newer versions of the object have it
		{"/31024/10/3", lwm2m.Float, false, true},
		{"/3/0/9999", lwm2m.None, false, false},
		{"/9999/0/0", lwm2m.None, false, false},
		{"/3/0", lwm2m.None, false, false},
	} {
		k, multiple, ok := device.TypeOf(lwm2m.MustPath(c.path))
		if k != c.kind || multiple != c.multiple || ok != c.ok {
			t.Errorf("TypeOf(%s) = %v, %v, %v", c.path, k, multiple, ok)
		}
	}
	// A device that claims all versions there could be costs bounded memory.
	for major := range 256 {
		for minor := range 16 {
			d := types.For(func(uint16) lwm2m.Version { return lwm2m.Version{Major: uint8(major), Minor: uint8(minor)} })
			d.TypeOf(lwm2m.MustPath("/3/0/9"))
		}
	}
	if n := len(types.cache); n > maxCachedTypes {
		t.Errorf("%d tables are cached", n)
	}
}

func TestWithAndWithout(t *testing.T) {
	old := Builtin()
	r, added, err := old.With([]byte(thermostat))
	if err != nil || len(added) != 1 {
		t.Fatal(added, err)
	}
	o := r.Object(32001, lwm2m.Version{})
	if o == nil || o.Name != "Thermostat" || !o.Multiple || o.Mandatory || !o.Added || o.Version != v("1.1") ||
		o.URN != "urn:oma:lwm2m:x:32001:1.1" || len(o.Resources) != 3 {
		t.Fatalf("Thermostat is %+v", o)
	}
	want := Resource{ID: 5900, Name: "Set Point", Operations: lwm2m.Read | lwm2m.Write, Mandatory: true, Kind: lwm2m.Float, Range: "5..30", Units: "Cel"}
	if got := o.Resource(5900); *got != want {
		t.Errorf("got %+v, want %+v", *got, want)
	}
	if old.Object(32001, lwm2m.Version{}) != nil {
		t.Error("the registry before it has changed")
	}
	if n := len(r.Objects()); n != 426 {
		t.Errorf("%d objects", n)
	}
	if r = r.Without(32001, v("1.1")); r.Object(32001, lwm2m.Version{}) != nil {
		t.Error("it is still there")
	}

	// A definition of one's own stands before the built-in one, and gives it back.
	mine := &Object{ID: 3, Version: v("1.1"), Name: "My Device"}
	r = old.WithObject(mine)
	if r.Object(3, v("1.1")) != mine || !slices.Equal(r.Versions(3), []lwm2m.Version{v("1.0"), v("1.1"), v("1.2")}) || len(r.Objects()) != 425 {
		t.Error("a built-in object is not replaced")
	}
	if r = r.Without(3, v("1.1")); r.Object(3, v("1.1")).Name != "Device" {
		t.Error("the built-in object is not back")
	}
	if r = r.Without(3, v("1.1")); r.Object(3, v("1.1")).Version != v("1.2") || len(r.Objects()) != 424 {
		t.Error("the built-in object is not gone")
	}
}

const thermostat = `<?xml version="1.0" encoding="UTF-8"?>
<!-- a definition of our own -->
<LWM2M xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><Object ObjectType="MODefinition">
 <Name>Thermostat</Name><Description1><![CDATA[Keeps a room warm.]]></Description1>
 <ObjectID>32001</ObjectID><ObjectURN>urn:oma:lwm2m:x:32001:1.1</ObjectURN>
 <LWM2MVersion>1.0</LWM2MVersion><ObjectVersion>1.1</ObjectVersion>
 <MultipleInstances>Multiple</MultipleInstances><Mandatory>Optional</Mandatory>
 <Resources>
  <Item ID="5900"><Name>Set Point</Name><Operations>RW</Operations><MultipleInstances>Single</MultipleInstances>
   <Mandatory>Mandatory</Mandatory><Type>Float</Type><RangeEnumeration>5..30</RangeEnumeration><Units>Cel</Units><Description/></Item>
  <Item ID="0"><Name>Mode</Name><Operations>RW</Operations><MultipleInstances>Single</MultipleInstances>
   <Mandatory>Optional</Mandatory><Type>Integer</Type><RangeEnumeration>0: off 1: eco 2: very warm</RangeEnumeration></Item>
  <Item ID="1"><Name>Boost</Name><Operations>E</Operations><MultipleInstances>Single</MultipleInstances><Mandatory>Optional</Mandatory><Type/></Item>
 </Resources></Object></LWM2M>`

// Files end with a line feed, and with comments.
func TestDDFEndsWithALineFeed(t *testing.T) {
	for _, tail := range []string{"", "\n", "\r\n\t ", "\n<!-- the end -->\n"} {
		if objects, err := ParseDDF([]byte(thermostat + tail)); err != nil || len(objects) != 1 {
			t.Errorf("%q behind it: %v %v", tail, objects, err)
		}
	}
}

func TestDDFRefuses(t *testing.T) {
	change := func(old, new string) string {
		if !strings.Contains(thermostat, old) {
			t.Fatalf("%q is not in the definition", old)
		}
		return strings.Replace(thermostat, old, new, 1)
	}
	for _, c := range []struct{ file, want string }{
		{"", "EOF"},
		{"not XML", "EOF"},
		{"<html/>", "LWM2M"},
		{"<LWM2M/>", "0 objects"},
		{change("</LWM2M>", ""), "EOF"},
		{thermostat + "<more/>", "behind"},
		{thermostat + "\n more", "behind"},
		{thermostat + "\n<!-- not closed", "behind"},
		{change("32001", "x"), "ObjectID"},
		{change("32001", "65535"), "ObjectID"},
		{change("<Name>Thermostat</Name>", ""), "Name is missing"},
		{change("<ObjectVersion>1.1", "<ObjectVersion>one"), "ObjectVersion"},
		{change("<MultipleInstances>Multiple", "<MultipleInstances>Many"), "want Multiple or Single"},
		{change(`ID="5900"`, `ID="1"`), "resource 1 stands there twice"},
		{change(`ID="5900"`, `ID="-1"`), "ID is"},
		{change("<Type>Float", "<Type>Double"), "Type is"},
		{change("<Type>Float</Type>", "<Type/>"), "Type is missing"},
		{change("<Operations>E", "<Operations>X"), "Operations is"},
		{change("Set Point", strings.Repeat("x", 300)), "more than 256"},
		{change("</Object>", "</Object>"+thermostat[strings.Index(thermostat, "<Object "):strings.Index(thermostat, "</LWM2M>")]), "twice"},
		{strings.Repeat(" ", MaxDDF+1), "bytes"},
		{"<!DOCTYPE x [<!ENTITY a 'b'>]>" + strings.Replace(thermostat[38:], "Thermostat", "&a;", 1), "entity"},
	} {
		r, objects, err := Builtin().With([]byte(c.file))
		if !errors.Is(err, ErrDDF) || !strings.Contains(err.Error(), c.want) || objects != nil || len(r.added) != 0 {
			t.Errorf("%.40q: %v; want %q", c.file, err, c.want)
		}
	}
}

func FuzzDDF(f *testing.F) {
	f.Add([]byte(thermostat))
	f.Fuzz(func(t *testing.T, b []byte) {
		objects, err := ParseDDF(b)
		if (err == nil) != (len(objects) > 0) {
			t.Fatal(objects, err)
		}
		for _, o := range objects {
			for i := range o.Resources {
				o.Resources[i].Check(lwm2m.Int(1))
			}
		}
	})
}

func BenchmarkTypeOf(b *testing.B) {
	d := Builtin().Types().For(nil)
	p := lwm2m.MustPath("/3/0/13")
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok := d.TypeOf(p); !ok {
			b.Fatal("unknown")
		}
	}
}

func BenchmarkObject(b *testing.B) {
	r := Builtin()
	b.ReportAllocs()
	for b.Loop() {
		r.Object(3303, lwm2m.V1_0)
	}
}

// The figure of the project: an object instance with ten resources, typed by the registry.
func BenchmarkDecodeDevice(b *testing.B) {
	base := lwm2m.MustPath("/3/0")
	types := Builtin().Types()
	for _, ct := range []coap.ContentFormat{coap.TLV, coap.SenMLCBOR, coap.SenMLJSON} {
		b.Run(format.Name(ct), func(b *testing.B) {
			p, err := format.Append(nil, ct, base, []lwm2m.Entry{
				{Path: base.Child(0), Value: lwm2m.Str("Open Mobile Alliance")},
				{Path: base.Child(1), Value: lwm2m.Str("Lightweight M2M Client")},
				{Path: base.Child(2), Value: lwm2m.Str("345000123")},
				{Path: base.Child(3), Value: lwm2m.Str("1.0")},
				{Path: base.Child(9), Value: lwm2m.Int(100)},
				{Path: base.Child(10), Value: lwm2m.Int(15)},
				{Path: base.Child(13), Value: lwm2m.TimeValue(1367491215)},
				{Path: base.Child(14), Value: lwm2m.Str("+02:00")},
				{Path: base.Child(16), Value: lwm2m.Str("U")},
				{Path: base.Child(21), Value: lwm2m.Int(4096)},
			})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			var dst []lwm2m.Entry
			for b.Loop() {
				if dst, err = format.Decode(dst[:0], ct, base, p, types.For(nil), format.Options{}); err != nil || len(dst) != 10 {
					b.Fatal(err, len(dst))
				}
			}
		})
	}
}
