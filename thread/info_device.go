package thread

import (
	"unicode/utf8"

	"heddle.example/thread/info"
	"heddle.example/thread/ip6"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/status"
)

// VersionString returns the name and version of the stack.
func (n *Node) VersionString() string { return StackVersion }

// Platform returns what the stack runs on.
func (n *Node) Platform() string { return "SIMULATION" }

// InstanceID returns a random number that tells this life of the node from its others.
func (n *Node) InstanceID() uint32 {
	for n.shell.instance == 0 {
		n.shell.instance = uint32(n.config.Rand.Uint64())
	}
	return n.shell.instance
}

// Random returns a random number of the node's source.
func (n *Node) Random() uint32 { return uint32(n.config.Rand.Uint64()) }

// LogLevel returns how much is logged, 0 to 5.
func (n *Node) LogLevel() uint8 {
	if n.shell.logLevel == 0 {
		return 4
	}
	return n.shell.logLevel - 1
}

// SetLogLevel changes it.
func (n *Node) SetLogLevel(l uint8) error {
	if l > 5 {
		return status.InvalidArgs
	}
	n.shell.logLevel = l + 1
	return nil
}

// BufferInfo returns how the message buffers are used.
func (n *Node) BufferInfo() (b info.BufferInfo) {
	q := func(messages, buffers, bytes int) info.QueueInfo {
		return info.QueueInfo{Messages: uint16(messages), Buffers: uint16(buffers), Bytes: uint32(bytes)}
	}
	m := n.mesh.Info()
	b.Send = q(m.Messages, m.Buffers, m.Bytes)
	b.Reassembly = q(m.Reassembly, m.ReassemblyBuffers, m.ReassemblyBytes)
	b.MPL = q(m.MPL, m.MPLBuffers, m.MPLBytes)
	used := uint16(m.Buffers + m.ReassemblyBuffers + m.MPLBuffers)
	b.Total = uint16(n.profile.MessageBuffers)
	b.Free = b.Total - min(b.Total, used)
	b.MaxUsed = used
	return b
}

// ResetBufferInfo starts looking for the most that was used anew.
func (n *Node) ResetBufferInfo() {}

// The texts that say who made the device.
const (
	VendorName = iota
	VendorModel
	VendorSoftware
	VendorURL
)

// Vendor returns one of the texts.
func (n *Node) Vendor(field int) string { return n.vendor[field] }

// SetVendor changes one, which must fit its diagnostic TLV; a URL must begin with coap:// or the like, OpenThread does not ask.
func (n *Node) SetVendor(field int, text string) error {
	if len(text) > [...]int{32, 32, 16, 96}[field] || !utf8.ValidString(text) {
		return status.InvalidArgs
	}
	n.vendor[field] = text
	return nil
}

// IPCounters returns what the IPv6 layer has sent and received over the mesh.
func (n *Node) IPCounters() info.IPCounters {
	c := &n.mesh.Counters
	return info.IPCounters{TxSuccess: c.TxSuccess, TxFailed: c.TxFailure, RxSuccess: c.RxSuccess, RxFailed: c.RxFailure}
}

// ResetIPCounters starts at 0.
func (n *Node) ResetIPCounters() {
	c := &n.mesh.Counters
	c.TxSuccess, c.TxFailure, c.RxSuccess, c.RxFailure = 0, 0, 0, 0
}

// maxUnsecurePorts is OpenThread's kMaxUnsecurePorts.
const maxUnsecurePorts = 2

// UnsecurePorts returns the ports that datagrams without link security may go to.
func (n *Node) UnsecurePorts() []uint16 { return n.shell.unsecure }

// AddUnsecurePort adds one.
func (n *Node) AddUnsecurePort(p uint16) error {
	switch {
	case p == 0:
		return status.InvalidArgs
	case n.unsecurePort(p):
		return nil
	case len(n.shell.unsecure) >= maxUnsecurePorts:
		return status.NoBufs
	}
	n.shell.unsecure = append(n.shell.unsecure, p)
	return nil
}

// RemoveUnsecurePort removes one.
func (n *Node) RemoveUnsecurePort(p uint16) error {
	if p == 0 {
		return status.InvalidArgs
	}
	for i, q := range n.shell.unsecure {
		if p == q {
			last := len(n.shell.unsecure) - 1
			n.shell.unsecure[i] = n.shell.unsecure[last]
			n.shell.unsecure = n.shell.unsecure[:last]
			return nil
		}
	}
	return status.NotFound
}

// RemoveUnsecurePorts removes all.
func (n *Node) RemoveUnsecurePorts() { n.shell.unsecure = nil }

func (n *Node) unsecurePort(p uint16) bool {
	for _, q := range n.shell.unsecure {
		if p == q {
			return true
		}
	}
	return false
}

// Synthesize returns the IPv6 address by which NAT64 reaches an IPv4 address; InvalidState where no border router offers it.
func (n *Node) Synthesize(ip4 [4]byte) (a ip6.Address, err error) {
	best, ok := n.data.NAT64()
	if !ok {
		return a, status.InvalidState
	}
	return best.Prefix.Embed(ip4), nil
}

// NonPreferredChannels returns the channels that the user would rather not use, which diagnostics tell.
func (n *Node) NonPreferredChannels() uint32 { return n.shell.nonPreferred }

// SetNonPreferredChannels changes them.
func (n *Node) SetNonPreferredChannels(mask uint32) { n.shell.nonPreferred = mask }

// NetDataFull reports whether something did not fit into the network data since ResetNetDataFull.
func (n *Node) NetDataFull() bool { return n.shell.dataFull }

// ResetNetDataFull forgets it.
func (n *Node) ResetNetDataFull() { n.shell.dataFull = false }

// joinerAllowed looks for a joiner in the network's steering data: InvalidState where there is none.
func (n *Node) joinerAllowed(id meshcop.JoinerID) error {
	s, ok := n.data.SteeringData()
	if !ok {
		return status.InvalidState
	}
	return okay(meshcop.SteeringData(s).Contains(id), status.NotFound)
}

// JoinerAllowed reports, as an error or none, whether a device with this EUI-64 may join.
func (n *Node) JoinerAllowed(eui64 [8]byte) error { return n.joinerAllowed(meshcop.NewJoinerID(eui64)) }

// DiscernerAllowed reports the same of a device with this discerner.
func (n *Node) DiscernerAllowed(value uint64, bits uint8) error {
	return n.joinerAllowed(meshcop.Discerner(value, int(bits)))
}
