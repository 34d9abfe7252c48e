//go:build peers

package thread

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"heddle.example/e2e/peer"
)

// walled is a mesh in a network namespace of its own, whose only way out is a border router and one link to a second
// namespace, the outside, with an IPv4 and an IPv6 address.
type walled struct {
	*real
	mesh, out string // namespaces
	flags     []string
	rootless  bool
}

const (
	outside4, outside6 = "10.99.0.2", "fdbb::2"
	inside4, inside6   = "10.99.0.1", "fdbb::1"
)

func newWalled(t *testing.T) *walled {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("network namespaces need root")
	}
	for _, tool := range []string{"ip", "sysctl", "ping", "dig", "curl", "nc", "dnsmasq"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%v: ./scripts/set-up-outside installs it", err)
		}
	}
	w := &walled{real: newReal(t, 1)}
	number := fmt.Sprintf("%d-%d", os.Getpid(), w.offset)
	w.mesh, w.out = "heddle-mesh-"+number, "heddle-out-"+number
	for _, ns := range []string{w.mesh, w.out} {
		w.host("ip", "netns", "add", ns)
		t.Cleanup(func() { _ = exec.Command("ip", "netns", "delete", ns).Run() })
		w.host("ip", "-n", ns, "link", "set", "lo", "up")
	}
	w.host("ip", "-n", w.mesh, "link", "add", "up0", "type", "veth", "peer", "name", "up0", "netns", w.out)
	for _, side := range []struct{ ns, v4, v6 string }{{w.mesh, inside4, inside6}, {w.out, outside4, outside6}} {
		w.host("ip", "-n", side.ns, "address", "add", side.v4+"/24", "dev", "up0")
		w.host("ip", "-n", side.ns, "address", "add", side.v6+"/64", "dev", "up0", "nodad")
		w.host("ip", "-n", side.ns, "link", "set", "up0", "up")
	}
	w.host("ip", "-n", w.mesh, "route", "add", "224.0.0.0/4", "dev", "lo") // the simulated radio
	w.host("ip", "-n", w.out, "route", "add", "default", "via", inside4)
	w.host("ip", "-n", w.out, "-6", "route", "add", "default", "via", inside6)
	return w
}

// host runs a command that must succeed.
func (w *walled) host(name string, args ...string) {
	w.t.Helper()
	if b, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		w.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, b)
	}
}

// in makes a command in a namespace.
func in(ns, name string, args ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", ns, name}, args...)...)
}

// set sets one of the kernel's settings in the mesh's namespace.
func (w *walled) set(settings ...string) {
	w.t.Helper()
	for _, s := range settings {
		if b, err := in(w.mesh, "sysctl", "-q", "-w", s).CombinedOutput(); err != nil {
			w.t.Fatalf("sysctl %s: %v\n%s", s, err, b)
		}
	}
}

func (w *walled) pass(d time.Duration) { time.Sleep(min(d, 50*time.Millisecond)) }

func (w *walled) program(t testing.TB, m maker, k kind, id int) *exec.Cmd {
	if k != border {
		c := w.real.program(t, m, k, id)
		return in(w.mesh, c.Path, c.Args[1:]...)
	}
	args := append(append([]string{"border-router"}, w.flags...), strconv.Itoa(id))
	if !w.rootless {
		return in(w.mesh, peer.Program(t), args...)
	}
	// Nobody of all users has no rights, and reads no directory of root's.
	if err := os.Chmod(w.dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for d := filepath.Dir(w.dir); d != os.TempDir() && d != "/"; d = filepath.Dir(d) {
		_ = os.Chmod(d, 0o755)
	}
	copied := filepath.Join(w.dir, "program")
	w.host("cp", peer.Program(t), copied)
	return in(w.mesh, "setpriv", append([]string{"--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all", "env", "HOME=" + w.dir, "XDG_CONFIG_HOME=" + w.dir, copied}, args...)...)
}

func (w *walled) add(m maker, k kind) *node {
	w.t.Helper()
	n := start(w.t, w, w.dir, m, k, len(w.nodes)+1, "PORT_OFFSET="+strconv.Itoa(w.offset))
	w.nodes = append(w.nodes, n)
	return n
}

// open starts the border router and one of OpenThread's nodes, and waits for the way out.
func (w *walled) open() (br, n *node) {
	w.t.Helper()
	br = w.add(ours, border)
	br.state(30*time.Second, "leader")
	n = w.add(theirs, ftd)
	// It stays a child: who becomes a router at some moment of the test loses what is on its way to its old address.
	n.all("dataset set active "+br.get("dataset active -x"), "routereligible disable", "ifconfig up", "thread start")
	n.state(30*time.Second, "child")
	until(w.t, w, 30*time.Second, "a route, NAT64 and a DNS server are in the network data, and the node has an address", func() bool {
		data := strings.Join(n.do("netdata show"), "\n")
		return strings.Contains(data, "64:ff9b:0:0:0:0::/96") && strings.Contains(data, "44970 ") && w.omr(n) != ""
	})
	return br, n
}

// omr returns the address of a node that the outside answers to.
func (w *walled) omr(n *node) string {
	local := strings.TrimSuffix(strings.Join(strings.Split(n.get("ipaddr mleid"), ":")[:4], ":"), ":")
	for _, a := range n.do("ipaddr") {
		if !strings.HasPrefix(a, "fe80") && !strings.HasPrefix(a, local+":") {
			return a
		}
	}
	return ""
}

// other is a program of the outside that runs while the test goes on.
type other struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser
	mu  sync.Mutex
	out bytes.Buffer
}

func (o *other) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.out.Write(b)
}

func run(t *testing.T, cmd *exec.Cmd) *other {
	t.Helper()
	o := &other{t: t, cmd: cmd}
	var err error
	if o.in, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = o, o
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return o
}

// text is what the program has written so far.
func (o *other) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.out.String()
}

// expect waits until the program has written something.
func (o *other) expect(text string) {
	o.t.Helper()
	for end := time.Now().Add(15 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		got := o.text()
		if strings.Contains(got, text) {
			return
		}
		if time.Now().After(end) {
			o.t.Fatalf("%v writes %q, not %q", o.cmd.Args, got, text)
		}
	}
}

// bound waits until a socket of a namespace listens.
func bound(t *testing.T, ns, kind string, port int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		b, _ := in(ns, "ss", "-Hnl"+kind, "sport", "=", strconv.Itoa(port)).Output()
		if len(b) > 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("nobody listens on port %d", port)
		}
	}
}

// output runs a command that must end soon and well.
func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	limited := exec.CommandContext(ctx, cmd.Path, cmd.Args[1:]...)
	b, err := limited.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, b)
	}
	return string(b)
}
