package borderrouter

import (
	"heddle.example/border/nat64"
	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

// protocols are the words of an outside.Flow.
var protocols = map[string]ip6.Protocol{"udp": ip6.UDP, "tcp": ip6.TCP, "icmp": ip6.ICMP6}

// flows returns what the mesh has under way with IPv4 through ordinary sockets, as a translator would list it.
func (g *Gateway) flows(machine.Time) (list []nat64.Mapping) {
	for _, f := range g.out.Status().Flows {
		if !f.NAT64 {
			continue
		}
		t := nat64.Traffic{Packets4To6: f.Received, Bytes4To6: f.ReceivedBytes, Packets6To4: f.Sent, Bytes6To4: f.SentBytes}
		list = append(list, nat64.Mapping{Address6: ip6.FromNetip(f.Inside.Addr()), Address4: f.Outside.Addr().Unmap(),
			Port6: f.Inside.Port(), Port4: f.Outside.Port(), Protocol: protocols[f.Protocol], Left: f.Left, Remote: f.Remote, Traffic: t})
	}
	return list
}
