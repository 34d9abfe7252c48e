package server

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/machine"
	"heddle.example/machine/machinetest"
)

// few is object links short enough for a transcript.
const few = `</1/0>,</3/0>`

// book is a directory for tests: one map for all shards.
type book map[string]uint8

// page is a shard's view of the book.
type page struct {
	book
	shard uint8
}

func (p page) Claim(ep string) bool {
	if has, ok := p.book[ep]; ok {
		return has == p.shard
	}
	p.book[ep] = p.shard
	return true
}

func (p page) Release(ep string) {
	if p.book[ep] == p.shard {
		delete(p.book, ep)
	}
}

// shardRigs makes n shards that share a directory and a disk.
func shardRigs(t *testing.T, n int, config Config) (book, []*rig) {
	b := book{}
	var rigs []*rig
	for i := range n {
		c := config
		c.Shard, c.Directory, c.Rand = uint8(i), page{b, uint8(i)}, machinetest.NewRand(uint64(i+1))
		rigs = append(rigs, newRig(t, c))
		rigs[i].disk = rigs[0].disk
	}
	return b, rigs
}

// bring carries out the oldest Fetch of a shard, as the driver does.
func bring(b book, from, to *rig) {
	a := to.asks[0]
	to.asks = to.asks[1:]
	h := from.s.HandOver(to.now, a.Cause, a.Value.(*Fetch))
	from.drain()
	if h != nil {
		b[h.Endpoint] = to.s.config.Shard
	} else if ep := a.Value.(*Fetch).Endpoint; ep != "" {
		b[ep] = to.s.config.Shard
	}
	to.s.Fetched(to.now, a.Cause, a.Op, h, nil)
	to.drain()
}

// A device that registers with another shard than the one that has it takes all that is its own along: the registration
// is replaced as always, and the device is asked for its observations again.
func TestRegisterWithAnotherShard(t *testing.T) {
	b, rigs := shardRigs(t, 2, open)
	one, two := rigs[0], rigs[1]
	one.register(device, "thing", "&lwm2m=1.1", few)
	one.do("thing", &Operation{Kind: Observe, Path: path("/3/0/9")})
	one.answer(coap.Content, coap.Options{}.AddUint(coap.Observe, 5).SetFormat(coap.Text), []byte("80"))
	read := one.do("thing", &Operation{Kind: Read, Path: path("/3/0/0")})
	one.forget()
	elsewhere := device
	elsewhere.Remote = addr("192.0.2.99:1234")
	two.request(elsewhere, coap.POST, "/rd?ep=thing&lwm2m=1.1", few)
	two.expect(`
		> CON POST /rd?ep=thing&lwm2m=1.1 ct=40 "</1/0>,</3/0>"
		? fetch "thing" false`)
	bring(b, one, two)
	one.expect(fmt.Sprintf(`# %d thing read /3/0/0 err=the device registered again before it answered; repeat the operation`, read))
	two.expect(`
		= lwm2m.registration "thing"
		* registered thing 1.1 24h0m0s U replaces true
		< ACK 2.01 location /rd/ID`)
	two.wait(2 * time.Second)
	two.expect(`
		* observation thing /3/0/9 restoring err=<nil>
		< CON GET /3/0/9 observe=0 accept=11542`)
	two.answer(coap.Content, coap.Options{}.AddUint(coap.Observe, 6).SetFormat(coap.Text), []byte("81"))
	if list := two.s.Observations("thing"); len(list) != 1 || list[0].State != Active {
		t.Errorf("observations %+v", list)
	}
	// Nothing is left behind, and what is on disk is the new registration.
	if _, _, ok := one.s.Registration("thing"); ok || one.s.Stats().Observations != 0 {
		t.Error("the first shard still has it")
	}
	checkCounts(t, one.s)
	checkCounts(t, two.s)
	reg, _, _ := two.s.Registration("thing")
	shard, placed, ep, err := Home(RegistrationTable, []byte("thing"), two.disk["lwm2m.registration thing"])
	if shard != 1 || !placed || ep != "thing" || err != nil || reg.ID.Shard != 1 {
		t.Errorf("home %d %v %q %v", shard, placed, ep, err)
	}
	// And back again.
	one.now = two.now
	one.request(device, coap.POST, "/rd?ep=thing&lwm2m=1.1", links)
	bring(b, two, one)
	if _, _, ok := one.s.Registration("thing"); !ok || b["thing"] != 0 {
		t.Error("it did not come back")
	}
}

