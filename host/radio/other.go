//go:build !linux

package radio

import (
	"errors"

	"heddle.example/host/spinel"
)

var errLinux = errors.New("radios need Linux: acknowledgements must not wait for a scheduler")

// RunRealTime runs a node until it is stopped, and returns the status for the shell.
func RunRealTime(Options) (int, error) { return 1, errLinux }

// CoProcessor is a real radio behind a serial line.
type CoProcessor struct{}

// OpenSpinel opens the co-processor of a radio URL and asks what it is.
func OpenSpinel(string) (*CoProcessor, error) { return nil, errLinux }

// Info returns what the co-processor said of itself.
func (d *CoProcessor) Info() spinel.Info { return spinel.Info{} }

// Close lets go of it.
func (d *CoProcessor) Close() {}

// Run runs a node on the co-processor until it is stopped, and returns the status for the shell.
func (d *CoProcessor) Run(Options) (int, error) { return 1, errLinux }

// RunVirtualTime runs a node until it is stopped, and returns the status for the shell.
func RunVirtualTime(Options) (int, error) { return 1, errLinux }
