//go:build !linux

package usernat

import "net/netip"

type echoSocket struct{}

func openEcho(bool) (*echoSocket, string, error) { return nil, "", errNoEcho }

func (*echoSocket) close() {}

func (*echoSocket) send(netip.Addr, uint8, uint16, []byte) error { return errNoEcho }

func (*echoSocket) serve(*NAT, *echoTable) {}
