package borderpage

import (
	"heddle.example/border"
	"heddle.example/internal/api"
)

// mdns shows what the infrastructure link finds of the mesh.
func mdns(out *api.BorderStatus, s *border.Status) {
	if !s.MDNS {
		return
	}
	m := &api.BorderMDNS{Hosts: []api.BorderMDNSHost{}, Asked: s.Discovery.Queries, Answered: s.Discovery.Answered - s.Discovery.Empty}
	out.MDNS = m
	for _, e := range s.Published { // a host comes before its services
		taken := ""
		if e.Label != e.Asked {
			taken = e.Asked
		}
		if e.Type == "" {
			h := api.BorderMDNSHost{Name: e.Name, State: e.State.String(), Taken: taken, Own: e.Owner == border.OwnEntry, Addresses: []string{}, Services: []api.BorderMDNSService{}}
			for _, a := range e.Addresses {
				h.Addresses = append(h.Addresses, a.String())
			}
			m.Hosts = append(m.Hosts, h)
			continue
		}
		h := &m.Hosts[len(m.Hosts)-1]
		h.Services = append(h.Services, api.BorderMDNSService{Instance: e.Label, Type: e.Type, Port: e.Port, State: e.State.String(), Taken: taken})
	}
}
