// Package dtls is a DTLS 1.2 machine (RFC 6347) for constrained devices: one Engine is client and server of any number
// of sessions with pre-shared keys, certificates or raw public keys, connection IDs (RFC 9146) and sessions that outlive a
// restart.
//
// An Engine has no goroutine, socket, clock or randomness of its own; see package machine. A session at rest is one
// entry of a slab: keys, connection IDs, replay window and address. Buffers and the state of a handshake exist only
// while a handshake runs, and expanded ciphers live in a bounded cache.
//
// The layers, from below: record.go and protect.go (records), message.go and reassembly.go (handshake messages and
// their fragments), flight.go (retransmission), client.go and server.go (who says what), keyexchange.go and the suites
// table (what may differ), authenticate.go, peer.go and trust.go (who shows a certificate, and whether it is believed). A new key exchange or cipher is a new file and a row in the table.
package dtls
