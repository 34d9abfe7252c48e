//go:build peers

package e2e

import (
	"testing"

	"heddle.example/e2e/peer"
)

const key = "00112233445566778899aabbccddeeff"

// operate carries out an operation and checks its CoAP code.
func operate(t *testing.T, s *peer.Server, ep, op, path, code string, more map[string]any) peer.Event {
	t.Helper()
	a := s.Operate(ep, op, path, more)
	if got := a.Body.Field("code"); got != code {
		t.Errorf("%s %s %s %v: %d %s; want %s", ep, op, path, more, a.Status, a.Raw, code)
	}
	return a.Body
}

// want compares fields.
func want(t *testing.T, e peer.Event, fields map[string]string) {
	t.Helper()
	for name, value := range fields {
		if got := e.Field(name); got != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
}

type values = map[string]any

// manage goes through all operations on a Leshan client: each is seen from both sides.
func manage(t *testing.T, s *peer.Server, ep string, device *peer.Process, battery string) {
	t.Helper()
	want(t, operate(t, s, ep, "read", "/3/0/9", "2.05", nil), map[string]string{"value": battery})
	want(t, operate(t, s, ep, "read", "/3/0", "2.05", nil), map[string]string{
		"resources.0": "Eclipse Leshan", "resources.7.1": "5000", "resources.13": "2026-01-01T00:00:00Z", "resources.9": battery})
	want(t, operate(t, s, ep, "read", "/31024", "2.05", nil), map[string]string{"resources.10.1": "20", "resources.12.3": "-27.98", "resources.11.5": "010203"})
	operate(t, s, ep, "read", "/31024/99", "4.04", nil)
	operate(t, s, ep, "read", "/31024/10/4", "4.04", nil)

	operate(t, s, ep, "write", "/31024/10/1", "2.04", values{"value": 77})
	device.Expect("written", "path=/31024/10/1", "value=77")
	if a := s.Operate(ep, "write", "/31024/10/1", values{"value": 256}); a.Status != 422 {
		t.Errorf("256 for 0..255: %d %s", a.Status, a.Raw)
	}
	operate(t, s, ep, "write-partial", "/31024/10", "2.04", values{"resources": values{"3": 2.5}})
	device.Expect("written", "path=/31024/10/3", "value=2.5")
	want(t, operate(t, s, ep, "read", "/31024/10", "2.05", nil), map[string]string{"resources.1": "77", "resources.3": "2.5", "resources.5": "010203"})
	operate(t, s, ep, "write", "/31024/10", "2.04", values{"resources": values{"1": 6, "5": "c0ffee"}})
	want(t, operate(t, s, ep, "read", "/31024/10", "2.05", nil), map[string]string{"resources.1": "6", "resources.3": "", "resources.5": "c0ffee"})
	operate(t, s, ep, "write", "/3/0/9", "4.05", values{"value": 1})

	operate(t, s, ep, "execute", "/31024/10/2", "2.04", values{"args": "0='x'"})
	device.Expect("executed", "path=/31024/10/2", "arguments=0='x'")
	operate(t, s, ep, "execute", "/31024/10/1", "4.05", nil)

	want(t, operate(t, s, ep, "create", "/31024", "2.01", values{"instance": 40, "resources": values{"1": 5}}), map[string]string{"location": "/31024/40"})
	device.Expect("created", "path=/31024/40")
	want(t, operate(t, s, ep, "create", "/31024", "2.01", values{"resources": values{"1": 8}}), map[string]string{"location": "/31024/0"})
	want(t, operate(t, s, ep, "read", "/31024/0/1", "2.05", nil), map[string]string{"value": "8"})
	operate(t, s, ep, "delete", "/31024/40", "2.02", nil)
	device.Expect("deleted", "path=/31024/40")
	operate(t, s, ep, "discover", "/3303", "2.05", nil)
}

// observe sets an observation and sees two values come.
func observe(t *testing.T, s *peer.Server, ep string, device *peer.Process) {
	t.Helper()
	operate(t, s, ep, "observe", "/3303/0/5700", "2.05", nil)
	notified(t, s, ep, device, "23.5")
	notified(t, s, ep, device, "24.25")
}

// notified changes the temperature on the device and waits until the server has the new value by a notification.
func notified(t *testing.T, s *peer.Server, ep string, device *peer.Process, value string) {
	t.Helper()
	device.Send("set /3303/0/5700 %s", value)
	device.Expect("set", "path=/3303/0/5700")
	s.Await("notification "+value+" of "+ep, func() bool {
		return s.REST("GET", "/api/v1/clients/"+ep+"/series/3303/0/5700", nil).Body.Field("points.-1.1") == value
	})
}
