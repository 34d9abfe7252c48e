//go:build peers

package tun

import (
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"heddle.example/border/nat64"
	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

var figures = flag.Bool("figures", false, "measure for as long as it takes to be trusted")

// prefix stands for IPv4: tayga refuses the well-known one for private addresses.
const prefix = "2001:db8:64::/96"

// bench is three namespaces in a row: a sender with IPv6, a translator between, a receiver with IPv4.
type bench struct {
	t             *testing.T
	src, mid, dst string
}

func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	b, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, b)
	}
	return string(b)
}

func newBench(t *testing.T) *bench {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("network namespaces need root")
	}
	number := strconv.Itoa(os.Getpid())
	b := &bench{t, "heddle-src-" + number, "heddle-mid-" + number, "heddle-dst-" + number}
	for _, ns := range []string{b.src, b.mid, b.dst} {
		command(t, "ip", "netns", "add", ns)
		t.Cleanup(func() { _ = exec.Command("ip", "netns", "delete", ns).Run() })
		command(t, "ip", "-n", ns, "link", "set", "lo", "up")
	}
	link := func(a, b, name string) {
		command(t, "ip", "-n", a, "link", "add", name, "type", "veth", "peer", "name", name, "netns", b)
		for _, ns := range []string{a, b} {
			command(t, "ip", "-n", ns, "link", "set", name, "up")
		}
	}
	link(b.src, b.mid, "in0")
	link(b.mid, b.dst, "out0")
	command(t, "ip", "-n", b.src, "address", "add", "fd01::2/64", "dev", "in0", "nodad")
	command(t, "ip", "-n", b.mid, "address", "add", "fd01::1/64", "dev", "in0", "nodad")
	command(t, "ip", "-n", b.src, "-6", "route", "add", "default", "via", "fd01::1")
	command(t, "ip", "-n", b.mid, "address", "add", "10.98.0.1/24", "dev", "out0")
	command(t, "ip", "-n", b.dst, "address", "add", "10.98.0.2/24", "dev", "out0")
	command(t, "ip", "-n", b.dst, "route", "add", "default", "via", "10.98.0.1")
	command(t, "ip", "netns", "exec", b.mid, "sysctl", "-q", "-w", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
	return b
}

// socket makes a socket in a namespace.
func (b *bench) socket(ns string, open func() (*net.UDPConn, error)) *net.UDPConn {
	b.t.Helper()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		b.t.Fatal(err)
	}
	defer home.Close()
	there, err := os.Open(filepath.Join("/run/netns", ns))
	if err != nil {
		b.t.Fatal(err)
	}
	defer there.Close()
	if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
		b.t.Fatal(err)
	}
	c, err := open()
	if no := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); no != nil {
		b.t.Fatal(no)
	}
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { c.Close() })
	return c
}

// cpu returns the CPU time of a process.
func cpu(t *testing.T, pid int) time.Duration {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	f := strings.Fields(string(b)[strings.LastIndexByte(string(b), ')')+2:])
	user, _ := strconv.ParseInt(f[11], 10, 64)
	system, _ := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond
}

// measure sends 100-byte packets of IPv6 for some time, as fast as it goes, and tells how many come as IPv4.
func (b *bench) measure(name string, pid int, d time.Duration) (each time.Duration) {
	t := b.t
	in := b.socket(b.dst, func() (*net.UDPConn, error) { return net.ListenUDP("udp4", &net.UDPAddr{Port: 7000}) })
	defer in.Close()
	in.SetReadBuffer(8 << 20)
	out := b.socket(b.src, func() (*net.UDPConn, error) {
		return net.DialUDP("udp6", nil, &net.UDPAddr{IP: net.ParseIP("2001:db8:64::10.98.0.2"), Port: 7000})
	})
	defer out.Close()
	var buf [2048]byte
	payload := make([]byte, 52)
	for tries := 0; ; tries++ { // the translator may not be there yet
		_, _ = out.Write(payload)
		in.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		if _, err := in.Read(buf[:]); err == nil {
			break
		}
		if tries > 100 {
			t.Fatalf("%s: nothing comes through", name)
		}
	}
	stop := make(chan struct{})
	sent := make(chan int)
	go func() {
		n := 0
		for {
			select {
			case <-stop:
				sent <- n
				return
			default:
			}
			for range 64 {
				if _, err := out.Write(payload); err == nil {
					n++
				}
			}
		}
	}()
	began, used := time.Now(), cpu(t, pid)
	came := 0
	in.SetReadDeadline(began.Add(d))
	for {
		if _, err := in.Read(buf[:]); err != nil {
			break
		}
		came++
	}
	used = cpu(t, pid) - used
	close(stop)
	n := <-sent
	took := time.Since(began)
	each = used / time.Duration(max(1, came))
	t.Logf("%-16s %7.0f packets/s of %7.0f sent, %5.2f us CPU a packet", name, float64(came)/took.Seconds(), float64(n)/took.Seconds(), float64(each)/1000)
	return each
}

