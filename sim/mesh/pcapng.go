package mesh

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
)

// Pcapng writes what is sent on the air as a pcapng file that Wireshark and tshark read: an interface for each sender, so
// that the sender's name stands beside each frame; the channel and the strength at the receiver in the frame's own header
// (LINKTYPE_IEEE802_15_4_TAP). The format has no block for a Thread network key (its decryption secrets know TLS, SSH,
// WireGuard and ZigBee), so the keys stand in the file's comment, as the very options that tshark wants.
type Pcapng struct {
	w          io.Writer
	err        error
	interfaces map[string]uint32
	buf        []byte
	frames     uint64
}

const (
	linkTypeTap = 283
	linkTypeRaw = 101
	snapLength  = 4096

	blockSection   = 0x0A0D0D0A
	blockInterface = 1
	blockPacket    = 6

	optComment     = 1
	optHardware    = 2 // of a section; of an interface it is the name
	optDescription = 3
	optApplication = 4
	optResolution  = 9
)

// KeyComment says how a capture is decrypted, for one network key.
func KeyComment(networkKey []byte, meshLocalPrefix string) string {
	return fmt.Sprintf("Thread network key %x; decode with: tshark -o 'uat:ieee802154_keys:\"%x\",\"1\",\"Thread hash\"' "+
		"-o 6lowpan.context0:%s -o thread.thr_use_pan_id_in_key:FALSE -o thread.thr_auto_acq_thr_seq_ctr:TRUE "+
		"-d udp.port==61631,coap", networkKey, networkKey, meshLocalPrefix)
}

// AddressOption is what such a command needs besides where a node's address is in no frame: the key's nonce has it.
func AddressOption(pan ieee802154.PANID, short uint16, ext ieee802154.ExtAddr) string {
	return fmt.Sprintf(" -o 'uat:802154_addresses:\"%04x\",\"%04x\",%x'", short, uint16(pan), ext[:])
}

// NewPcapng writes the file's header with comments.
func NewPcapng(w io.Writer, comments ...string) *Pcapng {
	p := &Pcapng{w: w, interfaces: map[string]uint32{}}
	p.begin(blockSection)
	p.buf = binary.LittleEndian.AppendUint32(p.buf, 0x1A2B3C4D)
	p.buf = binary.LittleEndian.AppendUint16(p.buf, 1)
	p.buf = binary.LittleEndian.AppendUint16(p.buf, 0)
	p.buf = binary.LittleEndian.AppendUint64(p.buf, math.MaxUint64) // length unknown
	for _, c := range comments {
		p.option(optComment, []byte(c))
	}
	p.option(optApplication, []byte("heddle sim"))
	p.option(0, nil)
	p.end()
	return p
}

// Err returns the first error of the writer, and Frames how many frames were written.
func (p *Pcapng) Err() error { return p.err }

// Frames returns how many frames were written.
func (p *Pcapng) Frames() uint64 { return p.frames }

// Frame adds a frame with its FCS. from is the name of its sender.
func (p *Pcapng) Frame(at machine.Time, from string, channel uint8, rssi int8, psdu []byte) {
	if p.err != nil {
		return
	}
	const header = 4 + 8 + 8 + 8
	p.packet(at, p.link(from, linkTypeTap), header+len(psdu))
	p.buf = append(p.buf, 0, 0, header, 0)
	p.buf = append(p.buf, 0, 0, 1, 0, 1, 0, 0, 0) // FCS type: 16 bits
	p.buf = append(p.buf, 1, 0, 4, 0)             // RSS, a float in dBm
	p.buf = binary.LittleEndian.AppendUint32(p.buf, math.Float32bits(float32(rssi)))
	p.buf = append(p.buf, 3, 0, 3, 0, channel, 0, 0, 0) // channel and page 0
	p.buf = append(p.buf, psdu...)
	p.endPacket()
}

// packet begins a packet of n bytes, endPacket writes it.
func (p *Pcapng) packet(at machine.Time, link uint32, n int) {
	p.begin(blockPacket)
	p.buf = binary.LittleEndian.AppendUint32(p.buf, link)
	p.buf = binary.LittleEndian.AppendUint32(p.buf, uint32(uint64(at)>>32))
	p.buf = binary.LittleEndian.AppendUint32(p.buf, uint32(at))
	p.buf = binary.LittleEndian.AppendUint32(p.buf, uint32(n))
	p.buf = binary.LittleEndian.AppendUint32(p.buf, uint32(n))
}

func (p *Pcapng) endPacket() {
	p.pad()
	p.end()
	p.frames++
}

// link returns the number of an interface, which is written when it is first used.
func (p *Pcapng) link(name string, linkType uint16) uint32 {
	id, ok := p.interfaces[name]
	if ok {
		return id
	}
	id = uint32(len(p.interfaces))
	p.interfaces[name] = id
	p.begin(blockInterface)
	p.buf = binary.LittleEndian.AppendUint16(p.buf, linkType)
	p.buf = binary.LittleEndian.AppendUint16(p.buf, 0)
	p.buf = binary.LittleEndian.AppendUint32(p.buf, snapLength)
	p.option(optHardware, []byte(name))
	p.option(optResolution, []byte{9})
	p.option(0, nil)
	p.end()
	return id
}

// Packet adds a whole IPv4 or IPv6 packet (LINKTYPE_RAW) that was seen at a place with a name.
func (p *Pcapng) Packet(at machine.Time, where string, packet []byte) {
	if p.err != nil {
		return
	}
	p.packet(at, p.link(where, linkTypeRaw), len(packet))
	p.buf = append(p.buf, packet...)
	p.endPacket()
}

func (p *Pcapng) begin(kind uint32) {
	p.buf = binary.LittleEndian.AppendUint32(p.buf[:0], kind)
	p.buf = append(p.buf, 0, 0, 0, 0)
}

func (p *Pcapng) option(code uint16, value []byte) {
	value = value[:min(len(value), math.MaxUint16)]
	p.buf = binary.LittleEndian.AppendUint16(p.buf, code)
	p.buf = binary.LittleEndian.AppendUint16(p.buf, uint16(len(value)))
	p.buf = append(p.buf, value...)
	p.pad()
}

func (p *Pcapng) pad() {
	for len(p.buf)%4 != 0 {
		p.buf = append(p.buf, 0)
	}
}

func (p *Pcapng) end() {
	n := uint32(len(p.buf) + 4)
	p.buf = binary.LittleEndian.AppendUint32(p.buf, n)
	binary.LittleEndian.PutUint32(p.buf[4:], n)
	if _, err := p.w.Write(p.buf); err != nil && p.err == nil {
		p.err = err
	}
}
