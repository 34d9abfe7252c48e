package usernat

import (
	"net"
	"sync/atomic"
	"testing"
	"time"

	"heddle.example/thread/ip6"
)

// One packet of 100 bytes out, and one back, with the server of the other end in the same process.
func BenchmarkUDP(b *testing.B) {
	server, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.Fatal(err)
	}
	defer server.Close()
	server.SetReadBuffer(4 << 20)
	go func() {
		var buf [2048]byte
		for {
			n, from, err := server.ReadFromUDPAddrPort(buf[:])
			if err != nil {
				return
			}
			server.WriteToUDPAddrPort(buf[:n], from)
		}
	}()
	var came atomic.Int64
	n, err := New(Config{NAT64: wellKnown, Loopback: true, Receive: func([]byte) { came.Add(1) }})
	if err != nil {
		b.Fatal(err)
	}
	defer n.Close()
	port := uint16(server.LocalAddr().(*net.UDPAddr).Port)
	packet := ip6.AppendUDP(nil, ip6.Header{HopLimit: 64, Src: node, Dst: ip6.MustParse("64:ff9b::7f00:1")}, 5683, port, make([]byte, 52))
	b.ReportAllocs()
	lost := int64(0)
	for i := int64(0); b.Loop(); i++ {
		n.Send(packet)
		for late := 0; i-came.Load()-lost > 64; late++ {
			time.Sleep(10 * time.Microsecond)
			if late > 1000 {
				lost = i - came.Load()
			}
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "roundtrips/s")
	b.ReportMetric(float64(lost), "lost")
}
