package borderrouter

import "net/netip"

// Names asks the name servers of this computer: for a way out that is a simulation, with a door to the real world.
type Names struct {
	servers []netip.AddrPort
	up      *upstream
	next    int
}

// NewNames reads /etc/resolv.conf.
func NewNames() *Names { return &Names{servers: resolvConf("/etc/resolv.conf"), up: newUpstream()} }

// Ask sends a query, which is borrowed, and has got called with the answer, from another goroutine, if one comes. It
// reports whether there is anybody to be asked; each query goes to the next server.
func (n *Names) Ask(query []byte, got func(answer []byte)) bool {
	if len(n.servers) == 0 {
		return false
	}
	n.next++
	n.up.ask(n.servers[n.next%len(n.servers)], query, got)
	return true
}
