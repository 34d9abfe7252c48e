package system

import (
	"time"

	"heddle.example/machine"
	"heddle.example/meshdevice"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread"
	"heddle.example/thread/shell"
)

// Device is an LwM2M device on the mesh.
type Device struct {
	*network.Node

	system *System
	device *meshdevice.Device // of the latest boot
}

// DeviceConfig says what a device is like. Thread and its disk are the system's.
type DeviceConfig struct {
	Position mesh.Position
	Kind     network.Kind
	Poll     time.Duration // of a sleepy one
	Off      bool
	LwM2M    meshdevice.Config
	// OnBoot, where set, is called after every boot and reset, inside an input.
	OnBoot func(now machine.Time, d *meshdevice.Device)
}

// AddDevice adds a device.
func (s *System) AddDevice(c DeviceConfig) *Device {
	d := &Device{system: s}
	nc := network.NodeConfig{Position: c.Position, Kind: c.Kind, PollPeriod: c.Poll, Off: true, Make: func(tc thread.Config) (mesh.Device, *thread.Node, error) {
		cfg := c.LwM2M
		cfg.Thread = tc
		if f := s.follower; f != nil && cfg.Tap == nil {
			cfg.Tap = func(now machine.Time, cause machine.Cause, out bool, _ machine.Path, b []byte) machine.Cause {
				return f.Device(now, cause, d.Number(), out, b)
			}
		}
		m, err := meshdevice.New(cfg)
		if err != nil {
			return nil, nil, err
		}
		d.device = m
		return m, m.Node(), nil
	}}
	if c.OnBoot != nil {
		nc.OnBoot = func(now machine.Time, _ *thread.Node) { c.OnBoot(now, d.device) }
	}
	d.Node = s.Net.Add(nc)
	s.Devices = append(s.Devices, d)
	if !c.Off {
		d.Node.Boot()
	}
	return d
}

// LwM2M returns the device that runs, or nil.
func (d *Device) LwM2M() *meshdevice.Device {
	if d.Node.On() {
		return d.device
	}
	return nil
}

// Do runs f as an input of the device. f is not called when it is off.
func (d *Device) Do(f func(now machine.Time, m *meshdevice.Device)) {
	d.Node.Do(func(now machine.Time) { f(now, d.device) })
}

// Shell is what the device's command line has.
func (d *Device) Shell() (c shell.Config) {
	if m := d.LwM2M(); m != nil {
		m.AddTo(&c)
	}
	return c
}
