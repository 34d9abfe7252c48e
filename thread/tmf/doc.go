// Package tmf is the Thread Management Framework of a node: CoAP on port 61631 (Agent) and, on top of it, network
// diagnostics (Diagnostics).
//
// The agent is not coap/endpoint but a small sibling of it on the same codec, since TMF wants other things than LwM2M:
// nothing is kept for a peer that is owed nothing (a node hears an address query of each of a thousand others), no NSTART,
// tokens of 2 bytes as OpenThread's, answers to an anycast locator from any address, and no block-wise transfer.
package tmf
