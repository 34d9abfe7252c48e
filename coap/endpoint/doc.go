// Package endpoint is the message layer of CoAP as a machine: exchanges, retransmission, deduplication, block-wise
// transfer and observation, in the client and the server role at once (RFC 7252, RFC 7641, RFC 7959).
//
// A secure peer is known by its session, never by its address; a plain one by local address, remote address and link.
// What a peer can make grow has a limit in Config and a counter in Stats. A peer that is owed nothing costs nothing.
//
// Client role: Request, Ping and RestoreObservation return an operation, whose end is a Result action with a *Response;
// notifications of an observation are Event actions with a *Notification.
//
// Server role: an Event with an *Incoming asks for Respond; Accept, Notify and Unsubscribe serve observers, and an Event
// with an *Unsubscribed ends a subscription from the far side.
package endpoint
