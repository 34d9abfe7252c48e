// Package archtest holds the rules of the house as a test: which room may know which, and what a machine may not touch.
// It reads our own files' imports and identifiers, not what the standard library does inside.
package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "heddle.example/"

// mayNotImport: a package under from never imports a package under to.
var mayNotImport = []struct{ from, to, reason string }{
	{"lwm2m", "thread", "a user of the LwM2M packages gets no radio stack"},
	{"thread", "lwm2m", "a Thread node is a Thread node without LwM2M"},
	{"border", "lwm2m", "a border router carries any traffic"},
	{"border/routing", "thread/shell", "what decides does not know who shows it"},
	{"lwm2m", "meshdevice", "a user of the LwM2M packages gets no radio stack"},
	{"thread", "meshdevice", "a Thread node is a Thread node without LwM2M"},
	{"meshdevice", "lwm2m/server", "a device carries no server"},
	{"meshdevice", "border", "a device is not the way out of its mesh"},
	{"coap", "lwm2m", "CoAP carries more than LwM2M"},
	{"coap/endpoint", "dtls", "the message layer does not know what secures it; coap/stack marries them"},
	{"dtls", "coap", "DTLS carries more than CoAP"},
	{"dtls", "lwm2m", "DTLS carries more than LwM2M"},
	{"machine", "coap", "the contract knows no protocol"},
	{"machine", "dtls", "the contract knows no protocol"},
	{"machine", "lwm2m", "the contract knows no protocol"},
	{"lwm2m/client", "lwm2m/server", "a device carries no server"},
	{"lwm2m/server", "lwm2m/client", "a server carries no device"},
	{"lwm2m/bootstrap", "lwm2m/server", "a bootstrap server registers nobody"},
	{"lwm2m/bootstrap", "lwm2m/client", "a server carries no device"},
	{"lwm2m/server", "lwm2m/bootstrap", "who manages devices need not bootstrap them"},
	{"lwm2m/client", "lwm2m/bootstrap", "a device carries no server"},
	{"host", "coap", "the driver knows machines, not protocols"},
	{"host", "dtls", "the driver knows machines, not protocols"},
	{"host", "lwm2m", "the driver knows machines, not protocols"},
	{"host", "store", "a user of lwm2m/client and host links no database"},
	{"host", "internal", "host is a library"},
	{"store", "lwm2m", "the store keeps records, whatever they are"},
	{"sim", "host", "the simulation touches no real world"},
	{"sim", "store", "the simulation has disks of its own"},
	{"internal/api", "internal/cli", "nothing imports the command line"},
	{"internal/firmware", "internal/api", "updates know devices and the store, not who shows them"},
	{"internal/firmware", "lwm2m/client", "the server's side of an update carries no device"},
	{"lwm2m/firmware", "coap", "a package's format and check know no protocol"},
}

// machines: packages that are or hold machines. They are plain values: no goroutine, lock, socket, clock, randomness.
var machines = []string{"machine", "coap", "dtls", "lwm2m", "thread", "border", "meshdevice"}

// drivers: where goroutines, clocks, sockets and randomness are at home.
var drivers = []string{"host", "store", "internal", "cmd", "e2e"}

// notInMachines: imports that a machine may not have, with the reason.
var notInMachines = map[string]string{
	"sync":         "one owner at a time: no lock is needed",
	"sync/atomic":  "one owner at a time",
	"net/http":     "sockets belong to host",
	"os":           "files belong to store",
	"os/exec":      "processes belong to host",
	"syscall":      "the operating system belongs to host",
	"crypto/rand":  "randomness comes through the constructor",
	"math/rand":    "randomness comes through the constructor",
	"math/rand/v2": "randomness comes through the constructor",
	"hash/maphash": "it is seeded by chance",
	"context":      "a machine has deadlines, not contexts",
	"log":          "a machine emits events",
	"log/slog":     "a machine emits events",
	"runtime":      "a machine does not know what runs it",
}

// pure: of package net a machine may use what only handles text.
var pure = []string{"SplitHostPort", "JoinHostPort"}

// exempt: a package that may have an import nevertheless, with the reason.
var exempt = map[string]string{
	"machine/machinetest math/rand/v2": "the conformance kit is the source of randomness in tests",
	"sim math/rand/v2":                 "the world's seeded streams (ChaCha8)",
}

// clock: identifiers of package time that read or wait for the real clock.
var clock = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker", "Time", "Local"}

type source struct {
	dir  string // relative to the root, with slashes
	name string
	file *ast.File
}

