// Package demo is a server with devices to look at, on one computer, and a check that the main job works.
package demo

import (
	"crypto/rand"
	"fmt"
	"net/netip"
	"time"

	"heddle.example/host"
	"heddle.example/internal/device"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/objects"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// family is devices of one kind.
type family struct {
	names     []string
	kinds     []uint16 // objects besides 3, 4 and 7
	model     string
	secure    bool
	queue     bool
	bootstrap bool // it knows its bootstrap server only
	native    bool // on a mesh it reaches its server by IPv6, without NAT64
	version   lwm2m.Version
	lifetime  time.Duration
	track     []objects.Waypoint
}

// families are 25 devices: most of them secure, some plain, some that sleep, some that move, some that are bootstrapped, one old.
var families = []family{
	{names: []string{"temp-attic", "temp-cellar", "temp-kitchen", "temp-bath", "temp-hall"}, kinds: []uint16{3303}, model: "Thermometer T1", secure: true, lifetime: 5 * time.Minute},
	{names: []string{"climate-study", "climate-nursery", "climate-greenhouse"}, kinds: []uint16{3303, 3304}, model: "Climate C2", secure: true, lifetime: 10 * time.Minute},
	{names: []string{"door-front", "door-garage", "window-loft"}, kinds: []uint16{3342}, model: "Contact S1", secure: true, queue: true, lifetime: time.Hour},
	{names: []string{"lamp-desk", "lamp-stairs"}, kinds: []uint16{5, 3311}, model: "Light L3", secure: true, lifetime: 5 * time.Minute},
	{names: []string{"lamp-garden", "lamp-porch"}, kinds: []uint16{5, 3311}, model: "Light L3", secure: true, bootstrap: true, lifetime: 5 * time.Minute},
	{names: []string{"meter-main", "meter-heatpump"}, kinds: []uint16{3305}, model: "Meter P1", secure: true, native: true, lifetime: 2 * time.Minute},
	{names: []string{"valve-north", "valve-south"}, kinds: []uint16{3306}, model: "Valve V1", secure: true, native: true, lifetime: 30 * time.Minute},
	{names: []string{"tracker-bike", "tracker-mower"}, kinds: []uint16{6}, model: "Tracker G1", secure: true, queue: true, lifetime: 15 * time.Minute, track: harbour},
	{names: []string{"node-31024"}, kinds: []uint16{5, 6, 31024}, model: "Thread node", secure: true, lifetime: 5 * time.Minute},
	{names: []string{"plain-temp-1", "plain-temp-2"}, kinds: []uint16{5, 3303}, model: "Thermometer T0", lifetime: 5 * time.Minute},
	{names: []string{"old-lamp"}, kinds: []uint16{3311}, model: "Light L1", version: lwm2m.V1_0, lifetime: 5 * time.Minute},
}

// harbour is a walk around a harbour.
var harbour = []objects.Waypoint{
	{At: 0, Latitude: 54.3233, Longitude: 10.1394, Altitude: 3}, {At: 2 * time.Minute, Latitude: 54.3251, Longitude: 10.1446, Altitude: 2}, {At: 4 * time.Minute, Latitude: 54.3278, Longitude: 10.1502, Altitude: 4},
	{At: 6 * time.Minute, Latitude: 54.3262, Longitude: 10.1533, Altitude: 5}, {At: 8 * time.Minute, Latitude: 54.3233, Longitude: 10.1394, Altitude: 3},
}

// The demo's sensors measure often, so that a chart has something to show after half a minute.
var (
	lively         = objects.Wave{Base: 21.5, Swing: 2, Noise: 1.2, Every: 2 * time.Second, Low: -40, High: 85, Decimals: 2}
	livelyHumidity = objects.Wave{Base: 48, Swing: -6, Noise: 4, Every: 3 * time.Second, Low: 0, High: 100, Decimals: 1}
)

// spec is one device.
type spec struct {
	name     string
	family   *family
	identity string
	key      []byte
}

// Count is how many devices there are.
func Count() (n int) {
	for _, f := range families {
		n += len(f.names)
	}
	return n
}

// specs gives each device credentials of its own.
func specs() []spec {
	var list []spec
	for i := range families {
		f := &families[i]
		for _, name := range f.names {
			s := spec{name: name, family: f}
			if f.secure {
				if s.identity, s.key = name, make([]byte, 16); f.bootstrap {
					s.identity = "BSID-" + name
				}
				rand.Read(s.key)
			}
			list = append(list, s)
		}
	}
	return list
}

func (s *spec) credential() server.Credential {
	return server.Credential{Endpoint: s.name, Identity: s.identity, Key: s.key, Mode: machine.PSK}
}

// profile is how the device's objects are set up.
func (s *spec) profile() objects.Profile {
	return objects.Profile{Addresses: []netip.Addr{netip.IPv6Loopback()}, Temperature: &lively, Humidity: &livelyHumidity, Track: s.family.track, Place: objects.Everest, Firmware: objects.FirmwareConfig{UpdateTime: time.Second}, Device: objects.DeviceConfig{Manufacturer: "Heddle", Model: s.family.model, Serial: fmt.Sprintf("HD-%08X", hash(s.name)), Firmware: "1.0.3",
		Type: "simulated device", UTCOffset: "+00:00", Timezone: "UTC", BatteryCycle: 40 * time.Minute}}
}

// kinds are the device's objects.
func (s *spec) kinds() []uint16 { return append([]uint16{3, 4, 7}, s.family.kinds...) }

// direct is a device on a socket of this computer.
type direct struct{ *device.Device }

// Update implements running.
func (d direct) Update() error {
	return d.Do(func(now machine.Time, c *client.Client) { c.Update(now, 0, 123) })
}

// start starts a device towards a server on this computer.
func (s *spec) start(h *host.Host, address string, port uint16) (running, error) {
	a := s.account(address, port)
	cfg := client.Config{Endpoint: s.name, Servers: []client.Account{a}, Queue: s.family.queue, Version: s.family.version}
	if s.name == sleeper {
		cfg.Awake, cfg.Servers[0].Lifetime = sleeperAwake, sleeperLifetime
	}
	p := s.profile()
	if !s.family.secure || s.family.queue {
		p.Bearer = objects.BearerIEEE802154
	}
	d, err := device.Start(h, device.Options{Config: cfg, Objects: func() ([]client.Object, error) { return p.Make(h.Now(), s.kinds()) }})
	return direct{d}, err
}

func hash(s string) (n uint32) {
	for _, c := range []byte(s) {
		n = n*16777619 ^ uint32(c)
	}
	return n
}
