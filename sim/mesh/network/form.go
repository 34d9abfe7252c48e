package network

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread"
	"heddle.example/thread/ip6"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/neighbor"
)

// Dataset returns the active dataset of the network with a number: 0 is that of the recordings in thread/testdata, the
// others differ from it in everything that keeps networks apart. Channels go round.
func Dataset(number int) meshcop.Info {
	k := byte(number)
	return meshcop.Info{
		Has: meshcop.HasActiveTimestamp | meshcop.HasChannel | meshcop.HasChannelMask | meshcop.HasExtPANID | meshcop.HasMeshLocalPrefix |
			meshcop.HasNetworkKey | meshcop.HasNetworkName | meshcop.HasPANID | meshcop.HasPSKc | meshcop.HasSecurityPolicy,
		ActiveTimestamp: 1 << 16,
		Channel:         uint16(11 + (4+number)%16),
		ChannelMask:     0x07fff800,
		ExtPANID:        [8]byte{0xde, 0xad, 0, 0xbe, 0xef, 0, 0xca, 0xfe ^ k},
		MeshLocalPrefix: ip6.Network{0xfd, 0, 0x0d, 0xb8, 0, k},
		NetworkKey:      meshcop.NetworkKey{0x00 ^ k, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff},
		NetworkName:     "heddle",
		PANID:           0xabcd + uint16(number),
		PSKc:            [16]byte{0x3a, 0xa5, 0x5f, 0x91, 0xca, 0x47, 0xd1, 0xe4, 0xe7, 0x1a, 0x08, 0xcb, 0x35, 0xe9, 0x15, 0x91},
		SecurityPolicy:  meshcop.DefaultPolicy(),
	}
}

// Kind is what part a node can play.
type Kind uint8

// The kinds.
const (
	Router Kind = iota // a full Thread device that may become a router: at first it is a router-eligible end device
	FED                // full end device: never a router, keeps its receiver on
	MED                // minimal end device: keeps its receiver on
	SED                // sleepy end device: polls its parent
)

var kindNames = [...]string{"router", "fed", "med", "sed"}

func (k Kind) String() string { return kindNames[k%4] }

// ParseKind returns the kind with a name.
func ParseKind(s string) (Kind, bool) {
	for i, n := range kindNames {
		if n == s || s == "reed" && i == 0 {
			return Kind(i), true
		}
	}
	return 0, false
}

// Join gives the node a network's dataset and starts Thread. Once that is on its disk, a boot starts it again.
func (n *Node) Join(d meshcop.Info) {
	n.Input(func(now machine.Time, t *thread.Node) {
		ds, err := d.Dataset()
		if err == nil {
			t.Do(now, 0, func() { err = t.Datasets().SetActive(now, ds) })
		}
		if err != nil {
			panic("network: " + err.Error())
		}
		n.start(now, t)
	})
	n.joined = true
}

// Start starts Thread with the dataset that the node has. Once that is on its disk, a boot starts it again.
func (n *Node) Start() {
	n.Input(func(now machine.Time, t *thread.Node) { n.start(now, t) })
	n.joined = true
}

func (n *Node) start(now machine.Time, t *thread.Node) {
	t.Do(now, 0, func() {
		var err error
		switch n.config.Kind {
		case FED:
			err = t.MLE().SetRouterEligible(now, false)
		case MED:
			err = t.MLE().SetMode(now, neighbor.ModeRxOnWhenIdle|neighbor.ModeFullNetworkData)
		case SED:
			err = t.MLE().SetMode(now, 0)
			if p := n.config.PollPeriod; p > 0 {
				t.MAC().SetExternalPollPeriod(now, p)
			}
		}
		if err != nil {
			panic("network: " + err.Error())
		}
	})
	if err := t.Up(now, 0); err != nil {
		panic("network: " + err.Error())
	}
	if err := t.Start(now, 0); err != nil {
		panic("network: " + err.Error())
	}
}

// Form starts the first node of a network and waits until it leads.
func (n *Node) Form(d meshcop.Info) bool {
	n.Join(d)
	return n.WaitRole(neighbor.RoleLeader, time.Minute)
}

// Role returns the node's part in its network; that of a node that is off is Disabled.
func (n *Node) Role() neighbor.Role {
	if n.thread == nil {
		return neighbor.RoleDisabled
	}
	return n.thread.MLE().Role()
}

// Attached reports whether the node is part of a network.
func (n *Node) Attached() bool { return n.Role().Attached() }

// WaitRole lets time pass until the node has a role.
func (n *Node) WaitRole(r neighbor.Role, d time.Duration) bool {
	return n.net.RunUntil(func() bool { return n.Role() == r }, d)
}

// WaitAttached lets time pass until the node is part of a network.
func (n *Node) WaitAttached(d time.Duration) bool { return n.net.RunUntil(n.Attached, d) }

// Partitions returns how many nodes that are on there are in each partition, by its identifier, and how many are in none.
func (net *Network) Partitions() (sizes map[uint32]int, detached int) {
	sizes = map[uint32]int{}
	for _, n := range net.nodes {
		switch {
		case n.thread == nil:
		case n.Attached():
			sizes[n.thread.MLE().LeaderData().PartitionID]++
		default:
			detached++
		}
	}
	return sizes, detached
}

// Routers returns how many nodes are routers or leaders.
func (net *Network) Routers() (routers, leaders int) {
	for _, n := range net.nodes {
		switch n.Role() {
		case neighbor.RoleLeader:
			leaders++
			routers++
		case neighbor.RoleRouter:
			routers++
		}
	}
	return routers, leaders
}

// Whole reports whether all nodes that are on are in one partition with one leader.
func (net *Network) Whole() bool {
	sizes, detached := net.Partitions()
	_, leaders := net.Routers()
	return len(sizes) == 1 && detached == 0 && leaders == 1
}

// WaitWhole lets time pass until the network is Whole.
func (net *Network) WaitWhole(d time.Duration) bool { return net.RunUntil(net.Whole, d) }

// EID returns the node's mesh-local endpoint identifier, its address that does not change.
func (n *Node) EID() ip6.Address { return n.thread.MLE().MeshLocalEID() }
