//go:build peers

package e2e

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"heddle.example/e2e/peer"
)

// Queue mode is shown, whether a device says it in 1.0's way (b=UQ) or in 1.1's (Q).
func TestQueueModeIsShown(t *testing.T) {
	s := peer.HeddleServer(t)
	one := peer.Leshan1Client(t, "--endpoint", "one", "--server", "coap://"+s.CoAP, "--queue", "on")
	two := peer.Leshan2Client(t, "--endpoint", "two", "--server", "coap://"+s.CoAP, "--queue", "on")
	one.Expect("registered")
	two.Expect("registered")
	want(t, s.AwaitClient("one").Body, map[string]string{"version": "1.0", "queue": "true"})
	want(t, s.AwaitClient("two").Body, map[string]string{"version": "1.1", "queue": "true", "binding": "U"})
}

// An observation ends in both ways: by a request with Observe: 1, and, passively, by a RST to the next notification.
func TestCancelObservation(t *testing.T) {
	s := peer.HeddleServer(t)
	relay := peer.NewRelay(t, s.CoAP, 1, peer.Faults{})
	for _, c := range []struct {
		name    string
		passive bool
		start   func(testing.TB, ...string) *peer.Process
	}{
		{"by request, Leshan 2", false, peer.Leshan2Client},
		{"by reset, Leshan 2", true, peer.Leshan2Client},
		{"by request, Leshan 1.5", false, peer.Leshan1Client},
		{"by reset, Leshan 1.5", true, peer.Leshan1Client},
	} {
		t.Run(c.name, func(t *testing.T) {
			device := c.start(t, "--endpoint", "leshan", "--server", "coap://"+relay.Addr())
			device.Expect("registered")
			observe(t, s, "leshan", device)
			more := values{}
			if c.passive {
				more["passive"] = true
			}
			if a := s.Operate("leshan", "cancel-observe", "/3303/0/5700", more); a.Status/100 != 2 {
				t.Fatalf("cancel: %d %s", a.Status, a.Raw)
			}
			mark := relay.Mark()
			device.Send("set /3303/0/5700 50.5")
			device.Expect("set")
			if c.passive {
				s.Await("a RST", func() bool {
					for _, d := range relay.Since(mark) {
						if !d.ToServer && d.Data[0]>>4&3 == 3 {
							return true
						}
					}
					return false
				})
			}
			time.Sleep(200 * time.Millisecond)
			mark = relay.Mark()
			device.Send("set /3303/0/5700 51.5")
			device.Expect("set")
			time.Sleep(300 * time.Millisecond)
			if sent := relay.Since(mark); len(sent) > 0 {
				t.Errorf("the device still notifies: % x", sent[0].Data)
			}
			if a := s.REST("GET", "/api/v1/clients/leshan/observations", nil); strings.Contains(a.Raw, "5700") {
				t.Errorf("it is still listed: %s", a.Raw)
			}
			device.Send("stop")
			device.Expect("deregistered")
		})
	}
}

// A device that lost its power comes back on the same port and has forgotten everything: its new handshake takes the
// place of the living session (RFC 6347 section 4.2.8), its registration that of the old one.
func TestDeviceRebootsOnTheSamePort(t *testing.T) {
	s := peer.HeddleServer(t)
	s.Credentials("heddle", "id", key)
	own := peer.UDPPort(t)
	flags := []string{"-i", "id", "-s", key, "-l", port(own)}
	device := heddleClient(t, s.CoAPS, flags...)
	device.ExpectLine("State: STATE_READY")
	first := s.AwaitClient("heddle").Body
	if a, err := netip.ParseAddrPort(first.Field("address")); err != nil || itsPort(a) != port(own) {
		t.Errorf("address is %s, want port %s", first.Field("address"), port(own))
	}
	device.Kill()
	device = heddleClient(t, s.CoAPS, flags...)
	device.ExpectLine("State: STATE_READY")
	if second := s.AwaitClient("heddle").Body; second.Field("id") == first.Field("id") {
		t.Errorf("the registration is still %s", first.Field("id"))
	}
	want(t, operate(t, s, "heddle", "read", "/31024/10/1", "2.05", nil), map[string]string{"value": "20"})
	if total := s.REST("GET", "/api/v1/clients", nil).Body.Field("total"); total != "1" {
		t.Errorf("%s registrations", total)
	}
}

func itsPort(a netip.AddrPort) string { return port(a.String()) }

// A second server on the same port says so and ends; the first one goes on.
func TestPortInUse(t *testing.T) {
	s := peer.HeddleServer(t)
	second := peer.Heddle(t, "server", "--coap", s.CoAP, "--coaps", "off", "--web", peer.TCPPort(t), "--data", t.TempDir())
	if err := second.End(peer.Timeout); err == nil {
		t.Error("it ends without an error")
	}
	second.ExpectLine("in use")
	second.ExpectLine("--coap")
	if a := (peer.CoapClient{Method: "post", Format: "40", Payload: "</3/0>", URI: "coap://" + s.CoAP + "/rd?lwm2m=1.1&ep=after&lt=60"}).Do(t); a.Code != "2.01" {
		t.Errorf("Register at the first server: %s", a.Code)
	}
	third := peer.Heddle(t, "server", "--coap", peer.UDPPort(t), "--coaps", "off", "--web", peer.TCPPort(t), "--data", s.Data)
	if err := third.End(peer.Timeout); err == nil {
		t.Error("two servers share a data directory")
	}
	third.ExpectLine("--data")
}
