// Package mesh is the layer between IPv6 and the MAC: it puts datagrams into frames and back together, forwards frames of
// others by their mesh header, decides where a datagram goes, finds out where an address is, keeps what is for children
// that sleep until they ask, and repeats multicasts (MPL).
//
// A Mesh is an inner machine of a Thread node. It calls its Env directly; the node calls Send, Received, Sent and DataPoll.
package mesh
