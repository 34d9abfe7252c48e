//go:build !linux

package usernat

import (
	"errors"
	"net"
	"net/netip"
)

type sending struct{}

func (f *udpFlow) prepare() error { return nil }

// write sends. Called with the flow's lock.
func (f *udpFlow) write(to netip.AddrPort, b []byte) error {
	_, err := f.conn.WriteToUDPAddrPort(b, to)
	return err
}

// read receives until the deadline, and reports whether the socket was closed.
func (f *udpFlow) read() (closed bool) {
	buffer := buffers.Get().(*[maxPacket + 1]byte)
	defer buffers.Put(buffer)
	for {
		n, from, err := f.conn.ReadFromUDPAddrPort(buffer[headers:])
		switch {
		case err == nil:
			f.came(netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), buffer[:headers+n])
		case isTimeout(err):
			return false
		case errors.Is(err, net.ErrClosed):
			return true
		}
	}
}
