package srp

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"math/rand/v2"

	"heddle.example/machine"
	"heddle.example/thread/dns"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
)

// An attacker signs whatever he likes, with keys of his own, and replays what others have sent.
func TestHostileUpdates(t *testing.T) {
	for seed := range uint64(15) {
		r := testRand{rand.New(rand.NewPCG(seed, 7))}
		b := newBench(t, seed)
		b.serve()
		b.register() // an honest host
		b.run(time.Second, true)
		honest := b.s.Hosts()[0].Key
		var old [][]byte
		for range 400 {
			b.now = b.now.Add(time.Duration(r.Uint64() % uint64(20*time.Minute)))
			b.run(0, true)
			m := forge(r)
			if len(old) > 0 && r.IntN(4) == 0 {
				m = old[r.IntN(len(old))]
			}
			old = append(old, m)
			b.s.Receive(b.now, Peer{IP: ip6.MustParse("fd00::bad")}, m)
			for _, a := range b.answers {
				if _, _, err := dns.ParseAll(a); err != nil {
					t.Fatalf("seed %d: answer %x", seed, a)
				}
			}
			b.answers = nil
			check(t, seed, b, honest)
		}
		if b.s.Success < 20 || b.s.Refused < 20 || b.s.NameExists < 20 || b.s.FormatError == 0 {
			t.Errorf("seed %d: %d taken, %d refused, %d names of others, %d malformed: this shows little", seed, b.s.Success, b.s.Refused, b.s.NameExists, b.s.FormatError)
		}
	}
}

// check: names have one owner each, leases are within their limits, and the honest host keeps its name.
func check(t *testing.T, seed uint64, b *bench, honest [keySize]byte) {
	t.Helper()
	owners := map[dns.Name][keySize]byte{}
	mine := false
	for _, h := range b.s.Hosts() {
		names := []dns.Name{h.lower}
		for _, s := range h.Services {
			names = append(names, s.lower)
			if !s.Deleted && s.Expires() > b.now.Add(seconds(b.s.limits.MaxLease)) || s.keyExpires() > b.now.Add(seconds(b.s.limits.MaxKeyLease)) {
				t.Fatalf("seed %d: %q is kept too long", seed, s.Instance)
			}
		}
		for _, n := range names {
			if k, ok := owners[n]; ok && k != h.Key {
				t.Fatalf("seed %d: %q has two owners", seed, n)
			}
			owners[n] = h.Key
		}
		mine = mine || h.Key == honest && h.lower == dns.MustName("lamp."+DefaultDomain)
		if len(h.Services) > 2*maxPerHost || len(h.Addresses) > maxAddresses {
			t.Fatalf("seed %d: %d services, %d addresses", seed, len(h.Services), len(h.Addresses))
		}
	}
	if !mine || len(b.s.Hosts()) > maxHosts {
		t.Fatalf("seed %d: %d hosts, the honest one is there: %t", seed, len(b.s.Hosts()), mine)
	}
	if at := b.s.Deadline(); at <= b.now && at != machine.Never {
		t.Fatalf("seed %d: it is late", seed)
	}
}

// forge makes an update of records that make sense here and there, and signs it.
func forge(r testRand) []byte {
	k, _ := newKey(testRand{rand.New(rand.NewPCG(uint64(r.IntN(3)), 1))})
	hosts := []string{"lamp", "evil", "x"}
	name := func() dns.Name {
		s := []string{"", "a.", "a._x._udp.", "_x._udp.", "_s._sub._x._udp.", hosts[r.IntN(3)] + "."}[r.IntN(6)]
		n, _ := dns.ParseName(s + DefaultDomain)
		return n
	}
	host, _ := dns.ParseName(hosts[r.IntN(3)] + "." + DefaultDomain)
	m := message{host: host}
	w := &m.w
	w.Header(uint16(r.Uint64()), flagsUpdate)
	w.Question(dns.MustName(DefaultDomain), dns.TypeSOA)
	w.Section(dns.Authority)
	ttl := []uint32{7200, 7200, 7200, 0, 1}[r.IntN(5)]
	service, _ := dns.ParseName("_x._udp." + DefaultDomain)
	instance, _ := dns.Labels(service, []string{"a.b c", "a", fmt.Sprint(r.IntN(30))}[r.IntN(3)])
	for range r.IntN(3) {
		class := uint16(dns.ClassIN)
		if r.IntN(4) == 0 {
			class = dns.ClassNone
		}
		w.Begin(service, dns.TypePTR, class, ttl)
		w.Name(instance)
		w.End()
		w.Record(instance, dns.TypeANY, dns.ClassANY, 0, nil)
		w.Begin(instance, dns.TypeSRV, dns.ClassIN, ttl)
		w.Append(0, 0, 0, 0, 0, 1)
		w.Name(host)
		w.End()
		w.Record(instance, dns.TypeTXT, dns.ClassIN, ttl, []byte{0})
		instance, _ = dns.Labels(service, fmt.Sprint(r.IntN(30)))
	}
	for range r.IntN(3) {
		data := make([]byte, r.IntN(30))
		r.Fill(data)
		w.Record(name(), []uint16{dns.TypePTR, dns.TypeSRV, dns.TypeTXT, dns.TypeAAAA, dns.TypeKEY, dns.TypeANY}[r.IntN(6)],
			[]uint16{dns.ClassIN, dns.ClassNone, dns.ClassANY}[r.IntN(3)], ttl, data)
	}
	w.Record(host, dns.TypeANY, dns.ClassANY, 0, nil)
	for range r.IntN(20) {
		var a [16]byte
		r.Fill(a[:])
		w.Record(host, dns.TypeAAAA, dns.ClassIN, ttl, a[:])
	}
	w.Record(host, dns.TypeKEY, dns.ClassIN, ttl, append([]byte{2, 1, 3, 13}, publicKey(k)...))
	w.Section(dns.Additional)
	leases := []uint32{0, 1, 7200, 1 << 31, 0xffffffff}
	option := []byte{0, optionLease, 0, 8}
	option = binary.BigEndian.AppendUint32(option, leases[r.IntN(5)])
	option = binary.BigEndian.AppendUint32(option, leases[r.IntN(5)])
	w.Record("\x00", dns.TypeOPT, payloadSize, 0, option)
	b, err := m.signed(uint16(r.Uint64()), k)
	if err != nil {
		panic(err)
	}
	return b
}

// A full server takes what a host says again: only what is new needs room.
func TestRefreshInFullServer(t *testing.T) {
	name := func(i, j int) dns.Name { return dns.MustName(fmt.Sprintf("s%d-%d.%s", i, j, DefaultDomain)) }
	host := func(i, services int) *RegisteredHost {
		h := &RegisteredHost{lower: name(i, 99)}
		for j := range services {
			h.push(&RegisteredService{lower: name(i, j)})
		}
		return h
	}
	s := &Server{}
	for i := range maxAll / maxPerHost {
		s.hosts = append(s.hosts, host(i, maxPerHost))
	}
	if err := s.room(host(0, maxPerHost)); err != nil {
		t.Errorf("a host that is there already: %v", err)
	}
	if err := s.room(host(len(s.hosts), 1)); err != status.NoBufs {
		t.Errorf("one more: %v", err)
	}
	s.hosts[0].Services = s.hosts[0].Services[:maxPerHost-1]
	if err := s.room(host(len(s.hosts), 1)); err != nil {
		t.Errorf("the last one: %v", err)
	}
}
