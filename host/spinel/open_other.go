//go:build !linux

package spinel

import "errors"

// Line is an open way to a co-processor.
type Line struct{}

// FD returns the file descriptor.
func (l *Line) FD() int { return -1 }

// Close closes the line.
func (l *Line) Close() {}

// Open opens the line of a radio URL.
func Open(u URL) (*Line, error) {
	return nil, errors.New("radio: co-processors are driven on Linux only")
}
