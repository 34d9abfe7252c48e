// Package follow joins what is seen of an operation in all places into one trace: at the server, where it passes the border
// router, on each radio hop, and on the device. Within a machine the cause of an input says what belongs together; between
// the server and the mesh a datagram is known by its content.
package follow

import (
	"fmt"
	"hash/maphash"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"heddle.example/coap"
	"heddle.example/internal/trace"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
	"heddle.example/sim/mesh"
)

// Limits of what is remembered.
const (
	maxExchanges = 300 // of each kind
	maxPackets   = 400 // of one exchange
	maxPlain     = 64  // messages of a shard that have not become datagrams yet
	maxExpected  = 8192
)

// ours is set in the causes that a Follower gives to packets which enter the mesh, so that they are nobody else's.
const ours machine.Cause = 1 << 62

// Node is what a Follower wants to know of a node of the mesh.
type Node struct {
	Name   string // its endpoint, or "node 3"
	Sleepy bool
}

// Options say what a Follower knows of the world.
type Options struct {
	// Node describes a node by its number. It is called by whoever asks for a trace. Nil: by number only.
	Node func(number int) Node
	// Clock is the server's. A simulated mesh may be behind it: how much is known with it at each packet that leaves, and
	// without it only once the server has answered. Nil: without.
	Clock func() machine.Time
	// Keys returns the network key and the mesh-local prefix, for captures. Nil: captures have no keys.
	Keys func() (networkKey []byte, meshLocal netip.Prefix)
}

// Follower follows operations. It may be used by several goroutines. It is a shards.Follower and an api.Traces.
type Follower struct {
	o    Options
	seed maphash.Seed

	mu       sync.Mutex
	list     []*exchange // oldest first
	byID     map[string]*exchange
	byServer map[machine.Cause]*exchange // by the cause that the server has for it
	byMesh   map[machine.Cause]*exchange // by the one in the mesh
	expected map[uint64]expected         // datagrams by their content
	order    []uint64                    // of expected, oldest first
	plain    map[int][]plain             // by shard
	opened   map[int]plain               // the datagram that a shard is reading
	causes   machine.Cause
	seats    map[string]int // nodes by endpoint

	latest    machine.Time // instant of anything
	begun     int          // exchanges that devices began
	endpoints map[int]string
	observed  map[coap.Token]string // paths
}

// expected is a datagram that was seen in one place and is to be seen in another.
type expected struct {
	x    *exchange
	out  bool // from the server to the device
	span int
}

// plain is a message before it was sealed, or a datagram before it is opened.
type plain struct {
	at   machine.Time
	path machine.Path
	b    []byte
	x    *exchange
	size int
}

// New returns a Follower.
func New(o Options) *Follower {
	return &Follower{o: o, seed: maphash.MakeSeed(), byID: map[string]*exchange{}, byServer: map[machine.Cause]*exchange{},
		byMesh: map[machine.Cause]*exchange{}, expected: map[uint64]expected{}, plain: map[int][]plain{}, opened: map[int]plain{},
		seats: map[string]int{}, endpoints: map[int]string{}, observed: map[coap.Token]string{}}
}

// expect remembers a datagram.
func (f *Follower) expect(b []byte, e expected) {
	if len(f.order) >= maxExpected {
		for _, h := range f.order[:maxExpected/2] {
			delete(f.expected, h)
		}
		f.order = slices.Delete(f.order, 0, maxExpected/2)
	}
	h := maphash.Bytes(f.seed, b)
	f.expected[h] = e
	f.order = append(f.order, h)
}

func (f *Follower) find(b []byte) (expected, bool) {
	e, ok := f.expected[maphash.Bytes(f.seed, b)]
	return e, ok
}

// Asked implements shards.Follower.
func (f *Follower) Asked(now machine.Time, cause machine.Cause, id machine.OpID, endpoint string, op *server.Operation) {
	f.mu.Lock()
	defer f.mu.Unlock()
	path := op.Path.String()
	if len(op.Paths) > 0 {
		path = strings.Trim(fmt.Sprint(op.Paths), "[]")
	}
	x := f.newExchange(now, server.FormatOp(id), op.Kind.String(), path)
	x.t.Kind, x.t.Endpoint, x.node = trace.Operation, endpoint, f.seats[endpoint]
	x.observes = op.Kind == server.Observe || op.Kind == server.ObserveComposite
	f.remember(x)
	f.known(cause, x)
}

