// Package netdata keeps the network data of a Thread partition: the prefixes, routes, contexts and services that the
// leader collects from all nodes and hands to all of them.
//
// Data is the wire format with its lookups. Manager is the machine: it holds the partition's data, and at the leader it is
// the store that others register with (/a/sd); it holds what this node itself offers and registers it, again and again
// until the leader has it; and its publisher decides which of many offers of the same thing is really needed.
//
// Facts come from OpenThread's src/core/thread/network_data*.cpp; clause numbers are those of Thread 1.1.1 chapter 5.18.
package netdata

// MaxSize is the most bytes of network data in a partition (OpenThread network_data.hpp, kMaxSize).
const MaxSize = 254

// invalidRLOC16 stands in local data until the node has a locator, and asks for any locator where one is looked for.
const (
	invalidRLOC16 = 0xfffe
	anyRLOC16     = 0xffff
)
