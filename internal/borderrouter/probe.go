package borderrouter

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"heddle.example/border/nat64"
	"heddle.example/host/outside"
	"heddle.example/machine"
	"heddle.example/thread"
	"heddle.example/thread/dns"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
)

var errSilence = errors.New("no answer")

// exchange sends a datagram from a socket of the node's and returns the first answer that is one. It is sent again twice.
func (x *examination) exchange(dst ip6.Address, port uint16, payload []byte, is func(b []byte) bool) (took time.Duration, err error) {
	got := make(chan struct{}, 1)
	var id thread.SocketID
	err = x.do(func(now machine.Time, n *thread.Node) error {
		var err error
		id, err = n.HandleUDP(func(_ machine.Time, d *thread.Datagram) {
			if d.Peer == dst && d.PeerPort == port && is(d.Payload) {
				select {
				case got <- struct{}{}:
				default:
				}
			}
		})
		return err
	})
	if err != nil {
		return 0, err
	}
	defer x.Seat.Do(context.WithoutCancel(x.ctx), func(_ machine.Time, n *thread.Node) error { return n.CloseUDP(id) })
	wait := x.q.Wait
	for range 3 {
		begun := time.Now()
		err := x.do(func(now machine.Time, n *thread.Node) error {
			return n.SendUDP(now, 0, id, thread.UDPMessage{Dst: dst, Port: port, Payload: payload})
		})
		if err != nil {
			return 0, err
		}
		select {
		case <-got:
			return time.Since(begun), nil
		case <-time.After(wait):
		case <-x.ctx.Done():
			return 0, x.ctx.Err()
		}
		wait *= 2
	}
	return 0, errSilence
}

// query is a DNS query for the A record of a name.
func query(name string) ([]byte, error) {
	q, err := dns.NewQuestion(name, dns.TypeA)
	if err != nil {
		return nil, err
	}
	return dns.AppendHeader(nil, uint16(rand.Uint32()), dns.FlagRecursion, &q, 0), nil
}

// ask4 has the node ask an IPv4 server through NAT64, past the border router's own DNS.
func (x *examination) ask4(server netip.AddrPort) (time.Duration, error) {
	q, err := query(x.q.Name)
	if err != nil {
		return 0, err
	}
	dst := nat64.Embed(x.saw.NAT64, server.Addr().As4())
	return x.exchange(dst, server.Port(), q, func(b []byte) bool { return len(b) >= 12 && b[0] == q[0] && b[1] == q[1] && b[2]&0x80 != 0 })
}

// resolve has the node resolve a name, as all that runs on nodes does.
func (x *examination) resolve(name string) (list []thread.ResolvedAddress, err error) {
	var op machine.OpID
	done := make(chan struct{})
	stop := x.Seat.Listen(func(_ machine.Time, a machine.Action) {
		if v, ok := a.Value.(*thread.Resolved); ok && a.Op == op && op != 0 {
			list, err, op = append(list, v.Addresses...), v.Err, 0
			close(done)
		}
	})
	defer stop()
	no := x.do(func(now machine.Time, n *thread.Node) error {
		var err error
		op, err = n.Resolve(now, 0, name)
		return err
	})
	if no != nil {
		return nil, no
	}
	select {
	case <-done:
		return list, err
	case <-time.After(20 * time.Second):
		return nil, errSilence
	case <-x.ctx.Done():
		return nil, x.ctx.Err()
	}
}

// dns: do names become addresses?
func (x *examination) dns() Leg {
	servers := x.saw.Servers
	if len(servers) == 0 {
		return Leg{State: Broken, Found: "there is no DNS server to ask", Do: "--dns SERVER names one; /etc/resolv.conf names none"}
	}
	list, err := x.resolve(x.q.Name)
	if err == nil && len(list) > 0 {
		var words []string
		for _, a := range list[:min(len(list), 2)] {
			words = append(words, x.name(a.IP))
		}
		return Leg{State: OK, Found: fmt.Sprintf("the node resolves %s: %s", x.q.Name, strings.Join(words, ", "))}
	}
	if err == nil || errors.Is(err, status.NotFound) {
		state := Broken
		if x.q.Name == DefaultName { // nobody has asked for it, and a network of one's own need not know it
			state = Warn
		}
		return Leg{State: state, Found: fmt.Sprintf("%s has no address for %s", strings.Trim(fmt.Sprint(servers), "[]"), x.q.Name),
			Do: "is the name right? --ask NAME, or the field on the page, asks for another one"}
	}
	for _, s := range servers {
		if x.System != nil && x.System.Ask(s, x.q.Name) == nil {
			return Leg{State: Broken, Found: fmt.Sprintf("the node does not resolve %s (%v), though %v answers this computer", x.q.Name, err, s),
				Do: "see `dns config` at the node: whom does it ask?"}
		}
	}
	return Leg{State: Broken, Found: fmt.Sprintf("%s answers nobody", strings.Trim(fmt.Sprint(servers), "[]")), Do: "--dns SERVER names another one"}
}

