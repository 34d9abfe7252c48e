// Package client is the LwM2M client machine: it registers a device with its servers and answers their operations on
// the device's objects. Clauses are those of OMA-TS-LightweightM2M_Core V1.1.1 unless another document is named.
//
// A program gives it objects (see Object, and Simple for the easiest way to make one; package objects has those of a
// whole device) and one Account per server, and runs it with package host, or in virtual time with package sim.
package client
