package mesh

import "heddle.example/thread/ip6"

// Ports of the protocols that have priorities of their own.
const (
	mlePort = 19788
	tmfPort = 61631
)

// PriorityOfDSCP returns the priority that a class of service stands for (Ip6::DscpToPriority).
func PriorityOfDSCP(dscp uint8) Priority {
	switch dscp >> 3 {
	case 1, 2:
		return Low
	case 4, 5, 6, 7:
		return High
	}
	return Normal
}

// PriorityOf returns the priority that a datagram in the mesh has: that of its class of service, but ICMPv6 errors and MLE
// go first, and TMF as its code point says (MeshForwarder::GetFramePriority).
func PriorityOf(p *ip6.Packet, meshLocal ip6.Network) Priority {
	switch {
	case p.Proto == ip6.ICMP6 && p.Type.IsError():
		return Net
	case p.IsUDP(mlePort):
		return Net
	case p.IsUDP(tmfPort) && isTMF(p, meshLocal):
		switch p.DSCP {
		case ip6.DSCPTMFNormal:
			return Normal
		case ip6.DSCPTMFLow:
			return Low
		}
		return Net
	}
	return PriorityOfDSCP(p.DSCP)
}

// isTMF reports whether a datagram to the management port is one within the mesh (Tmf::Agent::IsTmfMessage).
func isTMF(p *ip6.Packet, meshLocal ip6.Network) bool {
	if p.Src.IsLinkLocalUnicast() {
		return p.Dst.IsLinkLocalUnicast() || p.Dst.IsLinkLocalMulticast()
	}
	return p.Src.Network() == meshLocal &&
		(p.Dst.Network() == meshLocal || p.Dst.IsLinkLocalMulticast() || p.Dst.IsRealmLocalMulticast())
}
