package dtls

// Stats counts what an operator wants to see.
type Stats struct {
	Sessions         int    // established
	Handshakes       int    // running
	HandshakesDone   uint64 // finished
	HandshakesFailed uint64
	HelloVerifies    uint64 // HelloVerifyRequests sent
	Retransmissions  uint64 // flights repeated
	Malformed        uint64 // datagrams or messages that make no sense
	UnknownCID       uint64 // records for a session that is not there
	BadRecords       uint64 // records with a wrong tag
	Replayed         uint64 // records seen before or too old
	UnverifiedAlerts uint64 // plaintext alerts that were not believed
	CipherMisses     uint64
	Moves            uint64 // addresses adopted
}

// Stats returns the counters.
func (e *Engine) Stats() Stats {
	st := e.stats
	st.Sessions, st.Handshakes, st.CipherMisses = e.idle.n, e.running.n, e.ciphers.misses
	return st
}
