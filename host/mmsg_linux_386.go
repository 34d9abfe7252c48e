package host

// System calls that package syscall lacks here.
const (
	sysSendmmsg   = 345
	sysGetsockopt = 365
)
