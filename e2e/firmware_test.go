//go:build peers

package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"heddle.example/e2e/peer"
	"heddle.example/lwm2m/firmware"
)

// firmwareFile makes a package of version 2.0.
func firmwareFile(t *testing.T, size int) (name string, content []byte) {
	t.Helper()
	image := bytes.Repeat([]byte("0123456789abcdef"), size/16)
	h := firmware.Header{Name: "lamp", Version: "2.0", Image: uint64(len(image)), Digest: sha256.Sum256(image)}
	b, err := h.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	b = append(b, image...)
	name = filepath.Join(t.TempDir(), "lamp.hdfw")
	if err := os.WriteFile(name, b, 0o644); err != nil {
		t.Fatal(err)
	}
	return name, b
}

// heddleFirmware runs `heddle firmware` on the server's data directory.
func heddleFirmware(t *testing.T, s *peer.Server, args ...string) string {
	t.Helper()
	out, err := exec.Command(peer.Program(t), append(append([]string{"firmware"}, args...), "--data", s.Data)...).CombinedOutput()
	if err != nil {
		t.Fatalf("heddle firmware %v: %v\n%s", args, err, out)
	}
	return string(bytes.TrimSpace(out))
}

// firmwareDevice is the one device of an update.
func firmwareDevice(t *testing.T, s *peer.Server, args ...string) map[string]any {
	t.Helper()
	var u struct{ Devices []map[string]any }
	out := heddleFirmware(t, s, append(append([]string{"start", "lamp@2.0"}, args...), "--watch", "--json")...)
	if err := json.Unmarshal([]byte(out), &u); err != nil || len(u.Devices) != 1 {
		t.Fatalf("%v: %s", err, out)
	}
	return u.Devices[0]
}

// Our server pushes a package to a Leshan client, plain and over DTLS, and tells it to install it.
func TestFirmwarePushToLeshan2(t *testing.T) {
	s := peer.HeddleServer(t)
	file, content := firmwareFile(t, 200_000)
	heddleFirmware(t, s, "add", file)
	sum := sha256.Sum256(content)
	for _, secure := range []bool{false, true} {
		ep, flags := "plain", []string{"--server", "coap://" + s.CoAP}
		if secure {
			ep = "secure"
			s.Credentials(ep, "fw", key)
			flags = []string{"--server", "coaps://" + s.CoAPS, "--identity", "fw", "--key", key}
		}
		leshan := peer.Leshan2Client(t, append(flags, "--endpoint", ep, "--firmware", "2.0")...)
		leshan.Expect("registered")
		s.AwaitClient(ep)
		d := firmwareDevice(t, s, "--endpoint", ep)
		if d["state"] != "done" || d["method"] != "push" || d["version"] != "2.0" || d["sent"] != float64(len(content)) {
			t.Errorf("secure %v: %v", secure, d)
		}
		if e := leshan.Expect("package"); e.Field("sha256") != hex.EncodeToString(sum[:]) {
			t.Errorf("secure %v: the package arrived as %v", secure, e)
		}
		leshan.Expect("executed", "path=/5/0/2")
	}
}

// A Leshan client without object 5 is reported as such.
func TestFirmwareOfALeshanWithoutIt(t *testing.T) {
	s := peer.HeddleServer(t)
	file, _ := firmwareFile(t, 1000)
	heddleFirmware(t, s, "add", file)
	peer.Leshan2Client(t, "--server", "coap://"+s.CoAP, "--endpoint", "none").Expect("registered")
	s.AwaitClient("none")
	out, err := exec.Command(peer.Program(t), "firmware", "start", "lamp", "--endpoint", "none", "--watch", "--data", s.Data).CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte("no Firmware Update object")) {
		t.Errorf("%v: %s", err, out)
	}
}

// A Leshan server writes a package to our client by blocks, in the formats that carry bytes, and has it installed.
func TestFirmwareFromLeshan2Server(t *testing.T) {
	to := peer.UDPPort(t)
	server := peer.Leshan2Server(t, "--coap", to)
	file, content := firmwareFile(t, 100_000)
	client := heddleClient(t, to, "--data", filepath.Join(t.TempDir(), "device"), "--firmware", "time=100ms")
	server.Expect("registered", "ep=heddle")
	for _, format := range []string{"TLV", "SENML_CBOR", "OPAQUE"} {
		do(t, server, "204", "write", "heddle", "/5/0/1", "") // what was there goes
		do(t, server, "204", "write-file", "heddle", "/5/0/0", file, format)
		want(t, do(t, server, "205", "read", "heddle", "/5/0"), map[string]string{"value.3": "2", "value.5": "0", "value.6": "lamp", "value.7": "2.0"})
	}
	do(t, server, "405", "write-file", "heddle", "/5/0/0", file, "OPAQUE") // there is a package already
	do(t, server, "204", "execute", "heddle", "/5/0/2")
	server.Expect("registered", "ep=heddle")
	want(t, do(t, server, "205", "read", "heddle", "/5/0"), map[string]string{"value.3": "0", "value.5": "1"})
	want(t, do(t, server, "205", "read", "heddle", "/3/0/3"), map[string]string{"value": "2.0"})
	// A damaged one is told apart by its digest.
	content[len(content)-1] ^= 1
	bad := filepath.Join(t.TempDir(), "bad")
	if err := os.WriteFile(bad, content, 0o644); err != nil {
		t.Fatal(err)
	}
	do(t, server, "204", "write-file", "heddle", "/5/0/0", bad, "OPAQUE")
	want(t, do(t, server, "205", "read", "heddle", "/5/0"), map[string]string{"value.3": "0", "value.5": "5"})
	client.Send("lwfw")
	client.ExpectLine("integrity check failed")
}

