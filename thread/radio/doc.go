// Package radio is what a node and its radio say to each other: frames, transmissions and how they ended, the filter by
// which a radio accepts and acknowledges frames without asking the node, and what a radio can do by itself.
//
// Node to radio: an action machine.Send with Value *Transmit (After works: frame counters are reserved on disk first), and
// actions machine.Ask with Value *Config, *State or *EnergyScan. Radio to node: RadioReceived with a *Frame, RadioSent with
// a Sent, RadioEnergy with an RSSI. What a Value points to is the radio's until the node's next input.
package radio