// TestTranslatorProcess is the translator that TestNAT64BesideTayga measures: a process of its own.
func TestTranslatorProcess(t *testing.T) {
	if os.Getenv("HEDDLE_TRANSLATOR") == "" {
		return // a part of the other test
	}
	x := &translator{began: time.Now()}
	d, err := Open(Config{Name: "nat0", Receive: x.receive, Routes: []netip.Prefix{
		netip.MustParsePrefix(prefix), netip.MustParsePrefix("192.168.255.0/24")}})
	if err != nil {
		t.Fatal(err)
	}
	x.d = d
	if x.t, err = nat64.New(nat64.Config{Prefix: ip6.MustParsePrefix(prefix), Pool: []netip.Prefix{netip.MustParsePrefix("192.168.255.0/24")}, Rand: chance{}}, x); err != nil {
		t.Fatal(err)
	}
	x.ready.Store(true)
	_, _ = os.Stdin.Read(make([]byte, 1))
	d.Close()
}

type translator struct {
	began time.Time
	ready atomic.Bool
	d     *Device
	t     *nat64.Translator
}

func (x *translator) receive(b []byte) {
	if !x.ready.Load() {
		return
	}
	now := machine.Time(time.Since(x.began))
	if x.t.Deadline() <= now {
		x.t.Expire(now)
	}
	if b[0]>>4 == 6 {
		if x.t.Prefix().Contains(ip6.Dst(b)) {
			x.t.From6(now, b)
		}
		return
	}
	x.t.From4(now, b)
}

func (x *translator) Send6(_ machine.Time, b []byte) { x.d.Send(b) }
func (x *translator) Send4(_ machine.Time, b []byte) { x.d.Send(b) }

type chance struct{}

func (chance) Uint64() uint64 { return rand.Uint64() }
func (chance) Fill(b []byte) {
	for len(b) >= 8 {
		binary.NativeEndian.PutUint64(b, rand.Uint64())
		b = b[8:]
	}
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
}

// Ours beside tayga, one after the other, in the same namespaces.
func TestNAT64BesideTayga(t *testing.T) {
	if _, err := exec.LookPath("tayga"); err != nil {
		t.Fatal("tayga: ./scripts/set-up-outside installs it")
	}
	d := time.Second
	if *figures {
		d = 5 * time.Second
	}
	b := newBench(t)
	dir := t.TempDir()
	conf := filepath.Join(dir, "tayga.conf")
	text := "tun-device nat64\nipv4-addr 192.168.254.1\nipv6-addr fd02::1\nprefix " + prefix + "\ndynamic-pool 192.168.254.0/24\ndata-dir " + dir + "\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	rounds := 1
	if *figures {
		rounds = 3
	}
	for range rounds {
		command(t, "ip", "netns", "exec", b.mid, "tayga", "-c", conf, "--mktun")
		command(t, "ip", "-n", b.mid, "link", "set", "nat64", "up")
		command(t, "ip", "-n", b.mid, "route", "add", "192.168.254.0/24", "dev", "nat64")
		command(t, "ip", "-n", b.mid, "-6", "route", "add", prefix, "dev", "nat64")
		theirs := start(t, exec.Command("ip", "netns", "exec", b.mid, "tayga", "-c", conf, "-d"))
		they := b.measure("tayga", theirs.Process.Pid, d)
		theirs.Process.Kill()
		theirs.Wait()
		command(t, "ip", "netns", "exec", b.mid, "tayga", "-c", conf, "--rmtun")

		self := exec.Command("ip", "netns", "exec", b.mid, os.Args[0], "-test.run=^TestTranslatorProcess$")
		self.Env = append(os.Environ(), "HEDDLE_TRANSLATOR=1")
		ours := start(t, self)
		we := b.measure("heddle", ours.Process.Pid, d)
		ours.Process.Kill()
		ours.Wait()
		if *figures && we > they {
			t.Errorf("a packet costs %v, and tayga's %v", we, they)
		}
	}
}

func start(t *testing.T, c *exec.Cmd) *exec.Cmd {
	t.Helper()
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); c.Process.Kill() })
	return c
}