// remember makes room for an exchange. Notifications displace nothing else, and what devices begin nothing that somebody
// asked for.
func (f *Follower) remember(x *exchange) {
	same := func(o *exchange) bool { return o.t.Kind == x.t.Kind }
	n := 1
	for _, o := range f.list {
		if same(o) {
			n++
		}
	}
	if n > maxExchanges {
		i := slices.IndexFunc(f.list, same)
		old := f.list[i]
		f.list = slices.Delete(f.list, i, i+1)
		delete(f.byID, old.id)
		delete(f.byServer, old.server)
		delete(f.byMesh, old.mesh)
	}
	f.list = append(f.list, x)
	f.byID[x.id], f.byMesh[x.mesh] = x, x
}

// known notes the cause that an exchange has at the server.
func (f *Follower) known(cause machine.Cause, x *exchange) {
	if f.byID[x.id] != x {
		return // it is not remembered any more
	}
	delete(f.byServer, x.server)
	x.server, f.byServer[cause] = cause, x
}

// Message implements shards.Follower.
func (f *Follower) Message(shard int, now machine.Time, out bool, path machine.Path, b []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !out {
		if p := f.opened[shard]; p.x != nil {
			p.path = path
			p.x.answered(now, p, b)
			f.opened[shard] = plain{}
		}
		return
	}
	list := f.plain[shard]
	if len(list) == maxPlain {
		list = slices.Delete(list, 0, 1)
	}
	f.plain[shard] = append(list, plain{at: now, path: path, b: slices.Clone(b)})
}

// Datagram implements shards.Follower.
func (f *Follower) Datagram(shard int, now machine.Time, cause machine.Cause, out bool, path machine.Path, b []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.latest = max(f.latest, now)
	if !out {
		f.opened[shard] = plain{}
		if e, ok := f.find(b); ok && !e.out {
			e.x.close(e.span, now)
			f.opened[shard] = plain{at: now, path: path, x: e.x, size: len(b)}
			if e.x.own != nil {
				f.known(cause, e.x) // what the server answers has the cause of what it answers
			}
		}
		return
	}
	list := f.plain[shard]
	i := slices.IndexFunc(list, func(p plain) bool { return p.path.Remote == path.Remote })
	var p plain
	if i >= 0 {
		p = list[i]
		f.plain[shard] = slices.Delete(list, i, i+1)
	}
	x := f.byServer[cause]
	if x == nil || i < 0 || x.own != nil && x.over(now) {
		return // a handshake's, or nobody's operation
	}
	f.expect(b, expected{x, true, f.asks(x, now, p, b)})
}

// Ended implements shards.Follower.
func (f *Follower) Ended(now machine.Time, id machine.OpID, out *server.Outcome) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if x := f.byID[server.FormatOp(id)]; x != nil {
		x.ended(now, out)
	}
}

// Enters is called with each packet, IPv4 or IPv6, that comes to the border router from outside. It returns the cause that
// the packet is to have in the mesh; 0: nobody follows it.
func (f *Follower) Enters(now machine.Time, node int, packet []byte) machine.Cause {
	u, ok := udpOf(packet)
	if !ok {
		return 0
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	e, ok := f.find(u.payload)
	if !ok || !e.out {
		return 0
	}
	e.x.enters(now, node, &u, packet, e.span)
	return e.x.mesh
}

// Leaves is called with each packet that the border router has for the outside.
func (f *Follower) Leaves(now machine.Time, cause machine.Cause, node int, packet []byte) {
	if cause&ours == 0 {
		return
	}
	u, ok := udpOf(packet)
	if !ok {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if x := f.byMesh[cause]; x != nil && !x.over(now+x.skew) {
		if x.own != nil && f.o.Clock != nil {
			x.behind(f.o.Clock() - now)
		}
		f.expect(u.payload, expected{x, false, x.leaves(now, node, &u, packet)})
	}
}

// Hop is a mesh.Medium's follower.
func (f *Follower) Hop(h *mesh.Hop) {
	if h.Cause&ours == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if x := f.byMesh[h.Cause]; x != nil {
		x.hop(h)
	}
}

// Device is called with each CoAP message of a device, opened, as meshdevice.Config.Tap has it. It returns the cause that the
// message is to have on its way; 0: the one that it has.
func (f *Follower) Device(now machine.Time, cause machine.Cause, node int, out bool, b []byte) machine.Cause {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.latest = max(f.latest, now)
	if x := f.ofDevice(now, cause, node, out, b); x != nil {
		return x.mesh
	}
	if x := f.byMesh[cause]; x != nil && x.own == nil {
		x.device(now, node, out, b)
		f.seats[x.t.Endpoint] = node
	}
	return 0
}
