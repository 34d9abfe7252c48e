//go:build !linux && !windows

package host

import "syscall"

func setSocketInt(fd uintptr, option, value int) {
	syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, option, value)
}
