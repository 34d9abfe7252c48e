// Package netdata is the wire format of a Thread partition's network data: the prefixes, routes, contexts and services that
// all nodes know.
//
// Data reads it where it lies, Editor changes it in place, and an Item is where one TLV is. Who may change what, and
// when, is decided by the machine in package offers.
//
// Facts come from OpenThread's src/core/thread/network_data*.cpp; clause numbers are those of Thread 1.1.1 chapter 5.18.
package netdata

// MaxSize is the most bytes of network data in a partition (OpenThread network_data.hpp, kMaxSize).
const MaxSize = 254

// InvalidRLOC16 stands in local data until the node has a locator.
const InvalidRLOC16 = 0xfffe
