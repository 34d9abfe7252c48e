// Package thread is one Thread 1.4 device: a Node, wired from the rooms below it (mac, mesh, mle, netdata, meshcop, tmf),
// with its IPv6 layer. Node is a machine.Machine: frames and time go in, transmissions, records and events come out.
package thread
