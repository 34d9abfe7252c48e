package tun

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// request is a message to the kernel's routing (rtnetlink(7)).
type request struct {
	kind, flags uint16
	body        []byte
}

func (r *request) attribute(kind uint16, value []byte) {
	r.body = binary.NativeEndian.AppendUint16(r.body, uint16(4+len(value)))
	r.body = binary.NativeEndian.AppendUint16(r.body, kind)
	r.body = append(r.body, value...)
	for len(r.body)%4 != 0 {
		r.body = append(r.body, 0)
	}
}

// do sends a request and waits for the kernel's word about it.
func (r *request) do() error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	b := binary.NativeEndian.AppendUint32(nil, uint32(unix.NLMSG_HDRLEN+len(r.body)))
	b = binary.NativeEndian.AppendUint16(b, r.kind)
	b = binary.NativeEndian.AppendUint16(b, r.flags|unix.NLM_F_REQUEST|unix.NLM_F_ACK)
	b = append(b, 1, 0, 0, 0, 0, 0, 0, 0) // sequence number and port
	b = append(b, r.body...)
	if err := unix.Sendto(fd, b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	answer := make([]byte, 8192)
	n, _, err := unix.Recvfrom(fd, answer, 0)
	if err != nil {
		return err
	}
	list, err := syscall.ParseNetlinkMessage(answer[:n])
	if err != nil {
		return err
	}
	for _, m := range list {
		if m.Header.Type == unix.NLMSG_ERROR && len(m.Data) >= 4 {
			if e := int32(binary.NativeEndian.Uint32(m.Data)); e != 0 {
				return syscall.Errno(-e)
			}
		}
	}
	return nil
}

func family(a netip.Addr) uint8 {
	if a.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}

// linkUp brings an interface up and returns its number.
func linkUp(name string) (int, error) {
	i, err := net.InterfaceByName(name)
	if err != nil {
		return 0, err
	}
	// struct ifinfomsg: family, padding, type, index, flags, change
	b := []byte{unix.AF_UNSPEC, 0, 0, 0}
	b = binary.NativeEndian.AppendUint32(b, uint32(i.Index))
	b = binary.NativeEndian.AppendUint32(b, unix.IFF_UP)
	b = binary.NativeEndian.AppendUint32(b, unix.IFF_UP)
	r := request{kind: unix.RTM_NEWLINK, body: b}
	if err := r.do(); err != nil {
		return 0, fmt.Errorf("tun: %s does not come up: %w", name, err)
	}
	return i.Index, nil
}

// changeAddress gives an interface an address.
func changeAddress(index int, p netip.Prefix) error {
	const noDAD = 0x02 // nobody else is on the link
	// struct ifaddrmsg: family, prefix length, flags, scope, index
	b := binary.NativeEndian.AppendUint32([]byte{family(p.Addr()), uint8(p.Bits()), noDAD, 0}, uint32(index))
	r := request{kind: unix.RTM_NEWADDR, flags: unix.NLM_F_CREATE | unix.NLM_F_REPLACE, body: b}
	a := p.Addr().AsSlice()
	r.attribute(unix.IFA_LOCAL, a)
	r.attribute(unix.IFA_ADDRESS, a)
	if err := r.do(); err != nil {
		return fmt.Errorf("tun: address %v: %w", p, err)
	}
	return nil
}

// changeRoute has a prefix routed to an interface, or no more.
func changeRoute(index int, p netip.Prefix, add bool) error {
	p = p.Masked()
	// struct rtmsg: family, lengths of destination and source, TOS, table, protocol, scope, type, flags
	b := []byte{family(p.Addr()), uint8(p.Bits()), 0, 0, unix.RT_TABLE_MAIN, unix.RTPROT_STATIC, unix.RT_SCOPE_UNIVERSE, unix.RTN_UNICAST, 0, 0, 0, 0}
	if p.Addr().Is4() {
		b[6] = unix.RT_SCOPE_LINK
	}
	r := request{kind: unix.RTM_DELROUTE, body: b}
	if add {
		r.kind, r.flags = unix.RTM_NEWROUTE, unix.NLM_F_CREATE|unix.NLM_F_REPLACE
	}
	if p.Bits() > 0 {
		r.attribute(unix.RTA_DST, p.Addr().AsSlice())
	}
	r.attribute(unix.RTA_OIF, binary.NativeEndian.AppendUint32(nil, uint32(index)))
	if err := r.do(); err != nil && (add || err != syscall.ESRCH) { // gone already, as all routes of a device that was taken down
		return fmt.Errorf("tun: route to %v: %w", p, err)
	}
	return nil
}
