package border

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"heddle.example/border/discovery"
	"heddle.example/border/mdns"
	"heddle.example/border/routing"
	"heddle.example/machine"
	"heddle.example/thread"
	"heddle.example/thread/borderagent"
	"heddle.example/thread/dns"
	"heddle.example/thread/ip6"
	"heddle.example/thread/srp"
)

// services is the Router on the link beside the mesh, where other computers look for names and services by multicast DNS: it
// publishes the border agent and what the mesh has registered, and asks for what the mesh looks for.
type services struct {
	speaker *mdns.Speaker // nil: the driver carries no multicast DNS
	proxy   *discovery.Proxy
	owners  []string // of what is published of the mesh's hosts
	text    []byte   // of the border agent, the last one
}

// The border agent's services (Thread 1.4 section 8.4.9).
const (
	agentService     = "_meshcop._udp"
	ephemeralService = "_meshcop-e._udp"
	OwnEntry         = "agent" // the owner of what is published of the border agent
	hostOwner        = "host " // and the name
	// idlePort is said while the agent does not listen, which the text says, too (border_agent.cpp's kDummyUdpPort).
	idlePort = 49152
)

// agentFlags are the changes of a node that its border agent's text, port or address may show.
const agentFlags = thread.RoleChanged | thread.PartitionChanged | thread.NetDataChanged | thread.NetworkNameChanged | thread.ExtPANIDChanged |
	thread.ActiveDatasetChanged | thread.BackboneStateChanged | thread.BackboneLocalChanged | thread.AddressAdded | thread.AddressRemoved |
	thread.LinkLocalChanged | thread.PSKcChanged | thread.InterfaceChanged

func (r *Router) initServices() {
	if !r.c.Infra.MDNS {
		return
	}
	r.services.speaker = mdns.New(r.c.Rand, (*beside)(r))
	r.services.proxy = discovery.New((*beside)(r))
	r.node.SRPServer().Watch(func(now machine.Time) { r.publishHosts(now) })
	r.node.SetLinkDNS(func(now machine.Time, client netip.AddrPort, query []byte) bool {
		return r.services.speaker.Up() && r.services.proxy.Ask(now, client, query)
	})
}

// updateServices is called after whatever may have changed the link.
func (r *Router) updateServices(now machine.Time) {
	s := r.services.speaker
	if s == nil {
		return
	}
	_, up, err := r.routing.Link()
	s.SetUp(now, err == nil && up)
	r.publishAgent(now)
	r.publishHosts(now)
}

// publishes reports whether the mesh is to be seen on the link.
func (r *Router) publishes() bool {
	return r.services.speaker != nil && (r.routing.State() == routing.Running || r.routing.State() == routing.Stopped)
}

// publishAgent says where a commissioner finds the border agent: at the node's addresses that are reached from the link.
func (r *Router) publishAgent(now machine.Time) {
	s := &r.services
	if s.speaker == nil {
		return
	}
	if !r.publishes() {
		_ = s.speaker.Set(now, OwnEntry, nil)
		return
	}
	agent, ext := r.node.BorderAgent(), r.node.ExtAddr()
	a := mdns.Advert{Host: fmt.Sprintf("heddle-%x", ext)}
	for _, x := range r.node.Addresses() {
		if x.Valid && x.Preferred && r.reachable(x.Addr) {
			a.Addresses = append(a.Addresses, x.Addr.Netip())
		}
	}
	port := agent.Port()
	if port == 0 {
		port = idlePort
	}
	omr, _, _ := r.routing.FavoredOMRPrefix() // there may be none
	s.text = r.node.AppendBorderAgentText(now, s.text[:0], omr)
	s.text = appendText(appendText(s.text, "vn", "Heddle"), "mn", "Border Router")
	instance := fmt.Sprintf("Heddle BR #%X", ext[6:])
	a.Services = append(a.Services, mdns.Service{Instance: instance, Type: agentService, Port: port, Text: slices.Clone(s.text)})
	if agent.KeyState() >= borderagent.KeyStarted {
		a.Services = append(a.Services, mdns.Service{Instance: instance, Type: ephemeralService, Port: agent.KeyPort()})
	}
	_ = s.speaker.Set(now, OwnEntry, &a) // the names are right
}

func appendText(b []byte, key, value string) []byte {
	return append(append(append(append(b, byte(len(key)+1+len(value))), key...), '='), value...)
}

