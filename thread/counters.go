package thread

// Counters are of the IPv6 layer.
type Counters struct {
	BadChecksum uint64 // messages with a wrong checksum
}
