//go:build linux && !amd64 && !386

package host

import "syscall"

const (
	sysSendmmsg   = syscall.SYS_SENDMMSG
	sysGetsockopt = syscall.SYS_GETSOCKOPT
)
