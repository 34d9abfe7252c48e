//go:build !linux

package radio

import "errors"

var errLinux = errors.New("the simulated radio needs Linux: its acknowledgements must not wait for a scheduler")

// RunRealTime runs a node until it is stopped, and returns the status for the shell.
func RunRealTime(Options) (int, error) { return 1, errLinux }

// RunVirtualTime runs a node until it is stopped, and returns the status for the shell.
func RunVirtualTime(Options) (int, error) { return 1, errLinux }
