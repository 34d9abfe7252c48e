// Package border is a border router: a Thread node with a way out of its mesh.
//
// A Router is a machine around a thread.Node. It has the node's inputs and passes the node's actions through; besides, whole
// IP packets leave the mesh and come into it, ICMPv6 messages of neighbour discovery go over the infrastructure link, and DNS
// queries go to the servers upstream. What to offer to the mesh and to the link decides package routing; packets to IPv4
// translates package nat64; names without an IPv6 address get one from package dns64.
package border
