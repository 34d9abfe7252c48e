package thread

import (
	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/netdata"
	"heddle.example/thread/status"
)

// defaultDomain is the name of a Thread domain that nobody has given one (Thread 1.2 section 5.22).
const defaultDomain = "DefaultDomain"

// DomainName returns the name of the node's Thread domain.
func (n *Node) DomainName() string {
	if n.domain == "" {
		return defaultDomain
	}
	return n.domain
}

// SetDomainName changes it while Thread is stopped: at most 16 bytes.
func (n *Node) SetDomainName(name string) error {
	switch {
	case n.table.Self.Role != neighbor.RoleDisabled:
		return status.InvalidState
	case len(name) > 16:
		return status.InvalidArgs
	}
	n.domain = name
	return nil
}

// AddPrefix offers an on-mesh prefix. That of the Thread domain is its backbone routers' (Thread 1.2 section 5.21): it is offered
// as long as the node is one.
func (n *Node) AddPrefix(now machine.Time, p netdata.OnMeshPrefix) error {
	switch {
	case !p.DP || n.config.MTD:
		return n.data.AddOnMeshPrefix(now, p)
	case !p.Valid(n.meshLocal()):
		return status.InvalidArgs
	}
	n.onBackbone().local.SetDomainPrefix(now, p)
	return nil
}

// RemovePrefix takes the offer of a prefix back.
func (n *Node) RemovePrefix(now machine.Time, p ip6.Prefix) error {
	if n.bone != nil && n.bone.local.RemoveDomainPrefix(now, p) == nil {
		return nil
	}
	return n.data.RemoveOnMeshPrefix(p)
}
