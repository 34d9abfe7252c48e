//go:build peers

package e2e

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"heddle.example/e2e/peer"
)

// A Leshan client in queue mode sleeps: a write and an execute for it are kept, survive a kill -9 of the server under their
// ids, and arrive in order when it wakes.
func TestQueuedWriteReachesALeshanClientWhenItWakes(t *testing.T) {
	for _, secure := range []bool{false, true} {
		t.Run(map[bool]string{false: "coap", true: "coaps"}[secure], func(t *testing.T) {
			s := peer.HeddleServer(t)
			flags := []string{"--endpoint", "leshan", "--server", "coap://" + s.CoAP, "--queue", "on", "--lifetime", "3600"}
			if secure {
				s.Credentials("leshan", "id", key)
				flags[3] = "coaps://" + s.CoAPS
				flags = append(flags, "--identity", "id", "--key", key)
			}
			// It listens for two seconds after a message; that is told before it registers.
			if a := s.REST("PUT", "/api/v1/clients/leshan/queue", values{"window": 2}); a.Status != 204 {
				t.Fatalf("window: %d %s", a.Status, a.Raw)
			}
			device := peer.Leshan2Client(t, flags...)
			device.Expect("registered")
			asleep := func() {
				t.Helper()
				s.Await("the device is asleep", func() bool {
					return s.REST("GET", "/api/v1/clients/leshan", nil).Body.Field("state") == "asleep"
				})
			}
			s.AwaitClient("leshan")
			asleep()
			write := s.Operate("leshan", "write", "/31024/10/1", values{"value": 42})
			run := s.Operate("leshan", "execute", "/31024/10/2", values{"args": "0='x'"})
			read := s.REST("GET", "/api/v1/clients/leshan/objects/31024/10/1", nil)
			for i, a := range []peer.Answer{write, run, read} {
				if a.Status != 202 || a.Body.Field("status") != "queued" {
					t.Fatalf("request %d: %d %s", i, a.Status, a.Raw)
				}
			}
			s.Kill()
			s.Start()
			asleep()
			want(t, s.REST("GET", "/api/v1/clients/leshan", nil).Body, map[string]string{"queued": "3", "awake": "false"})
			want(t, s.REST("GET", "/api/v1/operations/"+write.Body.Field("id"), nil).Body, map[string]string{"status": "queued", "position": "1", "value": "42"})
			device.Forget()
			device.Send("update")
			device.Expect("written", "path=/31024/10/1", "value=42")
			device.Expect("executed", "path=/31024/10/2", "arguments=0='x'")
			var last peer.Event
			s.Await("the read has its result", func() bool {
				last = s.REST("GET", "/api/v1/operations/"+read.Body.Field("id"), nil).Body
				return last.Field("status") == "answered"
			})
			want(t, last, map[string]string{"value": "42", "code": "2.05"})
			want(t, s.REST("GET", "/api/v1/operations/"+run.Body.Field("id"), nil).Body, map[string]string{"status": "answered", "code": "2.04"})
			// How many wait is told when the disk has the results.
			s.Await("nothing waits", func() bool { return s.REST("GET", "/api/v1/clients/leshan", nil).Body.Field("queued") == "0" })
		})
	}
}

// `heddle client --queue` really sleeps: what is sent to it meanwhile is lost, and what is kept arrives when its next Update
// wakes it.
func TestHeddleClientSleepsAndWakes(t *testing.T) {
	s := peer.HeddleServer(t)
	s.Credentials("sleeper", "id", key)
	s.REST("PUT", "/api/v1/clients/sleeper/queue", values{"window": 2})
	host, port, _ := strings.Cut(s.CoAPS, ":")
	device := peer.Heddle(t, "client", "-n", "sleeper", "-h", host, "-p", port, "-i", "id", "-s", key, "-t", "20", "--queue", "--awake", "2", "--verbose")
	device.ExpectLine(" -> asleep")
	s.Await("the device is asleep", func() bool {
		return s.REST("GET", "/api/v1/clients/sleeper", nil).Body.Field("state") == "asleep"
	})
	begin := time.Now()
	if a := s.Operate("sleeper", "read", "/3/0/0", values{"queue": "never", "timeout": 1}); a.Status != 504 {
		t.Errorf("a request at once: %d %s", a.Status, a.Raw)
	}
	write := s.Operate("sleeper", "write", "/31024/10/1", values{"value": 42})
	if write.Status != 202 {
		t.Fatalf("%d %s", write.Status, write.Raw)
	}
	out, err := exec.Command(peer.Program(t), "queue", "list", "sleeper", "--data", s.Data).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "sleeper is asleep") || !strings.Contains(string(out), write.Body.Field("id")) {
		t.Errorf("heddle queue list: %v\n%s", err, out)
	}
	device.ExpectLine(" -> awake") // its Update, after half of its lifetime
	s.Await("the write has its result", func() bool {
		return s.REST("GET", "/api/v1/operations/"+write.Body.Field("id"), nil).Body.Field("code") == "2.04"
	})
	device.ExpectLine(" -> asleep")
	t.Logf("answered after %v", time.Since(begin).Round(100*time.Millisecond))
}
