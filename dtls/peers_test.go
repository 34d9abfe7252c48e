//go:build peers

package dtls

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// The command-line tools of OpenSSL and GnuTLS as peers, both roles, with loss. They have the PSK suites with CCM_8, CCM
// and GCM (OpenSSL) and with CCM_8, CCM, GCM (GnuTLS), and the one with CBC; their ECDHE_PSK suites are CBC only.

type tool struct {
	t   *testing.T
	cmd *exec.Cmd
	in  io.WriteCloser
	mu  sync.Mutex
	out bytes.Buffer
}

func (x *tool) Write(b []byte) (int, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.out.Write(b)
}

func (x *tool) output() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.out.String()
}

func start(t *testing.T, name string, args ...string) *tool {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is missing: install the packages openssl and gnutls-bin", name)
	}
	x := &tool{t: t, cmd: exec.Command(path, args...)}
	x.cmd.Stdout, x.cmd.Stderr = x, x
	if x.in, err = x.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := x.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = x.cmd.Process.Kill()
		_ = x.cmd.Wait()
		if t.Failed() {
			t.Logf("%s %s:\n%s", name, strings.Join(args, " "), x.output())
		}
	})
	return x
}

func freePort(t *testing.T) int {
	t.Helper()
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).Port
}

var opensslNames = map[Suite]string{
	PSKWithAES128CCM8: "PSK-AES128-CCM8", PSKWithAES128CCM: "PSK-AES128-CCM", PSKWithAES128GCM: "PSK-AES128-GCM-SHA256",
	PSKWithAES128CBC: "PSK-AES128-CBC-SHA256",
}

var gnutlsNames = map[Suite]string{
	PSKWithAES128CCM8: "+AES-128-CCM-8:+AEAD", PSKWithAES128CCM: "+AES-128-CCM:+AEAD", PSKWithAES128GCM: "+AES-128-GCM:+AEAD",
	PSKWithAES128CBC: "+AES-128-CBC:+SHA256",
}

func gnutlsPriority(s Suite) string {
	return "NONE:+VERS-DTLS1.2:+PSK:" + gnutlsNames[s] + ":+SHA256:+SIGN-ALL:+COMP-NULL"
}

func forPeers(t *testing.T, f func(t *testing.T, suite Suite, loss int)) {
	for suite := range opensslNames {
		for _, loss := range []int{0, 3} {
			t.Run(fmt.Sprintf("%v/loss=%d", suite, loss), func(t *testing.T) { f(t, suite, loss) })
		}
	}
}

func lossy(d *driver, loss int) {
	if loss > 0 {
		d.drop = func(n int, out bool) bool { return n%loss == 2 && n < 8 }
	}
}

// clientTool meets our server with a client that sends its standard input.
func clientTool(t *testing.T, suite Suite, loss int, run func(port string) *tool) {
	d := newDriver(t, Config{PSK: testPSK, Suites: []Suite{suite}, AllowCBC: true, CIDLen: 8, RetransmitInitial: 300 * time.Millisecond})
	lossy(d, loss)
	x := run(fmt.Sprint(d.local.Port()))
	d.until("Established", func() bool { return lastOf[*Established](d) != nil })
	d.drop = nil // data is not repeated
	e := lastOf[*Established](d)
	if e.Suite != suite || e.Path.Security.Name != testIdentity || len(e.OwnCID) != 0 {
		t.Errorf("%+v", e)
	}
	talkWithClient(d, e, x)
}

// talkWithClient has data go both ways, and the tool end the session.
func talkWithClient(d *driver, e *Established, x *tool) {
	fmt.Fprintln(x.in, "hello from the tool")
	d.until("data", func() bool { return strings.Contains(strings.Join(d.data, ""), "hello from the tool") })
	d.write(e.Session, "hello from us\n")
	d.until("output", func() bool { return strings.Contains(x.output(), "hello from us") })
	x.in.Close()
	d.until("Closed", func() bool { return lastOf[*Closed](d) != nil })
}

