// Package meshdevice is an LwM2M device on a Thread node: a thread.Node with an LwM2M client over the node's own UDP, its
// names resolved through the mesh, its radio's numbers in objects 4 and 7, and the state of both in one store. Device is a
// machine.Machine with the node's actions and inputs passed through, so that whatever drives a node drives a device.
package meshdevice