func (s source) test() bool { return strings.HasSuffix(s.name, "_test.go") }

func under(dir, root string) bool { return dir == root || strings.HasPrefix(dir, root+"/") }

func underAny(dir string, roots []string) bool {
	return slices.ContainsFunc(roots, func(r string) bool { return under(dir, r) })
}

func load(t *testing.T) ([]source, *token.FileSet) {
	t.Helper()
	root := filepath.Join("..", "..")
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Fatal("archtest must stand in internal/archtest:", err)
	}
	var all []source
	fset := token.NewFileSet()
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, p)
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			base := d.Name()
			if rel != "." && (strings.HasPrefix(base, ".") || base == "node_modules" || base == "testdata" || base == "target") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		f, err := parser.ParseFile(fset, p, nil, parser.SkipObjectResolution|parser.ParseComments)
		if err != nil {
			return err
		}
		all = append(all, source{path.Dir(rel), path.Base(rel), f})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 10 {
		t.Fatalf("only %d Go files found: archtest does not see the house", len(all))
	}
	return all, fset
}

func imports(f *ast.File) []string {
	var list []string
	for _, i := range f.Imports {
		p, _ := strconv.Unquote(i.Path.Value)
		list = append(list, p)
	}
	return list
}

func TestWhoMayKnowWhom(t *testing.T) {
	files, _ := load(t)
	for _, f := range files {
		if f.test() {
			continue // tests may bring both ends together
		}
		for _, imp := range imports(f.file) {
			to, ours := strings.CutPrefix(imp, module)
			if !ours {
				continue
			}
			for _, rule := range mayNotImport {
				if under(f.dir, rule.from) && under(to, rule.to) && !under(f.dir, rule.to) {
					t.Errorf("%s/%s imports %s: %s", f.dir, f.name, to, rule.reason)
				}
			}
			if under(to, "internal/cli") && f.dir != "cmd/heddle" && !under(f.dir, "internal/cli") {
				t.Errorf("%s/%s imports %s: nothing but cmd/heddle imports the command line", f.dir, f.name, to)
			}
			if f.dir == "cmd/heddle" && to != "internal/cli" {
				t.Errorf("%s/%s imports %s: cmd/heddle imports internal/cli and nothing else", f.dir, f.name, to)
			}
			if underAny(f.dir, machines) && (underAny(to, drivers) || under(to, "sim")) {
				t.Errorf("%s/%s imports %s: a machine does not know its driver", f.dir, f.name, to)
			}
		}
	}
}

// Wire formats import no machine: they can be used, read and tested alone.
func TestWireFormatsImportNoMachine(t *testing.T) {
	files, _ := load(t)
	wire := []string{"coap", "lwm2m", "lwm2m/format", "lwm2m/registry"}
	for _, f := range files {
		if f.test() || !slices.Contains(wire, f.dir) {
			continue
		}
		for _, imp := range imports(f.file) {
			to, ours := strings.CutPrefix(imp, module)
			if ours && (to == "machine" || to == "coap/endpoint" || to == "coap/stack" || to == "dtls" || under(to, "lwm2m/server") || under(to, "lwm2m/client")) {
				t.Errorf("%s/%s imports %s: wire formats import no machine", f.dir, f.name, to)
			}
		}
	}
}

// The rooms of a Thread node: wire formats, machines, and what several machines read and write together, as data. Who wires
// them is package thread.
var (
	threadWire     = []string{"thread/dns", "thread/ieee802154", "thread/ip6", "thread/lowpan", "thread/meshcop", "thread/netdata", "thread/status", "thread/tlv"}
	threadMachines = []string{"thread/backbone", "thread/borderagent", "thread/datasets", "thread/dhcp6", "thread/dnssd", "thread/history", "thread/joining", "thread/linkmetrics", "thread/mac", "thread/mesh",
		"thread/mle", "thread/offers", "thread/sntp", "thread/srp", "thread/tmf"}
	threadShared = []string{"thread/info", "thread/keys", "thread/neighbor", "thread/radio"}
)

