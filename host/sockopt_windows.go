package host

import "syscall"

func setSocketInt(fd uintptr, option, value int) {
	syscall.SetsockoptInt(syscall.Handle(fd), syscall.SOL_SOCKET, option, value)
}
