// Package offers keeps the network data of a Thread partition: what all nodes offer, prefixes, routes and services, that the
// leader collects and hands to everybody.
//
// Manager is the machine. It holds the partition's data, and at the leader it is the store that others register with (/a/sd);
// it holds what this node itself offers and registers it, again and again until the leader has it; and its publisher
// decides which of many offers of the same thing is really needed. The wire format is package netdata's.
//
// Facts come from OpenThread's src/core/thread/network_data*.cpp; clause numbers are those of Thread 1.1.1 chapter 5.18.
package offers