// A room of the Thread node does not know its neighbours: it says in an interface what it needs, and package thread gives
// it. So each can be read and tested alone.
func TestRoomsOfAThreadNode(t *testing.T) {
	files, _ := load(t)
	homeless := map[string]bool{}
	for _, f := range files {
		wire, inner := slices.Contains(threadWire, f.dir), slices.Contains(threadMachines, f.dir) || slices.Contains(threadShared, f.dir)
		if under(f.dir, "thread") && f.dir != "thread" && f.dir != "thread/shell" && f.dir != "thread/captures" && f.dir != "thread/testdata" && !wire && !inner && !homeless[f.dir] {
			homeless[f.dir] = true
			t.Errorf("%s stands in none of the tables: is it a wire format, a machine or shared data?", f.dir)
		}
		if f.test() || !wire && !inner {
			continue
		}
		for _, imp := range imports(f.file) {
			switch to, ours := strings.CutPrefix(imp, module); {
			case !ours || to == f.dir:
			case to == "thread" || to == "thread/shell":
				t.Errorf("%s/%s imports %s: package thread wires its rooms, not the reverse", f.dir, f.name, to)
			case slices.Contains(threadMachines, to):
				t.Errorf("%s/%s imports %s: a machine declares the interface that it needs", f.dir, f.name, to)
			case wire && !slices.Contains(threadWire, to):
				t.Errorf("%s/%s imports %s: wire formats import no machine", f.dir, f.name, to)
			}
		}
	}
}

func TestMachinesTouchNoWorld(t *testing.T) {
	files, fset := load(t)
	for _, f := range files {
		if f.test() || !(underAny(f.dir, machines) || under(f.dir, "sim")) || strings.Contains(f.dir, "/internal/gen") {
			continue
		}
		imps := imports(f.file)
		for _, imp := range imps {
			if reason, bad := notInMachines[imp]; bad && exempt[f.dir+" "+imp] == "" {
				t.Errorf("%s/%s imports %s: %s", f.dir, f.name, imp, reason)
			}
		}
		usesTime, usesNet := slices.Contains(imps, "time"), slices.Contains(imps, "net")
		ast.Inspect(f.file, func(n ast.Node) bool {
			bad := ""
			switch n := n.(type) {
			case *ast.GoStmt:
				bad = "a goroutine"
			case *ast.SelectStmt:
				bad = "a select"
			case *ast.ChanType:
				bad = "a channel"
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && usesTime && x.Name == "time" && slices.Contains(clock, n.Sel.Name) {
					bad = "time." + n.Sel.Name
				}
				if x, ok := n.X.(*ast.Ident); ok && usesNet && x.Name == "net" && !slices.Contains(pure, n.Sel.Name) {
					bad = "net." + n.Sel.Name
				}
			}
			if bad != "" {
				t.Errorf("%s: %s: machines are plain values with virtual time", fset.Position(n.Pos()), bad)
			}
			return true
		})
	}
}

// host is a library: whoever embeds a client of 40 lines links the standard library and us, nothing else.
func TestHostImportsNothingThirdParty(t *testing.T) {
	files, _ := load(t)
	for _, f := range files {
		if f.test() || !(f.dir == "host" || underAny(f.dir, machines)) || strings.Contains(f.dir, "/internal/gen") || f.dir == "machine/machinetest" {
			continue
		}
		for _, imp := range imports(f.file) {
			first, _, _ := strings.Cut(imp, "/")
			if strings.Contains(first, ".") && !strings.HasPrefix(imp, module) && !strings.HasPrefix(imp, "filippo.io/nistec") {
				t.Errorf("%s/%s imports %s: third-party code belongs to store, internal and cmd", f.dir, f.name, imp)
			}
		}
	}
}

// thirdPartyRooms: modules that are taken for one purpose only, and where.
var thirdPartyRooms = map[string]string{
	"gvisor.dev/gvisor":          "host/usernat",
	"golang.zx2c4.com/wireguard": "host/tun",
}

// What a module is taken for stays in one place, so that no other user of the packages links it.
func TestModulesForOnePurpose(t *testing.T) {
	files, _ := load(t)
	for _, f := range files {
		for _, imp := range imports(f.file) {
			for taken, room := range thirdPartyRooms {
				if under(imp, taken) && f.dir != room {
					t.Errorf("%s/%s imports %s: only %s does", f.dir, f.name, imp, room)
				}
			}
		}
	}
}

// Every package says its one job in the first sentence of its doc.
func TestEveryPackageHasADoc(t *testing.T) {
	files, _ := load(t)
	has := map[string]bool{}
	for _, f := range files {
		if f.test() && f.dir != "internal/archtest" {
			continue
		}
		has[f.dir] = has[f.dir] || f.file.Doc != nil && strings.TrimSpace(f.file.Doc.Text()) != ""
	}
	for dir, ok := range has {
		if !ok {
			t.Errorf("package %s has no doc comment", dir)
		}
	}
}
