package meshdevice

import (
	"net/netip"

	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/objects"
	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

// bestQuality is what object 4 has for the best link: an LQI of IEEE 802.15.4 goes to 255.
const bestQuality = 255

// monitoring makes object 4: the radio's link to the parent, or to a router's best neighbour, and all addresses.
func (d *Device) monitoring() *objects.ConnectivityMonitoring {
	return &objects.ConnectivityMonitoring{
		Bearer: objects.BearerIEEE802154,
		Signal: func(machine.Time) (rssi, quality int64) {
			r, q, _, ok := d.node.Uplink()
			if !ok {
				return -128, 0 // nobody is heard
			}
			return int64(r), int64(q) * bestQuality / 3
		},
		Live: func() (addresses, routers []netip.Addr) {
			for _, a := range d.node.Addresses() {
				addresses = append(addresses, a.Addr.Netip())
			}
			if _, _, rloc16, ok := d.node.Uplink(); ok {
				routers = []netip.Addr{ip6.RLOC(d.node.MeshLocal(), rloc16).Netip()}
			}
			return addresses, routers
		},
	}
}

// statistics makes object 7: all that the radio carries, frames of the network's own included.
func (d *Device) statistics() *objects.ConnectivityStatistics {
	s := objects.NewConnectivityStatistics()
	s.Count = func() client.Traffic { return d.radio }
	return s
}
