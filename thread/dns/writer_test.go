package dns

import (
	"strings"
	"testing"

	"heddle.example/thread/status"
)

// What a Writer writes is read again, its names compressed or not.
func TestWriter(t *testing.T) {
	domain := MustName("default.service.arpa")
	service, err := Labels(MustName("_x._udp.default.service.arpa"), "a.b C")
	if err != nil {
		t.Fatal(err)
	}
	sizes := map[bool]int{}
	for _, plain := range []bool{false, true} {
		w := Writer{Plain: plain}
		w.Header(7, OpUpdate<<11)
		w.Question(domain, TypeSOA)
		w.Section(Authority)
		_, of := service.Label()
		w.Begin(of, TypePTR, ClassIN, 5)
		w.Name(service)
		w.End()
		at := len(w.Bytes())
		w.Record(service, TypeTXT, ClassIN, 5, []byte{0})
		w.Cut(at, Authority)
		w.Record(service, TypeANY, ClassANY, 0, nil)
		w.Section(Additional)
		w.Record("\x00", TypeOPT, 1232, 0, nil)
		m, questions, err := ParseAll(w.Bytes())
		if err != nil || m.ID != 7 || m.Opcode() != OpUpdate || len(questions) != 1 || questions[0].Name != domain || w.Count(Authority) != 2 || w.Count(Additional) != 1 {
			t.Fatalf("%+v %v", m, err)
		}
		var got []string
		if err := m.Each(func(r *Record, section int) bool {
			s := r.Owner.Text()
			if r.Type == TypePTR {
				n, written, _, err := ReadName(m.Bytes, r.At)
				if err != nil || Name(written) != service || n != service.Lower() {
					t.Error(n, err)
				}
				s += ">" + n.Text()
			}
			got = append(got, s)
			return true
		}); err != nil {
			t.Fatal(err)
		}
		if s := strings.Join(got, " "); s != "_x._udp.default.service.arpa>a.b c._x._udp.default.service.arpa a.b c._x._udp.default.service.arpa " {
			t.Error(s)
		}
		sizes[plain] = len(w.Bytes())
	}
	if sizes[false] >= sizes[true] {
		t.Error("nothing is compressed:", sizes)
	}
	for _, c := range []struct {
		name string
		in   bool
	}{{"a.default.service.arpa", true}, {"default.service.arpa", true}, {"service.arpa", false}, {"adefault.service.arpa", false}} {
		if MustName(c.name).Under(domain) != c.in {
			t.Error(c.name)
		}
	}
	if _, err := Labels(domain, strings.Repeat("x", 64)); err == nil {
		t.Error("a label of 64 bytes")
	}
	for code, want := range map[int]error{CodeOK: nil, CodeFormat: status.Parse, CodeNoName: status.NotFound, CodeRefused: status.Security, CodeServFail: status.Failed} {
		if got := CodeError(code); got != want {
			t.Error(code, got)
		}
	}
}
