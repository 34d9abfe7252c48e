// Package server is the LwM2M device-management server as a machine: registrations, operations on devices, observations.
//
// One Server is one shard with one owner. It keeps what OMA-TS-LightweightM2M_Core sections 6.2 (registration), 6.3
// (device management) and 6.4 (reporting) ask of a server, over plain CoAP and CoAP over DTLS. What it promises to a
// device (2.01 to a Register, 2.04 to a Deregister and to an Update that changes something) leaves only after the
// commit that holds it. What is asked of a device in queue mode that sleeps is kept, and sent when it wakes. Records
// of Tables, given back to Restore, bring a restarted server to where it was.
package server
