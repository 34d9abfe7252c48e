package endpoint

// Stats are counters since New, and the numbers of what is there now.
type Stats struct {
	Received, Sent  uint64 // datagrams
	Retransmissions uint64
	Malformed       uint64 // datagrams that are no message, and messages with format errors
	Ignored         uint64 // messages that match nothing: late ACKs and RSTs, wrong versions
	Requests        uint64 // requests of peers that were handed up
	Duplicates      uint64 // messages that were received before
	Replayed        uint64 // ... answered from memory
	Rerun           uint64 // ... handed up again
	RingOverflow    uint64 // message ids forgotten before their lifetime was over
	Resets          uint64 // RST messages sent
	WrongSession    uint64 // responses with a right token from a wrong peer
	UnknownToken    uint64 // responses with a token that nobody has
	BadOption       uint64 // messages refused for a critical option
	Timeouts        uint64 // confirmable messages that were never acknowledged
	Stale           uint64 // notifications that came after a newer one
	Abandoned       uint64 // requests of peers that the program never answered
	PeersRefused    uint64 // messages dropped at MaxPeers
	Refused         uint64 // requests of peers refused at a limit
	TooLarge        uint64 // bodies refused
	NotStored       uint64 // bodies and answers not kept at MaxStored
	Unremembered    uint64 // answers too long to be kept whole for duplicates

	Peers, Calls, Exchanges, Observations, Subscriptions, Stored int
}

// Stats returns the counters.
func (e *Endpoint) Stats() Stats {
	s := e.stats
	s.Peers, s.Calls, s.Exchanges = e.peers.n, len(e.calls), e.alive.n
	s.Observations, s.Subscriptions, s.Stored = len(e.observations), e.subscriptions.n, e.stored
	return s
}
