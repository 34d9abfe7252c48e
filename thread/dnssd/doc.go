// Package dnssd is the DNS of a Thread node: the client that asks for addresses, services and records, and the server that
// answers from what is registered with the node's SRP server (RFC 6763, 8766).
//
// Facts come from OpenThread's src/core/net/dns_client.cpp and dnssd_server.cpp.
package dnssd
