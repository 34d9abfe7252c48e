package lwm2m

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

// Registration payloads: the text is what devices send, canonical is what Append makes of it ("": the same).
var inventories = []struct {
	name, text, canonical string
	want                  Inventory
}{
	{"Leshan 2", `</>;rt="oma.lwm2m";ct="60 110 112 11542 11543",</1>;ver=1.1,</1/0>,</3>;ver=1.1,</3/0>`,
		"", Inventory{Formats: []uint16{60, 110, 112, 11542, 11543}, Objects: []InventoryObject{{1, V1_1, []uint16{0}}, {3, V1_1, []uint16{0}}}}},
	{"1.0", "</1/0>,</1/1>,</2/0>,</3/0>,</5>", "", Inventory{Objects: []InventoryObject{
		{1, Version{}, []uint16{0, 1}}, {2, Version{}, []uint16{0}}, {3, Version{}, []uint16{0}}, {5, Version{}, nil}}}},
	{"alternate root", `</lwm2m>;rt="oma.lwm2m", </lwm2m/1/0>,</lwm2m/3303>;ver=1.1,</lwm2m/3303/2>,</other/4/0>,</5/0>`,
		`</lwm2m>;rt="oma.lwm2m",</lwm2m/1/0>,</lwm2m/3303>;ver=1.1,</lwm2m/3303/2>`,
		Inventory{Root: "/lwm2m", Objects: []InventoryObject{{1, Version{}, []uint16{0}}, {3303, V1_1, []uint16{2}}}}},
	{"version in quotation marks, resource types, unsorted, twice, other links",
		`</3/0>;rt="a b";if="x,y;z",</1/0>,</3>;ver="1.2",</.well-known/core>,</time>,</3/0>,</3/0/9>,<coap://h/4/0>`,
		`</1/0>,</3>;ver=1.2,</3/0>`, Inventory{Objects: []InventoryObject{{1, Version{}, []uint16{0}}, {3, V1_2, []uint16{0}}}}},
	{"version behind an instance", `</19/0>;ver=1.3,</19/1>`, `</19>;ver=1.3,</19/0>,</19/1>`,
		Inventory{Objects: []InventoryObject{{19, Version{1, 3}, []uint16{0, 1}}}}},
	{"formats without rt, with commas and a blank end", "</>;ct=\"11542,110\" , </1/0>\r\n", `</>;rt="oma.lwm2m";ct="11542 110",</1/0>`,
		Inventory{Formats: []uint16{11542, 110}, Objects: []InventoryObject{{1, Version{}, []uint16{0}}}}},
	{"one format without quotation marks", `</>;rt=oma.lwm2m;ct=110,</1/0>,`, `</>;rt="oma.lwm2m";ct="110",</1/0>`,
		Inventory{Formats: []uint16{110}, Objects: []InventoryObject{{1, Version{}, []uint16{0}}}}},
	{"nothing", "", "", Inventory{}},
}

func TestInventory(t *testing.T) {
	for _, c := range inventories {
		t.Run(c.name, func(t *testing.T) {
			b := []byte(c.text)
			got, err := ParseInventory(b)
			clear(b) // what came back keeps nothing of it
			if err != nil {
				t.Fatal(err)
			}
			for i := range got.Objects {
				if len(got.Objects[i].Instances) == 0 {
					got.Objects[i].Instances = nil
				}
			}
			if len(got.Objects) == 0 {
				got.Objects = nil
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("\n got %+v\nwant %+v", got, c.want)
			}
			want := c.canonical
			if want == "" {
				want = c.text
			}
			if s := string(got.Append(nil)); s != want {
				t.Errorf("\n got %s\nwant %s", s, want)
			}
			for _, o := range c.want.Objects {
				if p := got.Object(o.ID); p == nil || p.ID != o.ID {
					t.Errorf("Object(%d) = %v", o.ID, p)
				}
			}
			if got.Object(4711) != nil {
				t.Error("object 4711 is there")
			}
		})
	}
}

