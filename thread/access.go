package thread

import (
	"heddle.example/thread/datasets"
	"heddle.example/thread/keys"
	"heddle.example/thread/mac"
	"heddle.example/thread/mesh"
	"heddle.example/thread/mle"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/offers"
	"heddle.example/thread/tmf"
)

// The rooms of a node. Their getters may be called at any time; what changes something is called within Do.

// Table returns the neighbours and routes.
func (n *Node) Table() *neighbor.Table { return n.table }

// Keys returns the key manager.
func (n *Node) Keys() *keys.Manager { return n.keys }

// MAC returns the MAC.
func (n *Node) MAC() *mac.MAC { return n.mac }

// Mesh returns the mesh layer.
func (n *Node) Mesh() *mesh.Mesh { return n.mesh }

// MLE returns mesh link establishment.
func (n *Node) MLE() *mle.MLE { return n.mle }

// NetData returns the network data.
func (n *Node) NetData() *offers.Manager { return n.data }

// Datasets returns the operational datasets.
func (n *Node) Datasets() *datasets.Manager { return n.cop }

// TMF returns the management agent.
func (n *Node) TMF() *tmf.Agent { return n.tmf }
