//go:build peers

package e2e

import (
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"heddle.example/e2e/peer"
)

// The walk through: both servers in one program, a device that knows the bootstrap server alone. It gets its key there,
// registers with it, is read; a kill -9 in between costs nothing; and it may be sent back.
func TestHeddleClientIsBootstrappedByHeddle(t *testing.T) {
	s, coap, coaps := bootstrapServer(t)
	configure(t, s, "heddle", values{"mode": "psk", "identity": "BS heddle", "key": key}, nil)
	data := filepath.Join(t.TempDir(), "device")
	flags := []string{"-b", "--hold-off", "0", "-i", "BS heddle", "-s", key, "--data", data}
	device := heddleClient(t, coaps, flags...)
	device.ExpectLine(" -> State: STATE_BOOTSTRAPPING")
	device.ExpectLine("[BOOTSTRAP] backup security and server objects")
	device.ExpectLine(" -> State: STATE_READY")
	s.AwaitClient("heddle")
	if n := s.Read("heddle", "/31024/10/1"); n != "20" {
		t.Errorf("/31024/10/1 is %s", n)
	}
	device.Kill()
	device = heddleClient(t, coaps, flags...)
	device.ExpectLine(" -> State: STATE_READY")
	if out := device.Output(); strings.Contains(out, "BOOTSTRAP") {
		t.Errorf("the restarted device bootstraps:\n%s", out)
	}
	s.Await("the device answers", func() bool { return s.Read("heddle", "/3/0/0") == "Heddle" })
	if a := s.REST("POST", "/api/v1/clients/heddle/bootstrap", nil); a.Body.Field("status") != "answered" {
		t.Errorf("the trigger: %d %s", a.Status, a.Raw)
	}
	s.Await("the second registration", func() bool { return strings.Count(device.Output(), " -> State: STATE_READY") == 2 })
	device.Send("lwlist")
	device.ExpectLine("status: BOOTSTRAP FINISHED")

	// Who is refused says so and goes back to what it had.
	stray := peer.Heddle(t, "client", "-n", "stray", "-h", "127.0.0.1", "-p", port(coap), "-b", "--hold-off", "0")
	stray.ExpectLine("-> State: STATE_BOOTSTRAP_REQUIRED")
	stray.ExpectLine("[BOOTSTRAP] restore security and server objects")
	stray.ExpectLine("[BOOTSTRAP] ObjectList restored")
	stray.ExpectLine("next attempt in 60 s")
}

// A device that is killed at any moment of its bootstrap has its old accounts or the new ones: whenever it starts again it
// gets to its server, and what it has promised to a server is there.
func TestHeddleClientIsKilledInItsBootstrap(t *testing.T) {
	s, _, coaps := bootstrapServer(t)
	configure(t, s, "heddle", values{"mode": "psk", "identity": "BS heddle", "key": key}, nil)
	flags := []string{"-b", "--hold-off", "0", "-i", "BS heddle", "-s", key, "--data", filepath.Join(t.TempDir(), "device")}
	r := rand.New(rand.NewPCG(16, 1))
	promised := ""
	for i := range 12 {
		device := heddleClient(t, coaps, flags...)
		if i%4 == 3 {
			device.ExpectLine(" -> State: STATE_READY")
			s.Await("the device answers", func() bool { return s.Operate("heddle", "read", "/3/0/0", nil).Body.Field("code") == "2.05" })
			if n := s.Read("heddle", "/31024/10/1"); promised != "" && n != promised {
				t.Errorf("round %d: /31024/10/1 is %s, %s was promised", i, n, promised)
			}
			promised = strconv.Itoa(i)
			operate(t, s, "heddle", "write", "/31024/10/1", "2.04", values{"value": i})
			operate(t, s, "heddle", "execute", "/1/0/9", "2.04", nil) // promised, too: the next start begins with it
		}
		time.Sleep(time.Duration(r.IntN(150)) * time.Millisecond)
		device.Kill()
	}
	device := heddleClient(t, coaps, flags...)
	device.ExpectLine(" -> State: STATE_READY")
	s.Await("the device answers", func() bool { return s.Operate("heddle", "read", "/3/0/0", nil).Body.Field("code") == "2.05" })
	if n := s.Read("heddle", "/31024/10/1"); n != promised {
		t.Errorf("/31024/10/1 is %s, %s was promised", n, promised)
	}
}
