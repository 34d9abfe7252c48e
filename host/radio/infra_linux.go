package radio

import (
	"encoding/binary"
	"fmt"
	"os"

	"heddle.example/border/nd"
	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

// borderDevice is a device that is a border router: it takes messages of the infrastructure link.
type borderDevice interface {
	InfraReceived(now machine.Time, cause machine.Cause, m nd.Packet)
}

// infra is the infrastructure link of OpenThread's simulated border routers
// (examples/platforms/simulation/infra_if.c): a group of its own, with messages that are packed as they are in memory. It is
// opened when a border router first sends.
type infra struct {
	socket *airSocket
	failed bool
	out    []byte
}

const (
	infraPort   = 9800
	infraHeader = 4 + 16 + 16 + 2
	infraMost   = infraHeader + 1800
	// infraAtOnce bounds what is read at a time.
	infraAtOnce = 16
)

func (i *infra) open(o *Options) {
	s, err := openAir(o.Local, infraPort+o.PortOffset*portsEach, o.ID)
	if err != nil {
		i.failed = true
		fmt.Fprintln(os.Stderr, "heddle: the infrastructure link of the border router cannot be opened, so it hears no other router:", err)
		return
	}
	s.buf = make([]byte, infraMost)
	i.socket = s
}

func (i *infra) fd() int32 {
	if i.socket == nil {
		return -1
	}
	return int32(i.socket.rx)
}

func (i *infra) send(o *Options, p *nd.Packet) {
	if i.socket == nil && !i.failed {
		i.open(o)
	}
	if i.socket == nil || len(p.ICMPv6) > infraMost-infraHeader {
		return
	}
	b := binary.NativeEndian.AppendUint32(i.out[:0], p.Link)
	b = append(append(b, p.Src[:]...), p.Dst[:]...)
	b = binary.NativeEndian.AppendUint16(b, uint16(len(p.ICMPv6)))
	i.out = append(b, p.ICMPv6...)
	i.socket.send(i.out)
}

// receive calls f with each message of the link, whoever it is for. Our own come back, as they do in OpenThread.
func (i *infra) receive(f func(p nd.Packet)) {
	if i.socket == nil {
		return
	}
	for range infraAtOnce {
		b, _, ok := i.socket.receive()
		if !ok {
			return
		}
		if len(b) <= infraHeader || int(binary.NativeEndian.Uint16(b[36:])) != len(b)-infraHeader {
			continue
		}
		f(nd.Packet{Link: binary.NativeEndian.Uint32(b), Src: ip6.Address(b[4:20]), Dst: ip6.Address(b[20:36]), ICMPv6: b[infraHeader:]})
	}
}

func (i *infra) close() {
	if i.socket != nil {
		i.socket.close()
	}
}
