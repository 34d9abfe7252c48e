//go:build peers

package dtls

import (
	"encoding/binary"
	"encoding/hex"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// pcap writes datagrams as a capture of raw IPv4 packets.
func pcap(all []datagram) []byte {
	b := []byte{0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 101, 0, 0, 0}
	for i, d := range all {
		udp := make([]byte, 8, 8+len(d.data))
		binary.BigEndian.PutUint16(udp, d.from.Port())
		binary.BigEndian.PutUint16(udp[2:], d.to.Port())
		binary.BigEndian.PutUint16(udp[4:], uint16(8+len(d.data)))
		udp = append(udp, d.data...)
		ip := make([]byte, 20, 20+len(udp))
		ip[0], ip[8], ip[9] = 0x45, 64, 17
		binary.BigEndian.PutUint16(ip[2:], uint16(20+len(udp)))
		from, to := d.from.Addr().As4(), d.to.Addr().As4()
		copy(ip[12:], from[:])
		copy(ip[16:], to[:])
		ip = append(ip, udp...)
		b = binary.LittleEndian.AppendUint32(b, uint32(i))
		b = binary.LittleEndian.AppendUint32(b, 0)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(ip)))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(ip)))
		b = append(b, ip...)
	}
	return b
}

// tshark reads what we send: nothing is malformed, the fields are the expected ones, and with the pre-shared key it
// decrypts the data.
func TestTshark(t *testing.T) {
	path, err := exec.LookPath("tshark")
	if err != nil {
		t.Fatal("tshark is missing: install the package tshark")
	}
	for _, cid := range []bool{false, true} {
		for _, suite := range []Suite{PSKWithAES128CCM8, PSKWithAES128CCM, PSKWithAES128GCM} {
			var all []datagram
			w := newWorld(t, 90, Config{DisableCID: !cid, CIDLen: 8}, Config{DisableCID: !cid, CIDLen: 8})
			w.filter = func(d *datagram) bool { all = append(all, *d); return true }
			id := w.dial(ClientConfig{Suites: []Suite{suite}, ServerName: "server.example"})
			w.run(time.Second)
			w.write(w.client, id, "\x40\x01\x12\x34\xb4test") // CoAP, because of the port
			w.run(time.Second)
			w.write(w.server, last[*Established](w.server).Session, "\x60\x45\x12\x34\xffhi")
			w.run(time.Second)
			w.client.e.Close(w.now, 0, id)
			w.drain(w.client)
			w.run(time.Second)
			file := t.TempDir() + "/capture.pcap"
			writeFile(t, file, string(pcap(all)))
			out, err := exec.Command(path, "-r", file, "-d", "udp.port==5684,dtls", "-o", "dtls.psk:"+hex.EncodeToString([]byte(testKey)),
				"-T", "fields", "-e", "_ws.col.Info", "-e", "dtls.handshake.ciphersuite", "-e", "_ws.malformed",
				"-e", "_ws.expert.message").Output()
			if err != nil {
				t.Fatal(err)
			}
			text := string(out)
			if strings.Contains(text, "alformed") {
				t.Errorf("%v, CID %v: %s", suite, cid, text)
			}
			want := []string{
				"Client Hello", "Hello Verify Request", "Server Hello, Server Hello Done", "Client Key Exchange, Change Cipher Spec",
				"CON, MID:4660, GET", "ACK, MID:4660, 2.05 Content",
			}
			for _, s := range want {
				if !strings.Contains(text, s) {
					t.Errorf("%v, CID %v: %q is missing in\n%s", suite, cid, s, text)
				}
			}
		}
	}
}
