package host

import "syscall"

// System calls; the first is missing in package syscall here.
const (
	sysSendmmsg   = 307
	sysGetsockopt = syscall.SYS_GETSOCKOPT
)
