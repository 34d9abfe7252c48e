//go:build !linux

package host

import "syscall"

func setBuffers(fd uintptr, receive, send int) {
	setSocketInt(fd, syscall.SO_RCVBUF, receive)
	setSocketInt(fd, syscall.SO_SNDBUF, send)
}

// setPacketInfo does nothing: on these systems an answer leaves from the address that the system's routing chooses.
func setPacketInfo(uintptr, bool) {}

func kernelCounters(uintptr) (drops uint64, receiveBuffer int) { return 0, 0 }
