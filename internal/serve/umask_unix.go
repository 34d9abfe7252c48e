//go:build unix

package serve

import "syscall"

// syscallUmask narrows the permissions of a new file; the administration socket must never be open to others, not for an
// instant.
func syscallUmask(mask int) int { return syscall.Umask(mask) }
