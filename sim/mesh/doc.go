// Package mesh is the radio medium of the simulated world and the Thread nodes on it.
//
// A Medium joins Nodes: each is a computer with a radio, a disk and, while it is on, a Device, which is a machine that
// speaks thread/radio. Two models of the air share everything else. Without air time a frame arrives a microsecond after
// it was sent at everyone in range, and nothing collides: as in OpenThread's simulations, and fast. With air time frames
// take 32 microseconds a byte, radios look for a free channel, hear nothing while they send, and signals drown in the sum
// of others. In both a broadcast is parsed and opened once, the receivers of a unicast are found by address, the radio
// acknowledges by itself, and no node is visited when nothing is due for it.
package mesh
