package borderpage

import (
	"net/netip"
	"reflect"
	"testing"

	"heddle.example/border"
	"heddle.example/border/discovery"
	speaker "heddle.example/border/mdns"
	"heddle.example/internal/api"
)

func TestPublished(t *testing.T) {
	s := border.Status{MDNS: true, Discovery: discovery.Counters{Queries: 5, Answered: 4, Empty: 1}, Published: []speaker.Entry{
		{Name: "heddle-1.local", Label: "heddle-1", Asked: "heddle-1", Owner: border.OwnEntry, State: speaker.Announced, Addresses: []netip.Addr{netip.MustParseAddr("fd11::1")}},
		{Name: "BR._meshcop._udp.local", Label: "BR", Asked: "BR", Owner: border.OwnEntry, Type: "_meshcop._udp", Port: 49152, State: speaker.Announced},
		{Name: "lamp-2.local", Label: "lamp-2", Asked: "lamp", Owner: "host lamp", State: speaker.Probing},
	}}
	out := &api.BorderStatus{}
	mdns(out, &s)
	want := &api.BorderMDNS{Asked: 5, Answered: 3, Hosts: []api.BorderMDNSHost{
		{Name: "heddle-1.local", State: "announced", Own: true, Addresses: []string{"fd11::1"}, Services: []api.BorderMDNSService{{Instance: "BR", Type: "_meshcop._udp", Port: 49152, State: "announced"}}},
		{Name: "lamp-2.local", State: "probing", Taken: "lamp", Addresses: []string{}, Services: []api.BorderMDNSService{}},
	}}
	if !reflect.DeepEqual(out.MDNS, want) {
		t.Errorf("%+v", out.MDNS)
	}
	if s.MDNS, out.MDNS = false, nil; true {
		if mdns(out, &s); out.MDNS != nil {
			t.Error("there is none")
		}
	}
}
