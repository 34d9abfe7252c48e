// Package bootstrap is the LwM2M bootstrap server as a machine: it answers Bootstrap-Requests and carries out what the
// device is to be given (OMA-TS-LightweightM2M_Core V1.1.1 section 6.1), over plain CoAP and CoAP over DTLS.
//
// What a device is given is a Provision. The machine asks for it with an Ask action (*Question) and gets it by Answer, so
// that keys can be stored before the device has them. Then it discovers what the device has, reads, deletes, writes and
// finishes, in this order, one message at a time. The device's own account of this server is never overwritten or deleted
// without being asked for. Each step is told in events, with the message as it was sent and secrets masked.
//
// Nothing of a session is durable: a device whose session is cut off keeps what it had and asks again.
package bootstrap