// reachable reports whether an address is reached from the link.
func (r *Router) reachable(a ip6.Address) bool {
	return !a.IsLinkLocalUnicast() && a.Network() != r.node.MeshLocal()
}

// publishHosts is the Advertising Proxy (draft-ietf-dnssd-advertising-proxy): the hosts and services that are registered with
// the node are found on the link. A name that somebody has there already gets a number behind it; the mesh does not notice.
func (r *Router) publishHosts(now machine.Time) {
	s := &r.services
	if s.speaker == nil {
		return
	}
	var owners []string
	if r.publishes() {
		domain := dns.MustName(strings.TrimSuffix(r.node.SRPServer().Domain(), "."))
		for _, h := range r.node.SRPServer().Hosts() {
			if a, ok := r.advert(now, h, domain); ok && s.speaker.Set(now, hostOwner+a.Host, &a) == nil {
				owners = append(owners, hostOwner+a.Host)
			}
		}
	}
	for _, o := range s.owners {
		if !slices.Contains(owners, o) {
			_ = s.speaker.Set(now, o, nil)
		}
	}
	s.owners = owners
}

// advert makes what is published of a registered host.
func (r *Router) advert(now machine.Time, h *srp.RegisteredHost, domain dns.Name) (a mdns.Advert, ok bool) {
	label, rest := h.Name.Label()
	if h.Deleted() || h.Expires() <= now || rest.Lower() != domain {
		return a, false
	}
	a = mdns.Advert{Host: label, Key: h.KeyData(), TTL: h.TTL}
	for _, x := range h.Addresses {
		if r.reachable(x) {
			a.Addresses = append(a.Addresses, x.Netip())
		}
	}
	for _, x := range h.Services {
		label, rest := x.Instance.Label()
		if x.Deleted || len(rest) <= len(domain) || !rest.Lower().Under(domain) {
			continue
		}
		v := mdns.Service{Instance: label, Type: (rest[:len(rest)-len(domain)] + "\x00").Text(), Port: x.Port, Priority: x.Priority, Weight: x.Weight, Text: x.Text}
		for _, sub := range x.Subtypes {
			if label, _ := sub.Label(); label != "" {
				v.Subtypes = append(v.Subtypes, label)
			}
		}
		a.Services = append(a.Services, v)
	}
	return a, len(a.Addresses) > 0
}

// MDNSReceived takes in a message of multicast DNS that came to a group of the link. m is borrowed.
func (r *Router) MDNSReceived(now machine.Time, cause machine.Cause, m mdns.Message) {
	if s := r.services.speaker; s != nil {
		r.cause = cause
		r.node.Do(now, cause, func() { s.Receive(now, m) })
	}
}

// Farewell takes back all that was published on the link: the program ends.
func (r *Router) Farewell(now machine.Time, cause machine.Cause) {
	if s := r.services.speaker; s != nil {
		r.cause = cause
		r.node.Do(now, cause, func() { s.Stop(now) })
	}
}

func (r *Router) servicesDeadline() machine.Time {
	if r.services.speaker == nil {
		return machine.Never
	}
	return min(r.services.speaker.Deadline(), r.services.proxy.Deadline())
}

func (r *Router) expireServices(now machine.Time) {
	if s := &r.services; s.speaker != nil {
		s.speaker.Expire(now)
		if s.proxy.Deadline() <= now {
			s.proxy.Expire(now)
		}
	}
}

// beside is the Router as mdns.Env and discovery.Env.
type beside Router

// Send implements mdns.Env.
func (b *beside) Send(_ machine.Time, to netip.AddrPort, message []byte) {
	r := (*Router)(b)
	index, _, _ := r.routing.Link() // before Init nothing is sent
	r.push(machine.Send, &MDNSMessage{Link: index, To: to, Message: r.copy(message)})
}

// Answered implements mdns.Env.
func (b *beside) Answered(now machine.Time) { b.services.proxy.Answered(now) }

// Lookup implements discovery.Env.
func (b *beside) Lookup(now machine.Time, name dns.Name, kind uint16, wait time.Duration) (list []discovery.Found, none bool) {
	found, none := b.services.speaker.Lookup(now, name, kind, wait)
	for _, f := range found {
		list = append(list, discovery.Found(f))
	}
	return list, none
}

// Answer implements discovery.Env.
func (b *beside) Answer(now machine.Time, client netip.AddrPort, message []byte) {
	b.node.AnswerDNS(now, client, message)
}