// Our client fetches a package from libcoap's server.
func TestFirmwareFromLibcoap(t *testing.T) {
	bin, err := exec.LookPath("coap-server-notls")
	if err != nil {
		t.Fatal("coap-server-notls (libcoap3-bin) is missing")
	}
	at := peer.UDPPort(t)
	host, port, _ := net.SplitHostPort(at)
	peer.Start(t, "coap-server", bin, "-A", host, "-p", port, "-d", "10")
	file, content := firmwareFile(t, 50_000)
	put := func() bool {
		out, err := exec.Command("coap-client-notls", "-m", "put", "-t", "42", "-b", "1024", "-B", "3", "-f", file, "coap://"+at+"/lamp").CombinedOutput()
		return err == nil && len(bytes.TrimSpace(out)) == 0
	}
	for end := time.Now().Add(peer.Timeout); !put(); {
		if time.Now().After(end) {
			t.Fatal("libcoap's server takes no package")
		}
	}
	s := peer.HeddleServer(t)
	heddleClient(t, s.CoAP, "--firmware", "time=100ms")
	s.AwaitClient("heddle")
	if a := s.Operate("heddle", "write", "/5/0/1", values{"value": "coap://" + at + "/lamp"}); a.Body.Field("code") != "2.04" {
		t.Fatalf("write: %d %s", a.Status, a.Raw)
	}
	s.Await("the package is there", func() bool { return s.Read("heddle", "/5/0/3") == "2" })
	if v := s.Read("heddle", "/5/0/7"); v != "2.0" {
		t.Errorf("the package of %d bytes is of version %q", len(content), v)
	}
}

// kill -9 of device and server in the middle of a push: both go on where they were, and the device is updated once.
func TestFirmwareOverKills(t *testing.T) {
	s := peer.HeddleServer(t)
	file, content := firmwareFile(t, 3_000_000)
	heddleFirmware(t, s, "add", file)
	data := filepath.Join(t.TempDir(), "device")
	start := func() *peer.Process {
		return heddleClient(t, s.CoAP, "--data", data, "-t", "30", "--firmware", "time=100ms")
	}
	device := start()
	s.AwaitClient("heddle")
	id := heddleFirmware(t, s, "start", "lamp@2.0", "--endpoint", "heddle", "--method", "push")
	status := func() (d struct {
		State, Version string
		Sent           int64
		Attempts       int
	}) {
		var u struct{ Devices []json.RawMessage }
		a := s.REST("GET", "/api/v1/firmware/updates/"+id, nil)
		if json.Unmarshal([]byte(a.Raw), &u) != nil || len(u.Devices) != 1 || json.Unmarshal(u.Devices[0], &d) != nil {
			t.Fatalf("%d %s", a.Status, a.Raw)
		}
		return d
	}
	at := func(n int64) {
		t.Helper()
		s.Await("bytes", func() bool { d := status(); return d.Sent >= n || d.State != "downloading" && d.State != "waiting" })
	}
	at(300_000)
	device.Kill()
	device = start()
	at(1_000_000)
	s.Kill()
	s.Start()
	at(1_500_000)
	device.Kill()
	device = start()
	s.Await("the update is done", func() bool { return status().State == "done" })
	if d := status(); d.Version != "2.0" || d.Sent != int64(len(content)) || d.Attempts != 1 {
		t.Errorf("%+v", d)
	}
	if v := s.Read("heddle", "/3/0/3"); v != "2.0" {
		t.Errorf("the device says %q", v)
	}
}

// A device that sleeps is simply waited for: when it wakes by itself it gets its package, by push and by pull.
func TestFirmwareOfASleepingDevice(t *testing.T) {
	s := peer.HeddleServer(t, "--awake", "2s")
	file, _ := firmwareFile(t, 200_000)
	heddleFirmware(t, s, "add", file)
	for _, method := range []string{"push", "pull"} {
		device := heddleClient(t, s.CoAP, "--queue", "--awake", "2", "-t", "16", "--firmware", "time=100ms")
		s.Await("the device sleeps", func() bool {
			return s.REST("GET", "/api/v1/clients/heddle", nil).Body.Field("state") == "asleep"
		})
		id := heddleFirmware(t, s, "start", "lamp@2.0", "--endpoint", "heddle", "--method", method)
		look := func() peer.Event { return s.REST("GET", "/api/v1/firmware/updates/"+id, nil).Body }
		s.Await("it is waited for", func() bool { return look().Field("devices.0.asleep") == "true" })
		if e := look(); e.Field("devices.0.state") != "waiting" || e.Field("state") != "running" {
			t.Errorf("%s: %v", method, e)
		}
		s.Await("the update is done", func() bool { return look().Field("state") != "running" })
		want(t, look(), map[string]string{"devices.0.state": "done", "devices.0.version": "2.0", "devices.0.method": method})
		if err := device.Stop(); err != nil {
			t.Error(err)
		}
	}
}
