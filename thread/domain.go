package thread

import "heddle.example/thread/status"

// defaultDomain is the name of a Thread domain that nobody has given one (Thread 1.2 section 5.22).
const defaultDomain = "DefaultDomain"

// DomainName returns the name of the node's Thread domain.
func (n *Node) DomainName() string {
	if n.domain == "" {
		return defaultDomain
	}
	return n.domain
}

// SetDomainName changes it: at most 16 bytes.
func (n *Node) SetDomainName(name string) error {
	if len(name) > 16 {
		return status.InvalidArgs
	}
	n.domain = name
	return nil
}
