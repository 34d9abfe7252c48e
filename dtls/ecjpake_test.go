package dtls

import (
	"testing"
	"time"

	"heddle.example/dtls/ecjpake"
	"heddle.example/machine"
)

func passwordConfigs(password string) (client, server Config) {
	only := Config{Suites: []Suite{ECJPAKEWithAES128CCM8}, DisableEMS: true, DisableCID: true, MaxResumable: -1,
		NewPAKE: func(client bool, password []byte) PAKE { return ecjpake.New(client, password) }}
	client, server = only, only
	server.JPAKE = func(machine.Path) ([]byte, bool) { return []byte(password), password != "" }
	return client, server
}

// Both know the password: a session, the same key hash, and data both ways.
func TestECJPAKE(t *testing.T) {
	client, server := passwordConfigs("J01NME")
	w := newWorld(t, 31, client, server)
	w.dial(ClientConfig{Key: []byte("J01NME")})
	w.run(time.Minute)
	c, s := last[*Established](w.client), last[*Established](w.server)
	if c == nil || s == nil {
		t.Fatalf("no session:\n%s", w.transcript())
	}
	if c.Suite != ECJPAKEWithAES128CCM8 || c.KeyHash == [32]byte{} || c.KeyHash != s.KeyHash || c.EMS || len(c.PeerCID) > 0 {
		t.Errorf("%+v\n%+v", c, s)
	}
	if err := w.client.e.Write(w.now, 0, c.Session, []byte("hello"), 0); err != nil {
		t.Fatal(err)
	}
	w.drain(w.client)
	w.run(time.Second)
	if len(w.server.data) != 1 || w.server.data[0] != "hello" {
		t.Errorf("%q", w.server.data)
	}
}

// A wrong password ends with bad_record_mac, as with mbedTLS; one that nobody expects, with handshake_failure.
func TestECJPAKEWrongPassword(t *testing.T) {
	for password, want := range map[string]uint8{"J01NMX": alertBadRecordMAC, "": alertHandshakeFailure} {
		client, server := passwordConfigs(password)
		w := newWorld(t, 32, client, server)
		w.dial(ClientConfig{Key: []byte("J01NME")})
		w.run(time.Minute)
		if c := last[*Closed](w.client); c == nil || c.Reason != (AlertError{want}) {
			t.Errorf("Closed: %+v", c)
		}
		if w.server.e.slab.live != 0 {
			t.Error("the server keeps something")
		}
	}
}

// A server with long keys does not take a password, and one with a password no long keys.
func TestECJPAKENotMixed(t *testing.T) {
	client, server := passwordConfigs("J01NME")
	w := newWorld(t, 33, client, Config{})
	w.dial(ClientConfig{Key: []byte("J01NME")})
	w.run(time.Minute)
	if c := last[*Closed](w.client); c == nil || c.Reason != (AlertError{alertHandshakeFailure}) {
		t.Errorf("Closed: %+v", c)
	}
	w = newWorld(t, 34, Config{}, server)
	w.dial(ClientConfig{})
	w.run(time.Minute)
	if c := last[*Closed](w.client); c == nil || c.Reason != (AlertError{alertHandshakeFailure}) {
		t.Errorf("Closed: %+v", c)
	}
}
