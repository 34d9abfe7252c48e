package archtest

import (
	"flag"
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"
)

// update rewrites the tests' column of docs/conformance.md: go test ./internal/archtest -run Conformance -update.
var update = flag.Bool("update", false, "rewrite the tests in docs/conformance.md")

// cases are the numbers of the enabler test specification that public suites use. Each has a row in docs/conformance.md.
var cases = strings.Fields(`0 1 2 3 4 5 6 7 8 9
	101 102 103 104 105 107 108 109
	201 203 204 205 211 212 215 220 221 222 223 224 225 226 227 228 229 230 231 232 233 234 235 236 237 241 256 257 260 261 280 281
	301 302 303 304 305 306 307 308 309 310 311 401
	651 652 680 685 701 710
	751 755 756 760 770 771 772 773 774 775 776 777 778 779 780
	801 810 901 905 910 950 951 1200 1201 1210 1230 1250 1630 1635`)

var (
	etsName = regexp.MustCompile(`^TestETS((?:_\d+)+)_[A-Za-z]`)
	etsRow  = regexp.MustCompile(`^\| (\d+) \| ([^|]+) \|([^|]*)\|$`)
)

// Every case has a row with the tests of its number, or says why it does not apply; and no row names a test that is not
// there.
func TestConformanceTable(t *testing.T) {
	files, _ := load(t)
	tests := map[string][]string{}
	for _, f := range files {
		for _, d := range f.file.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || !f.test() || !strings.HasPrefix(fn.Name.Name, "TestETS_") {
				continue
			}
			m := etsName.FindStringSubmatch(fn.Name.Name)
			if m == nil {
				t.Errorf("%s/%s: %s is not named TestETS_NUMBER_Words", f.dir, f.name, fn.Name.Name)
				continue
			}
			for _, n := range strings.Split(m[1], "_")[1:] {
				if !slices.Contains(cases, n) {
					t.Errorf("%s/%s: %s: the specification has no case %s that this test knows", f.dir, f.name, fn.Name.Name, n)
				}
				tests[n] = append(tests[n], "`"+fn.Name.Name+"` ("+f.dir+")")
			}
		}
	}
	path := filepath.Join("..", "..", "docs", "conformance.md")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(b), "\n")
	rows := map[string]bool{}
	for i, line := range lines {
		m := etsRow.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		n, title, has := m[1], m[2], strings.TrimSpace(m[3])
		if rows[n] {
			t.Errorf("case %s has two rows", n)
		}
		rows[n] = true
		list := tests[n]
		sort.Strings(list)
		want := strings.Join(slices.Compact(list), ", ")
		switch {
		case want == "" && strings.HasPrefix(has, "not applicable: "):
		case want == "":
			t.Errorf("case %s (%s) has no test, and does not say why it is not applicable", n, title)
		case *update:
			lines[i] = "| " + n + " | " + title + " | " + want + " |"
		case has != want:
			t.Errorf("case %s: the table has %s, the tests are %s (go test ./internal/archtest -run Conformance -update)", n, has, want)
		}
	}
	for _, n := range cases {
		if !rows[n] {
			t.Errorf("case %s has no row", n)
		}
	}
	if *update {
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
