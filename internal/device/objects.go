package device

import (
	"net"
	"net/netip"
	"strings"
	"time"

	"heddle.example/lwm2m/client/objects"
)

// maxAddresses bounds resource 4/0/4 on a computer with many interfaces.
const maxAddresses = 8

// localAddresses returns this computer's addresses; loopback only where it has no other.
func localAddresses() []netip.Addr {
	var out, loop []netip.Addr
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	for _, a := range list {
		p, err := netip.ParsePrefix(a.String())
		switch {
		case err != nil:
		case p.Addr().IsLoopback():
			loop = append(loop, p.Addr())
		case len(out) < maxAddresses:
			out = append(out, p.Addr())
		}
	}
	if len(out) == 0 {
		return loop
	}
	return out
}

// ThisComputer is the profile of `heddle client`.
func ThisComputer(name, version string) *objects.Profile {
	return &objects.Profile{
		Device: objects.DeviceConfig{
			Manufacturer: "Heddle", Model: "heddle client", Serial: name, Firmware: version, Software: version,
			Type: "simulated device", Hardware: "computer", UTCOffset: time.Now().Format("-07:00"), Timezone: zoneName(),
		},
		Place:     objects.Everest,
		Firmware:  objects.FirmwareConfig{HTTP: true},
		Addresses: localAddresses(),
	}
}

// zoneName returns the IANA name of this computer's time zone where Go knows it.
func zoneName() string {
	if name := time.Local.String(); strings.Contains(name, "/") || name == "UTC" {
		return name
	}
	return "UTC"
}
