package usernat

import (
	"net/netip"
	"time"

	"heddle.example/border/nat64"
	"heddle.example/thread/ip6"
)

// Config says what a NAT is made of. Receive must be set; zero fields have defaults.
type Config struct {
	// Receive takes packets for the mesh. It is called from several goroutines at once, and borrows the packet.
	Receive func(packet []byte)
	// NAT64 is the prefix under which addresses stand for IPv4; zero: none.
	NAT64 ip6.Prefix
	// Address is the border router's: errors come from it. Unspecified: they come from the address that could not be reached.
	Address ip6.Address
	// Address4 is what errors come from where packets are IPv4.
	Address4 netip.Addr
	// Alias says which addresses stand for others: what a node sends to a key goes to its value, and comes back from the
	// key. So nodes reach what listens on this computer's loopback only, if somebody wants it. Keys under the NAT64 prefix
	// are IPv4 addresses. A value is of the key's family.
	Alias map[netip.Addr]netip.Addr
	// Loopback lets nodes reach 127.0.0.0/8 through the NAT64 prefix. Else nothing of this computer's loopback can be
	// reached but what Alias names: programs take what comes from there for their user's.
	Loopback bool
	// Restricted: a datagram passes only from an address that the node has sent to (RFC 4787 section 5).
	Restricted bool

	Flows   int // at most, of all protocols; 0: 4096
	PerNode int // of one address; 0: a quarter of them
	List    int // how many Status lists; 0: 256

	UDP        time.Duration // without a packet; 0: 5 min (RFC 4787 section 4.3)
	TCP        time.Duration // established; 0: 2 h 4 min (RFC 5382 section 5)
	TCPOpening time.Duration // until it is established, and from one end's end to the other's; 0: 4 min
	Echo       time.Duration // until the reply; 0: 10 s

	MTU int // of the mesh; 0: 1280
}

func (c *Config) fill() error {
	if c.NAT64 != (ip6.Prefix{}) {
		if err := nat64.CheckPrefix(c.NAT64); err != nil {
			return err
		}
	}
	or := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	or(&c.Flows, 4096)
	or(&c.PerNode, max(1, c.Flows/4))
	or(&c.List, 256)
	or(&c.MTU, ip6.MTU)
	wait := func(v *time.Duration, d time.Duration) {
		if *v == 0 {
			*v = d
		}
	}
	wait(&c.UDP, 5*time.Minute)
	wait(&c.TCP, 2*time.Hour+4*time.Minute)
	wait(&c.TCPOpening, 4*time.Minute)
	wait(&c.Echo, 10*time.Second)
	return nil
}
