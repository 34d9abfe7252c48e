package device

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/objects"
	"heddle.example/machine"
)

// Kinds are the objects that a device on this computer can have besides 0 and 1, ascending.
var Kinds = []uint16{3, 4, 5, 6, 7, 3303, 3304, 3305, 3306, 3311, 3342, 31024}

// DefaultKinds are those that it has where nothing is said.
var DefaultKinds = []uint16{3, 4, 5, 6, 7, 31024}

// Profile says how the objects of a device are set up.
type Profile struct {
	Device      objects.DeviceConfig
	Temperature *objects.Wave      // of 3303; nil: a room
	Humidity    *objects.Wave      // of 3304; nil: a room
	Bearer      int64              // default Ethernet
	Place       objects.Waypoint   // object 6
	Track       []objects.Waypoint // instead of Place
	Firmware    objects.FirmwareConfig
}

// ParseKinds reads "3303,3311".
func ParseKinds(s string) ([]uint16, error) {
	var ids []uint16
	for f := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ',' || r == ' ' }) {
		n, err := strconv.ParseUint(strings.TrimPrefix(f, "/"), 10, 16)
		if err != nil || !slices.Contains(Kinds, uint16(n)) {
			return nil, fmt.Errorf("there is no object %q here: choose from %s", f, kindList())
		}
		ids = append(ids, uint16(n))
	}
	return ids, nil
}

func kindList() string {
	var w []string
	for _, k := range Kinds {
		w = append(w, strconv.Itoa(int(k)))
	}
	return strings.Join(w, ", ")
}

// Make returns new objects of the given kinds, each once.
func (p *Profile) Make(now machine.Time, ids []uint16) ([]client.Object, error) {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	var out []client.Object
	var self *objects.Device // whose version the firmware update changes
	for _, id := range slices.Compact(ids) {
		o := p.object(now, id)
		switch id {
		case 3:
			self = o.(*objects.Device)
		case 5:
			o = objects.NewFirmware(&p.Firmware, self)
		}
		if o == nil {
			return nil, fmt.Errorf("there is no object %d here: choose from %s", id, kindList())
		}
		out = append(out, o)
	}
	return out, nil
}

func (p *Profile) object(now machine.Time, id uint16) client.Object {
	switch id {
	case 3:
		return objects.NewDevice(&p.Device)
	case 4:
		bearer := p.Bearer
		if bearer == 0 {
			bearer = objects.BearerEthernet
		}
		return &objects.ConnectivityMonitoring{Bearer: bearer, Addresses: localAddresses()}
	case 6:
		if len(p.Track) > 1 {
			return objects.NewTrack(now, p.Track)
		}
		return objects.NewLocation(now, p.Place)
	case 7:
		return objects.NewConnectivityStatistics()
	case 3303:
		return objects.NewTemperature(1, p.Temperature)
	case 3304:
		return objects.NewHumidity(1, p.Humidity)
	case 3305:
		return objects.NewPower(1, nil)
	case 3306:
		return objects.NewActuation(1)
	case 3311:
		return objects.NewLight(1)
	case 3342:
		return objects.NewSwitch(1)
	case 31024:
		return objects.NewTest()
	}
	return nil
}

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
func ThisComputer(name, version string) *Profile {
	return &Profile{
		Device: objects.DeviceConfig{
			Manufacturer: "Heddle", Model: "heddle client", Serial: name, Firmware: version, Software: version,
			Type: "simulated device", Hardware: "computer", UTCOffset: time.Now().Format("-07:00"), Timezone: zoneName(),
		},
		Place:    objects.Everest,
		Firmware: objects.FirmwareConfig{HTTP: true},
	}
}

// zoneName returns the IANA name of this computer's time zone where Go knows it.
func zoneName() string {
	if name := time.Local.String(); strings.Contains(name, "/") || name == "UTC" {
		return name
	}
	return "UTC"
}