// An Update may reach another shard too: over a new secure session, or from an address that belongs to another one. It
// gets the registration if it may.
func TestUpdateWithAnotherShard(t *testing.T) {
	b, rigs := shardRigs(t, 2, open)
	one, two := rigs[0], rigs[1]
	at := one.register(device, "thing", "&lwm2m=1.1&lt=300", links)
	one.forget()
	elsewhere := device
	elsewhere.Remote = addr("192.0.2.99:1234")
	two.request(elsewhere, coap.POST, at, "")
	two.expect(`
		> CON POST /rd/ID
		? fetch "" true`)
	bring(b, one, two)
	two.expect(`
		= lwm2m.registration "thing"
		* updated thing changed=true 5m0s
		< ACK 2.04`)
	one.expect("")
	if b["thing"] != 1 {
		t.Errorf("the directory says %v", b)
	}
	// Not for somebody else: on a plain path the number is the proof, on a secure one it is the identity.
	stranger := elsewhere
	stranger.Security = &machine.Identity{Kind: machine.PSK, Name: "stranger", Session: 77}
	if h := two.s.HandOver(two.now, 1, &Fetch{ID: mustID(t, at), Path: stranger}); h != nil {
		t.Error("a stranger got it")
	}
	// One that nobody has is answered as always.
	one.now = two.now
	one.request(device, coap.POST, "/rd/"+RegistrationID{1, 99}.String(), "")
	one.forget()
	bring(b, two, one)
	one.expect(`< ACK 4.04`)
}

func mustID(t *testing.T, location string) RegistrationID {
	t.Helper()
	id, ok := ParseRegistrationID([]byte(location[len("/rd/"):]))
	if !ok {
		t.Fatalf("location %q", location)
	}
	return id
}

// Where the other shard cannot give it, the device is told to come again, and nothing stays behind.
func TestFetchFails(t *testing.T) {
	b, rigs := shardRigs(t, 2, open)
	one, two := rigs[0], rigs[1]
	one.register(device, "thing", "", links)
	elsewhere := device
	elsewhere.Remote = addr("192.0.2.99:1234")
	two.request(elsewhere, coap.POST, "/rd?ep=thing", links)
	two.forget()
	two.s.Fetched(two.now, 1, two.asks[0].Op, nil, ErrMoving)
	two.drain()
	two.expect(`
		* refused "thing" "" 5.03: lwm2m/server: the endpoint is moving between two shards
		< ACK 5.03 "lwm2m/server: the endpoint is moving between two shards"`)
	// No answer at all: after ten seconds.
	two.asks = nil
	two.request(elsewhere, coap.POST, "/rd?ep=thing", links)
	two.wait(11 * time.Second)
	if m := two.lastReply(); m.Code != coap.ServiceUnavailable || len(two.s.fetches) != 0 {
		t.Errorf("%s, %d wait", m.Code, len(two.s.fetches))
	}
	// The answer that comes too late brings what now belongs to nobody: it is kept as it was.
	late := two.asks[0]
	h := one.s.HandOver(two.now, 1, late.Value.(*Fetch))
	b["thing"] = 1
	two.s.Fetched(two.now, 1, late.Op, h, nil)
	two.drain()
	if _, _, ok := two.s.Registration("thing"); !ok || b["thing"] != 1 {
		t.Error("the registration was lost on its way")
	}
	// They are bounded.
	b["other"] = 0
	for i := range maxHeld + 1 {
		elsewhere.Remote = netip.AddrPortFrom(elsewhere.Remote.Addr(), uint16(2000+i))
		two.request(elsewhere, coap.POST, "/rd?ep=other", links)
	}
	if m := two.lastReply(); m.Code != coap.ServiceUnavailable || len(two.s.fetches) != maxHeld {
		t.Errorf("%s, %d wait", m.Code, len(two.s.fetches))
	}
}

// The directory forgets an endpoint as soon as nothing belongs to it, and not before.
func TestDirectoryForgets(t *testing.T) {
	b, rigs := shardRigs(t, 1, Config{Unknown: AcceptUnknown, Limits: Limits{Payload: 100}})
	r := rigs[0]
	at := r.register(device, "thing", "&lwm2m=1.1", links)
	r.do("thing", &Operation{Kind: Observe, Path: path("/3/0/9")})
	r.answer(coap.Content, coap.Options{}.AddUint(coap.Observe, 5).SetFormat(coap.Text), []byte("80"))
	r.request(device, coap.DELETE, at, "")
	if _, ok := b["thing"]; !ok {
		t.Error("it was forgotten with an observation waiting")
	}
	r.do("thing", &Operation{Kind: CancelObserve, Path: path("/3/0/9")})
	r.request(device, coap.POST, "/rd?ep=bad", "</nonsense")
	r.request(device, coap.POST, "/rd?ep=", links)
	r.register(device, "other", "", links)
	r.s.Forget(r.now, 1, "other")
	r.drain()
	if len(b) != 0 {
		t.Errorf("the directory still has %v", b)
	}
}

func TestHomeOfWhatCannotBeRead(t *testing.T) {
	for table, key := range map[machine.Table]string{sessionTable: "", RegistrationTable: "thing"} {
		if _, _, _, err := Home(table, []byte(key), []byte{9, 9}); !errors.Is(err, errRecord) && err == nil {
			t.Errorf("%s: no error", table)
		}
	}
	if _, placed, ep, err := Home(ObservationTable, []byte("thing\x00/3/0/9"), nil); placed || ep != "thing" || err != nil {
		t.Errorf("%v %q %v", placed, ep, err)
	}
}
