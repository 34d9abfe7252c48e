package objects

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"heddle.example/lwm2m/client"
	"heddle.example/machine"
)

// Kinds are the objects that a device can have besides 0 and 1, ascending.
var Kinds = []uint16{3, 4, 5, 6, 7, 3303, 3304, 3305, 3306, 3311, 3342, 31024}

// DefaultKinds are those that it has where nothing is said.
var DefaultKinds = []uint16{3, 4, 5, 6, 7, 31024}

// Profile says how the objects of a device are set up.
type Profile struct {
	Device      DeviceConfig
	Temperature *Wave        // of 3303; nil: a room
	Humidity    *Wave        // of 3304; nil: a room
	Bearer      int64        // of object 4; default Ethernet
	Addresses   []netip.Addr // of object 4
	Place       Waypoint     // object 6
	Track       []Waypoint   // instead of Place
	Firmware    FirmwareConfig
	// Monitoring makes object 4; nil: one of Bearer and Addresses. Statistics makes object 7; nil: of the client's traffic.
	Monitoring func() *ConnectivityMonitoring
	Statistics func() *ConnectivityStatistics
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
	var self *Device // whose version the firmware update changes
	for _, id := range slices.Compact(ids) {
		o := p.object(now, id)
		switch id {
		case 3:
			self = o.(*Device)
		case 5:
			o = NewFirmware(&p.Firmware, self)
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
		return NewDevice(&p.Device)
	case 4:
		if p.Monitoring != nil {
			return p.Monitoring()
		}
		return &ConnectivityMonitoring{Bearer: cmp.Or(p.Bearer, BearerEthernet), Addresses: p.Addresses}
	case 6:
		if len(p.Track) > 1 {
			return NewTrack(now, p.Track)
		}
		return NewLocation(now, p.Place)
	case 7:
		if p.Statistics != nil {
			return p.Statistics()
		}
		return NewConnectivityStatistics()
	case 3303:
		return NewTemperature(1, p.Temperature)
	case 3304:
		return NewHumidity(1, p.Humidity)
	case 3305:
		return NewPower(1, nil)
	case 3306:
		return NewActuation(1)
	case 3311:
		return NewLight(1)
	case 3342:
		return NewSwitch(1)
	case 31024:
		return NewTest()
	}
	return nil
}
