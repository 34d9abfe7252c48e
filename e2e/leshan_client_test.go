//go:build peers

package e2e

import (
	"testing"

	"heddle.example/e2e/peer"
)

// A Leshan client registers with `heddle server`, is read, written, observed, executed, and leaves.
func leshanClient(t *testing.T, start func(testing.TB, ...string) *peer.Process, secure bool, battery, version string, flags ...string) {
	s := peer.HeddleServer(t)
	uri := "coap://" + s.CoAP
	row := map[string]string{"version": version, "security.mode": "none", "lifetime": "300", "binding": "U"}
	if secure {
		s.Credentials("leshan", "the identity", key)
		uri = "coaps://" + s.CoAPS
		flags = append(flags, "--identity", "the identity", "--key", key)
		row["security.mode"], row["security.identity"] = "psk", "the identity"
	}
	device := start(t, append(flags, "--endpoint", "leshan", "--server", uri)...)
	device.Expect("registered")
	want(t, s.AwaitClient("leshan").Body, row)
	manage(t, s, "leshan", device, battery)
	observe(t, s, "leshan", device)
	device.Forget()
	device.Send("update")
	device.Expect("updated")
	device.Send("stop")
	device.Expect("deregistered")
	s.Await("the device is gone", func() bool { return s.REST("GET", "/api/v1/clients/leshan", nil).Status == 404 })
}

func TestLeshan2ClientOverCoap(t *testing.T) {
	leshanClient(t, peer.Leshan2Client, false, "87", "1.1")
}

func TestLeshan2ClientOverCoaps(t *testing.T) {
	leshanClient(t, peer.Leshan2Client, true, "87", "1.1")
}

func TestLeshan1ClientOverCoap(t *testing.T) {
	leshanClient(t, peer.Leshan1Client, false, "85", "1.0")
}

// An old device: LwM2M 1.0, the draft of connection IDs, no extended master secret.
func TestLeshan1ClientOverCoaps(t *testing.T) {
	for _, cid := range []string{"off", "0"} {
		t.Run("cid "+cid, func(t *testing.T) { leshanClient(t, peer.Leshan1Client, true, "85", "1.0", "--cid", cid) })
	}
}

func TestUnknownAndWrongKeyAreRefused(t *testing.T) {
	s := peer.HeddleServer(t)
	s.Credentials("leshan", "id", key)
	for _, c := range []struct{ name, identity, key string }{
		{"unknown identity", "nobody", key},
		{"wrong key", "id", "ff" + key[2:]},
	} {
		t.Run(c.name, func(t *testing.T) {
			device := peer.Leshan2Client(t, "--endpoint", "leshan", "--server", "coaps://"+s.CoAPS, "--identity", c.identity, "--key", c.key)
			e, ok := device.Await(peer.Timeout, "registration-failed")
			if !ok {
				if e, ok = device.Await(0, "registration-timeout"); !ok {
					t.Fatal("neither failed nor timed out")
				}
			}
			t.Log(e)
			if a := s.REST("GET", "/api/v1/clients/leshan", nil); a.Status != 404 {
				t.Errorf("it is registered: %s", a.Raw)
			}
		})
	}
	// An endpoint that has credentials is refused on the plain port.
	device := peer.Leshan2Client(t, "--endpoint", "leshan", "--server", "coap://"+s.CoAP)
	if e := device.Expect("registration-failed"); e.Field("code") != "403" {
		t.Errorf("on the plain port: %v", e)
	}
	// Nor may another identity use it.
	s.Credentials("other", "id2", key)
	device = peer.Leshan2Client(t, "--endpoint", "leshan", "--server", "coaps://"+s.CoAPS, "--identity", "id2", "--key", key)
	if e := device.Expect("registration-failed"); e.Field("code") != "403" {
		t.Errorf("under another identity: %v", e)
	}
}