// The answer to a Discover.
func TestDiscoverLinks(t *testing.T) {
	const doc = `</3/0>;pmin=10,</3/0/1>,</3/0/6>;dim=8,</3/0/7>;dim=8;gt=50;lt=42.2,</3/0/9>;ssid=101;title="a\"b,</x>\\";flag`
	links, err := ParseLinks(nil, "", []byte(doc))
	if err != nil || len(links) != 5 {
		t.Fatal(links, err)
	}
	if got := string(AppendLinks(nil, links)); got != doc {
		t.Errorf("\n got %s\nwant %s", got, doc)
	}
	if l := links[3]; l.Path != MustPath("/3/0/7") || l.Dim() != 8 {
		t.Errorf("%v, dim %d", l.Path, l.Dim())
	}
	a, err := links[3].Attributes()
	if err != nil || a.String() != "gt=50&lt=42.2" {
		t.Errorf("%v, %v", a, err)
	}
	if title, ok := links[4].Param("title"); !ok || title != `a"b,</x>\` {
		t.Errorf("title %q, %v", title, ok)
	}
	if v, ok := links[4].Param("flag"); !ok || v != "" || links[4].ShortServerID() != 101 || links[4].Dim() != -1 {
		t.Errorf("%v", links[4])
	}
	var names []string
	for name, value := range links[4].Params() {
		names = append(names, name+"="+value)
	}
	if got := strings.Join(names, " "); got != `ssid=101 title=a"b,</x>\ flag=` {
		t.Errorf("params %s", got)
	}
	change, _ := ParseAttributes("pmin=10", "pmax=60", "gt")
	built := []Link{NewLink("", MustPath("/3/0")).WithAttributes(change), NewLink("/lwm2m/", MustPath("/3/0/6")).With("dim", "2").With("title", `x "y"`).With("obs")}
	if got, want := string(AppendLinks(nil, built)), `</3/0>;pmin=10;pmax=60,</lwm2m/3/0/6>;dim=2;title="x \"y\"";obs`; got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	if bad, err := ParseLinks(nil, "", []byte("</3/0/9>;pmin=x")); err != nil {
		t.Error(err)
	} else if _, err := bad[0].Attributes(); !errors.Is(err, ErrAttribute) {
		t.Errorf("pmin=x: %v", err)
	}
}

func TestLinksRefused(t *testing.T) {
	for _, doc := range []string{"x", "<", "</1", "</1>x", "</1>;", "</1>;=1", "</1>;a=", "</1>;a=\"", "</1>;a=\"\\", "</1>;a=\"b\"c", "</1></2>", "<</1>>",
		"</1>,,</2>", ",</1>", "</1>;a=b c", "</1>;a=<b", "</1>\xff", "</1>;a b=c", strings.Repeat("</1/0>,", MaxLinks) + "</1/0>", "</1>" + strings.Repeat(";a", 33)} {
		if links, err := ParseLinks(nil, "", []byte(doc)); !errors.Is(err, ErrLink) {
			t.Errorf("%.40q: %d links, %v", doc, len(links), err)
		}
		if _, err := ParseInventory([]byte(doc)); !errors.Is(err, ErrLink) {
			t.Errorf("inventory %.40q: %v", doc, err)
		}
	}
	for _, doc := range []string{`</>;rt="oma.lwm2m";ct="x"`, `</>;ct="70000"`, `</>;ct="` + strings.Repeat("1 ", 33) + `"`, `<a?b>;rt="oma.lwm2m"`} {
		if _, err := ParseInventory([]byte(doc)); !errors.Is(err, ErrLink) {
			t.Errorf("inventory %.40q: %v", doc, err)
		}
	}
}

func FuzzLinks(f *testing.F) {
	for _, c := range inventories {
		f.Add(c.text)
	}
	f.Add(`</3/0/7>;dim=8;gt=50;title="a\"b,</x>"`)
	f.Fuzz(func(t *testing.T, doc string) {
		links, err := ParseLinks(nil, "", []byte(doc))
		if err == nil {
			text := string(AppendLinks(nil, links))
			again, err := ParseLinks(nil, "", []byte(text))
			if err != nil || !reflect.DeepEqual(again, links) {
				t.Fatalf("%q\n got %v, %v\nwant %v", text, again, err, links)
			}
			for _, l := range links {
				l.Attributes()
				l.Version()
			}
		}
		inv, err := ParseInventory([]byte(doc))
		if err != nil {
			return
		}
		text := string(inv.Append(nil))
		again, err := ParseInventory([]byte(text))
		if err != nil || string(again.Append(nil)) != text || len(again.Objects) != len(inv.Objects) {
			t.Fatalf("%q: %+v is read as %+v, %v", text, inv, again, err)
		}
	})
}

func BenchmarkParseInventory(b *testing.B) {
	doc := []byte(inventories[0].text)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseInventory(doc); err != nil {
			b.Fatal(err)
		}
	}
}
