package thread

import (
	"heddle.example/machine"
	"heddle.example/thread/info"
)

// Border is what stands around a node that is a border router. Both are called in the middle of an input of the node.
type Border interface {
	// FromMesh takes a datagram that leaves the mesh, or one for this node that the node itself has no use for. b is borrowed.
	FromMesh(now machine.Time, b []byte)
	// NodeChanged is told what has changed, before the input ends. What the border changes in turn is told to it, too.
	NodeChanged(now machine.Time, f Flags)
	// AgentChanged is told that the border agent has another ephemeral key, or none, in the middle of an input, too.
	AgentChanged(now machine.Time)
}

// border is what a node has as a border router; nil as long as it is none.
type border struct {
	Border
	counters info.BorderCounters
}

// SetBorder makes the node a border router, or, with nil, ends that.
func (n *Node) SetBorder(b Border) {
	if n.border = nil; b != nil {
		n.border = &border{Border: b}
		n.config.Host = b.FromMesh
	} else {
		n.config.Host = nil
	}
}

// BorderCounters returns what crossed the border.
func (n *Node) BorderCounters() (c info.BorderCounters) {
	if n.border != nil {
		c = n.border.counters
	}
	return c
}

// BorderCounted returns the counters for the border router to count with; nil if the node is none.
func (n *Node) BorderCounted() *info.BorderCounters {
	if n.border == nil {
		return nil
	}
	return &n.border.counters
}

// ResetBorderCounters starts at 0.
func (n *Node) ResetBorderCounters() {
	if n.border != nil {
		n.border.counters = info.BorderCounters{}
	}
}