func serverTool(t *testing.T, suite Suite, loss int, run func(port string) *tool, echo bool) {
	port := freePort(t)
	x := run(fmt.Sprint(port))
	time.Sleep(300 * time.Millisecond)
	d := newDriver(t, Config{AllowCBC: true, RetransmitInitial: 300 * time.Millisecond})
	lossy(d, loss)
	e := d.dial(netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port)), ClientConfig{
		Identity: testIdentity, Key: []byte(testKey), Suites: []Suite{suite},
	})
	d.drop = nil // data is not repeated
	if e.Suite != suite {
		t.Errorf("%+v", e)
	}
	talkWithServer(d, e, x, echo)
}

// talkWithServer has data go both ways, and us end the session.
func talkWithServer(d *driver, e *Established, x *tool, echo bool) {
	d.write(e.Session, "hello from us\n")
	if echo {
		d.until("echo", func() bool { return strings.Contains(strings.Join(d.data, ""), "hello from us") })
	} else {
		d.until("output", func() bool { return strings.Contains(x.output(), "hello from us") })
		fmt.Fprintln(x.in, "hello from the tool")
		d.until("data", func() bool { return strings.Contains(strings.Join(d.data, ""), "hello from the tool") })
	}
	d.e.Close(d.now(), 0, e.Session)
	d.drain()
}

func TestOpenSSLClient(t *testing.T) {
	forPeers(t, func(t *testing.T, suite Suite, loss int) {
		clientTool(t, suite, loss, func(port string) *tool {
			return start(t, "openssl", "s_client", "-dtls1_2", "-connect", "127.0.0.1:"+port, "-psk_identity", testIdentity,
				"-psk", hex.EncodeToString([]byte(testKey)), "-cipher", opensslNames[suite])
		})
	})
}

func TestOpenSSLServer(t *testing.T) {
	forPeers(t, func(t *testing.T, suite Suite, loss int) {
		serverTool(t, suite, loss, func(port string) *tool {
			return start(t, "openssl", "s_server", "-dtls1_2", "-listen", "-accept", "127.0.0.1:"+port, "-nocert",
				"-psk_identity", testIdentity, "-psk", hex.EncodeToString([]byte(testKey)), "-cipher", opensslNames[suite])
		}, false)
	})
}

func TestGnuTLSClient(t *testing.T) {
	forPeers(t, func(t *testing.T, suite Suite, loss int) {
		clientTool(t, suite, loss, func(port string) *tool {
			return start(t, "gnutls-cli", "--udp", "--priority", gnutlsPriority(suite), "--pskusername", testIdentity,
				"--pskkey", hex.EncodeToString([]byte(testKey)), "--port", port, "127.0.0.1")
		})
	})
}

func TestGnuTLSServer(t *testing.T) {
	forPeers(t, func(t *testing.T, suite Suite, loss int) {
		file := t.TempDir() + "/psk"
		writeFile(t, file, "#"+hex.EncodeToString([]byte(testIdentity))+":"+hex.EncodeToString([]byte(testKey))+"\n")
		serverTool(t, suite, loss, func(port string) *tool {
			return start(t, "gnutls-serv", "--udp", "--echo", "--priority", gnutlsPriority(suite), "--pskpasswd", file,
				"--port", port)
		}, true)
	})
}

// A client with a wrong key and one that nobody knows see the same alert.
func TestOpenSSLWrongKey(t *testing.T) {
	for _, c := range []struct {
		identity, key string
		want          error
	}{{testIdentity, "00", ErrWrongKey}, {"nobody", hex.EncodeToString([]byte(testKey)), ErrUnknownIdentity}} {
		d := newDriver(t, Config{PSK: testPSK})
		x := start(t, "openssl", "s_client", "-dtls1_2", "-connect", fmt.Sprint(d.local), "-psk_identity", c.identity,
			"-psk", c.key, "-cipher", "PSK-AES128-CCM8")
		d.until("Refused", func() bool { return lastOf[*Refused](d) != nil })
		if r := lastOf[*Refused](d); r.Reason != c.want || r.Identity != c.identity {
			t.Errorf("%+v", r)
		}
		d.until("alert", func() bool { return strings.Contains(x.output(), "decrypt error") })
	}
}
