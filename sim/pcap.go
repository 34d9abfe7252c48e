package sim

import (
	"encoding/binary"
	"io"
	"net/netip"

	"heddle.example/machine"
)

// Pcap writes the datagrams of a network as a pcap file of raw IP packets (LINKTYPE_RAW), which tshark and Wireshark read.
// Attach its Packet to a Network with Tap.
type Pcap struct {
	w   io.Writer
	err error
}

// linkTypeRaw: the packet begins with an IPv4 or IPv6 header.
const linkTypeRaw = 101

// NewPcap writes the file's header. Times have nanoseconds.
func NewPcap(w io.Writer) *Pcap {
	h := binary.LittleEndian.AppendUint32(nil, 0xa1b23c4d)
	h = binary.LittleEndian.AppendUint16(h, 2)
	h = binary.LittleEndian.AppendUint16(h, 4)
	h = append(h, make([]byte, 8)...)
	h = binary.LittleEndian.AppendUint32(h, 1<<16)
	h = binary.LittleEndian.AppendUint32(h, linkTypeRaw)
	p := &Pcap{w: w}
	_, p.err = w.Write(h)
	return p
}

// Err returns the first error of the writer.
func (p *Pcap) Err() error { return p.err }

// Packet adds a datagram.
func (p *Pcap) Packet(at machine.Time, from, to netip.AddrPort, b []byte) {
	if p.err != nil || len(b) > 65000 {
		return
	}
	udp := make([]byte, 8, 8+len(b))
	binary.BigEndian.PutUint16(udp[0:], from.Port())
	binary.BigEndian.PutUint16(udp[2:], to.Port())
	binary.BigEndian.PutUint16(udp[4:], uint16(8+len(b)))
	udp = append(udp, b...)
	src, dst := from.Addr().Unmap().AsSlice(), to.Addr().Unmap().AsSlice()
	sum := checksum(binary.BigEndian.AppendUint32(append(append([]byte{}, src...), dst...), uint32(len(udp))), 17)
	if c := checksum(udp, uint32(^sum)); c != 0 { // zero would mean "no checksum" (RFC 768)
		binary.BigEndian.PutUint16(udp[6:], c)
	} else {
		binary.BigEndian.PutUint16(udp[6:], 0xffff)
	}
	var ip []byte
	if len(src) == 4 {
		ip = append(ip, 0x45, 0)
		ip = binary.BigEndian.AppendUint16(ip, uint16(20+len(udp)))
		ip = append(ip, 0, 0, 0x40, 0, 64, 17, 0, 0)
		ip = append(append(ip, src...), dst...)
		binary.BigEndian.PutUint16(ip[10:], checksum(ip, 0))
	} else {
		ip = append(ip, 0x60, 0, 0, 0)
		ip = binary.BigEndian.AppendUint16(ip, uint16(len(udp)))
		ip = append(ip, 17, 64)
		ip = append(append(ip, src...), dst...)
	}
	ns := int64(at)
	rec := binary.LittleEndian.AppendUint32(nil, uint32(ns/1e9))
	rec = binary.LittleEndian.AppendUint32(rec, uint32(ns%1e9))
	rec = binary.LittleEndian.AppendUint32(rec, uint32(len(ip)+len(udp)))
	rec = binary.LittleEndian.AppendUint32(rec, uint32(len(ip)+len(udp)))
	rec = append(append(rec, ip...), udp...)
	_, p.err = p.w.Write(rec)
}

// checksum is the Internet checksum (RFC 1071) of b, going on from an earlier sum.
func checksum(b []byte, sum uint32) uint16 {
	for len(b) > 1 {
		sum += uint32(b[0])<<8 | uint32(b[1])
		b = b[2:]
	}
	if len(b) == 1 {
		sum += uint32(b[0]) << 8
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
