package system

import (
	"fmt"
	"net/netip"
	"time"

	"heddle.example/coap"
	"heddle.example/dtls"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
	"heddle.example/sim"
)

// Server is an LwM2M server on the internet, with its disk.
type Server struct {
	*sim.Node
	// OnEvent, where set, is called with every Event of the machine.
	OnEvent func(now machine.Time, v any)
	// Files are what devices may fetch below Config.Files, by name.
	Files map[string][]byte
	// Served is how many bytes of them it has sent.
	Served int

	system  *System
	config  server.Config
	keys    keyring
	machine *server.Server // of the latest boot
	boots   int
	waiting map[machine.OpID]func(*server.Outcome)
}

// keyring holds the keys of devices.
type keyring struct {
	identities, endpoints map[string]server.Credential
}

// ByIdentity implements server.Credentials.
func (k keyring) ByIdentity(id []byte) (server.Credential, bool) {
	c, ok := k.identities[string(id)]
	return c, ok
}

// ByEndpoint implements server.Credentials.
func (k keyring) ByEndpoint(name string) (server.Credential, bool) {
	c, ok := k.endpoints[name]
	return c, ok
}

// The ports of a server.
const (
	PlainPort  = 5683
	SecurePort = 5684
)

// AddServer adds a server with its addresses. c needs no Rand, no Credentials and no DTLS.
func (s *System) AddServer(name string, c server.Config, addrs ...netip.Addr) *Server {
	x := &Server{system: s, config: c, keys: keyring{map[string]server.Credential{}, map[string]server.Credential{}},
		Files: map[string][]byte{}, waiting: map[machine.OpID]func(*server.Outcome){}}
	x.Node = s.Net.World.Node(name, s.Inet.WAN, addrs...)
	x.Node.OnAction = x.action
	for _, a := range addrs {
		s.Inet.Host(a, 60, name)
	}
	x.Boot()
	return x
}

// Allow lets a device in with a key.
func (x *Server) Allow(c server.Credential) {
	x.keys.identities[c.Identity], x.keys.endpoints[c.Endpoint] = c, c
}

// Boot starts the server, or starts it again after Crash, with what is on its disk.
func (x *Server) Boot() {
	x.boots++
	c := x.config
	c.Rand, c.Credentials = x.system.Net.World.Rand(fmt.Sprintf("%s %d", x.Name(), x.boots)), x.keys
	c.Secure = func(a netip.AddrPort) bool { return a.Port() == SecurePort }
	c.DTLS = &dtls.Config{CIDLen: 8, Durable: true}
	if c.RequestTimeout == 0 {
		c.RequestTimeout = 93 * time.Second
	}
	x.machine = server.New(c)
	for _, t := range x.Disk().Tables() {
		_ = x.Disk().Load(t, func(k, v []byte) error { return x.machine.Restore(x.system.Net.World.Now(), t, k, v) })
	}
	x.Node.Boot(x.machine)
	x.Node.Do(x.machine.Started)
}

// Machine returns the server that runs.
func (x *Server) Machine() *server.Server { return x.machine }

// Ask sends an operation to a device. done gets its one outcome.
func (x *Server) Ask(endpoint string, op *server.Operation, done func(*server.Outcome)) (id machine.OpID) {
	x.Node.Do(func(now machine.Time) {
		id = x.machine.Do(now, x.system.Net.World.Cause(), endpoint, op)
		x.waiting[id] = done
	})
	return id
}

// Open is how many operations have no outcome yet.
func (x *Server) Open() int { return len(x.waiting) }

func (x *Server) action(now machine.Time, a machine.Action) {
	switch v := a.Value.(type) {
	case *server.Outcome:
		if f := x.waiting[a.Op]; f != nil {
			delete(x.waiting, a.Op)
			out := *v
			f(&out)
		}
	case *server.FileRequest:
		x.serve(v)
	default:
		if x.OnEvent != nil {
			x.OnEvent(now, a.Value)
		}
	}
}

// diskTime is how long a server takes to read a block of a file.
const diskTime = 3 * time.Millisecond

func (x *Server) serve(r *server.FileRequest) {
	file, ok := x.Files[r.Name]
	from := min(r.Block.Offset(), len(file))
	part := server.FilePart{Data: file[from:min(from+r.Block.Size(), len(file))], Length: int64(len(file)), ETag: "file"}
	if !ok {
		part = server.FilePart{Code: coap.NotFound, Reason: "no such file"}
	}
	x.Served += len(part.Data)
	m := x.machine
	x.system.Net.World.After(diskTime, func() {
		if m == x.machine {
			x.Node.Do(func(now machine.Time) { m.Serve(now, r, part) })
		}
	})
}
