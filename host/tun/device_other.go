//go:build !linux

package tun

import (
	"errors"
	"net/netip"

	"heddle.example/host/outside"
)

// Device is a TUN device as an outside.Outside.
type Device struct{}

// Open makes the device.
func Open(Config) (*Device, error) {
	return nil, errors.New("tun: a border router with a TUN device needs Linux: leave --tun out")
}

// Name returns the interface's name.
func (*Device) Name() string { return "" }

// SetRoutes says which prefixes lie behind the device.
func (*Device) SetRoutes([]netip.Prefix) error { return nil }

// Trouble returns what the system refuses of the device's routes.
func (*Device) Trouble() error { return nil }

// Send implements outside.Outside.
func (*Device) Send([]byte) {}

// Status implements outside.Outside.
func (*Device) Status() outside.Status { return outside.Status{Mode: outside.TUN} }

// Close implements outside.Outside.
func (*Device) Close() error { return nil }