// name writes an address down as a person knows it.
func (x *examination) name(a ip6.Address) string {
	if v4, ok := nat64.Extract(x.saw.NAT64, a); ok && x.saw.NAT64.Bits != 0 {
		return netip.AddrFrom4(v4).String() + " by NAT64"
	}
	return a.Netip().String()
}

// server: does the LwM2M server answer the node?
func (x *examination) server() Leg {
	if x.q.Server == "" {
		return Leg{State: Skipped, Found: "no server was named", Do: "--server coaps://HOST:PORT, or the field on the page, has it tried"}
	}
	u, err := url.Parse(x.q.Server)
	if err != nil || u.Hostname() == "" || u.Scheme != "coap" && u.Scheme != "coaps" {
		return Leg{State: Broken, Found: fmt.Sprintf("%q is no server", x.q.Server), Do: "coap://HOST:PORT and coaps://HOST:PORT are"}
	}
	port := uint16(5683)
	message, is := ping(), isReset
	if u.Scheme == "coaps" {
		port, message, is = 5684, hello(), isRecord
	}
	if s := u.Port(); s != "" {
		if _, err := fmt.Sscan(s, &port); err != nil {
			return Leg{State: Broken, Found: fmt.Sprintf("%q is no port", s)}
		}
	}
	list, err := x.resolve(u.Hostname())
	if err != nil || len(list) == 0 {
		return Leg{State: Broken, Found: fmt.Sprintf("%s has no address for the node: %v", u.Hostname(), err), Do: "is the name right?"}
	}
	var tried []string
	for _, a := range list {
		name := x.name(a.IP)
		took, err := x.exchange(a.IP, port, message, is)
		if err == nil {
			return Leg{State: OK, Found: fmt.Sprintf("%s port %d (%s) answered the node in %v", name, port, u.Scheme, took.Round(time.Millisecond))}
		}
		tried = append(tried, fmt.Sprintf("%s port %d: %v", name, port, err))
	}
	if a := list[len(list)-1]; a.IP == ip6.Loopback || a.IP4.IsLoopback() {
		return Leg{State: Broken, Found: strings.Join(tried, "; ") + ": nodes do not reach what listens on this computer's loopback",
			Do: "give it an address for nodes, and name that: --alias 198.51.100.1=127.0.0.1, or --alias fdaa::1=::1"}
	}
	do := "does the server run, does it listen on that address, and is there a firewall before it?"
	if x.Out != nil && x.Out.Status().Mode == outside.TUN {
		do += " Does its network know the way back, to the mesh's prefix and to --pool, or is the pool masqueraded?"
	}
	return Leg{State: Broken, Found: strings.Join(tried, "; "), Do: do}
}

// ping is CoAP's: an empty confirmable message, which every endpoint rejects (RFC 7252 section 4.3).
func ping() []byte { return []byte{0x40, 0, byte(rand.Uint32()), byte(rand.Uint32())} }

func isReset(b []byte) bool { return len(b) >= 4 && b[0]>>6 == 1 }

// hello is a ClientHello without a cookie, to which a server answers without remembering it (RFC 6347 section 4.2.1).
func hello() []byte {
	body := []byte{0xfe, 0xfd}
	for range 4 {
		body = binary.BigEndian.AppendUint64(body, rand.Uint64())
	}
	body = append(body, 0, 0) // no session, no cookie
	suites := []uint16{0xc0a8, 0x00a8, 0xc0ae, 0xc02b, 0x00ff}
	body = binary.BigEndian.AppendUint16(body, uint16(2*len(suites)))
	for _, s := range suites {
		body = binary.BigEndian.AppendUint16(body, s)
	}
	body = append(body, 1, 0)
	n := len(body)
	handshake := append([]byte{1, 0, byte(n >> 8), byte(n), 0, 0, 0, 0, 0, 0, byte(n >> 8), byte(n)}, body...)
	record := append([]byte{22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0}, byte(len(handshake)>>8), byte(len(handshake)))
	return append(record, handshake...)
}

// isRecord: HelloVerifyRequest, ServerHello or an alert.
func isRecord(b []byte) bool { return len(b) >= 13 && (b[0] == 22 || b[0] == 21) && b[1] == 0xfe }
