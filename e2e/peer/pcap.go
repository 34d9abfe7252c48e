package peer

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
)

// WritePcap writes datagrams to a capture file of raw IPv4 packets, for tshark, and returns its path.
func WritePcap(t testing.TB, datagrams []Datagram) string {
	t.Helper()
	var b bytes.Buffer
	le := binary.LittleEndian
	put := func(v ...uint32) {
		for _, v := range v {
			b.Write(le.AppendUint32(nil, v))
		}
	}
	put(0xA1B23C4D, 2|4<<16, 0, 0, 65535, 101) // nanoseconds; version 2.4; LINKTYPE_RAW
	for _, d := range datagrams {
		n := uint32(28 + len(d.Data))
		put(uint32(d.At.Unix()), uint32(d.At.Nanosecond()), n, n)
		ip := []byte{0x45, 0, byte(n >> 8), byte(n), 0, 0, 0, 0, 64, 17, 0, 0}
		from, to := d.From.Addr().Unmap().As4(), d.To.Addr().Unmap().As4()
		ip = append(append(ip, from[:]...), to[:]...)
		sum := uint32(0)
		for i := 0; i < len(ip); i += 2 {
			sum += uint32(ip[i])<<8 | uint32(ip[i+1])
		}
		sum = sum>>16 + sum&0xFFFF
		binary.BigEndian.PutUint16(ip[10:], ^uint16(sum+sum>>16))
		be := binary.BigEndian
		udp := be.AppendUint16(be.AppendUint16(nil, d.From.Port()), d.To.Port())
		udp = be.AppendUint16(be.AppendUint16(udp, uint16(8+len(d.Data))), 0) // no checksum, as IPv4 allows
		b.Write(ip)
		b.Write(udp)
		b.Write(d.Data)
	}
	path := filepath.Join(t.TempDir(), "relay.pcap")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
