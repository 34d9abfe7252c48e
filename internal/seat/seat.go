// Package seat is the door to a Thread node that belongs to another goroutine: what the web pages of one node stand on,
// whether the node runs over a radio or in a simulation.
package seat

import (
	"context"
	"errors"
	"strings"

	"heddle.example/machine"
	"heddle.example/thread"
)

// Seat is a place at a node. Its methods are safe for use by many goroutines.
type Seat interface {
	// Do runs f in the node's owner, as between two inputs, and waits. What f does to the node are inputs at now. The node
	// may be another one at the next call: it was reset.
	Do(ctx context.Context, f func(now machine.Time, n *thread.Node) error) error
	// Type types a line at a prompt of its own and waits until the command is over.
	Type(ctx context.Context, line string) (Said, error)
	// Listen has f called with every Event and Result of the node, in its owner, until stop. f must not block and not call
	// the Seat.
	Listen(f func(now machine.Time, a machine.Action)) (stop func())
}

// Line is a line for a node's prompt, and Said what it printed.
type Line struct {
	Line string `json:"line" maxLength:"640"`
}

// Said is what a command printed.
type Said struct {
	Output []string `json:"output"`
	Last   string   `json:"last" doc:"Done, an error, or empty where the command was not over in ten seconds of the node's time"`
}

// Errors of a Seat.
var (
	ErrBusy   = errors.New("the node has too much to do: try again")
	ErrClosed = errors.New("the node has ended")
	ErrOff    = errors.New("the node is off")
)

// ParseSaid cuts what a shell prints into lines, and takes the end and the prompt off.
func ParseSaid(text string) (s Said) {
	s.Output = []string{}
	for _, line := range strings.Split(strings.ReplaceAll(text, "\r", ""), "\n") {
		switch line = strings.TrimPrefix(line, "> "); {
		case line == "":
		case line == "Done" || strings.HasPrefix(line, "Error "):
			s.Last = line
		default:
			s.Output = append(s.Output, line)
		}
	}
	return s
}
