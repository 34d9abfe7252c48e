package datasets

import (
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/meshcop"
)

// One commissioner at a time; it lasts as long as it says so.
func TestPetition(t *testing.T) {
	w := &world{}
	leader := w.add("leader", "leader", 0x0c00, recorded)
	leader.lead.session = 0x1000
	one := w.add("one", "router", 0x8400, recorded)
	ask := func(path string, request string) func() {
		return func() {
			one.Post(w.now, one.leaderALOC(), path, unhex(request), func(_ machine.Time, b []byte, err error) { w.say(one, "answer %x %v", b, err) })
			w.run(0)
		}
	}
	w.log = nil
	for _, step := range []func(){
		ask("c/lp", "0a03 6f6e65"),
		ask("c/lp", "0a03 74776f"), // another one
		ask("c/la", "1001 01 0b02 1001"),
		ask("c/la", "1001 01 0b02 1002"), // a wrong session
		func() { w.run(40 * time.Second) },
		func() { one.rloc16 = 0x8801 }, // the commissioner has another parent
		ask("c/la", "1001 01 0b02 1001"),
		func() { w.run(49 * time.Second) },
		func() { w.run(2 * time.Second) }, // its time is over
		ask("c/la", "1001 01 0b02 1001"),
		ask("c/lp", "0a03 74776f"),
		ask("c/la", "1001 ff 0b02 1003"), // it resigns
	} {
		step()
	}
	w.want(t,
		"0.000 one post fc00 c/lp 0a036f6e65",
		"0.000 leader commissioning 090284000b021001080100",
		"0.000 one answer 1001010a036f6e650b021001 <nil>",
		"0.000 one post fc00 c/lp 0a0374776f",
		"0.000 one answer 1001ff0a036f6e65 <nil>",
		"0.000 one post fc00 c/la 1001010b021001",
		"0.000 one answer 100101 <nil>",
		"0.000 one post fc00 c/la 1001010b021002",
		"0.000 one answer 1001ff <nil>",
		"40.000 one post fc00 c/la 1001010b021001",
		"40.000 one answer 100101 <nil>",
		"90.000 leader commissioning 0b021002",
		"91.000 one post fc00 c/la 1001010b021001",
		"91.000 one answer 1001ff <nil>",
		"91.000 one post fc00 c/lp 0a0374776f",
		"91.000 leader commissioning 090288010b021003080100",
		"91.000 one answer 1001010a0374776f0b021003 <nil>",
		"91.000 one post fc00 c/la 1001ff0b021003",
		"91.000 leader commissioning 0b021004",
		"91.000 one answer 1001ff <nil>",
	)
}

// What a commissioner asks of other nodes.
func TestScansForACommissioner(t *testing.T) {
	w := &world{}
	c := w.add("com", "router", 0x8400, recorded)
	n := w.add("node", "child", 0x8401, recorded)
	to := ip6.RLOC(c.Params().MeshLocalPrefix, 0x8401)
	n.commissioning = unhex("0902 8400")
	w.log = nil
	if c.AnnounceBegin(w.now, meshcop.AllChannels, 1, 100, to) == nil {
		t.Error("not a commissioner")
	}
	c.session, c.active = 0x1234, true
	if err := c.AnnounceBegin(w.now, 1<<11|1<<26, 2, 100, to); err != nil {
		t.Fatal(err)
	}
	w.run(time.Second)
	w.want(t, "0.000 com post 8401 c/ab 0b021234350600040010002036010237020064",
		"0.000 node announce 11", "0.100 node announce 26", "0.200 node announce 11", "0.300 node announce 26")
	if err := c.Manager.EnergyScan(w.now, 1<<11|1<<12, 2, 32, 1000, to); err != nil {
		t.Fatal(err)
	}
	w.run(10 * time.Second)
	w.want(t, "1.000 com post 8401 c/es 0b0212343506000400180000360102370200203802"+"03e8",
		"2.000 node energy 11 1s", "3.032 node energy 12 1s", "4.064 node energy 11 1s", "5.096 node energy 12 1s",
		"6.596 node post 8400 c/er 3506000400180000"+"3904f5f4f5f4")
	if mask, rssi, ok := meshcop.ParseReport(unhex("35060004001800003904f5f4f5f4")); !ok || mask != 1<<11|1<<12 || len(rssi) != 4 {
		t.Error(mask, rssi, ok)
	}
	if err := c.PANIDQuery(w.now, 0xabcd, meshcop.AllChannels, to); err != nil {
		t.Fatal(err)
	}
	w.run(2 * time.Second)
	w.want(t, "11.000 com post 8401 c/pq 0b02123435060004001fffe00102abcd", "12.000 node scan 07fff800",
		"12.000 node post 8400 c/pc 35060004001000200102abcd")
	if pan, mask, ok := meshcop.ParseConflict(unhex("35060004001000200102abcd")); !ok || pan != 0xabcd || mask != 1<<11|1<<26 {
		t.Error(pan, mask, ok)
	}
	// The commissioner goes: no more scanning for it.
	if err := c.Manager.EnergyScan(w.now, 1<<11, 200, 1000, 10, to); err != nil {
		t.Fatal(err)
	}
	w.run(time.Millisecond)
	n.commissioning = nil
	n.NetworkDataChanged(w.now)
	w.log = nil
	w.run(time.Hour)
	w.want(t)
}

func TestUpdater(t *testing.T) {
	w := &world{}
	leader := w.add("leader", "leader", 0x0c00, recorded)
	var ends []error
	done := func(_ machine.Time, err error) { ends = append(ends, err) }
	d := dataset(t, "0003 000014")
	if err := leader.Update(w.now, d, done); err != nil || !leader.Updating() {
		t.Fatal(err)
	}
	if leader.Update(w.now, d, done) == nil {
		t.Error("two at once")
	}
	w.run(1001 * time.Millisecond)
	if len(ends) != 1 || ends[0] != nil || leader.Params().Channel != 20 || leader.Updating() {
		t.Error(ends, leader.Params().Channel)
	}
	if leader.Update(w.now, d, done) == nil || leader.Update(w.now, dataset(t, "0e080000000000010000"), done) == nil {
		t.Error("nothing to change, or a timestamp of the user's")
	}
	// Another change comes between.
	if err := leader.Update(w.now, dataset(t, "0102 7777"), done); err != nil {
		t.Fatal(err)
	}
	if err := leader.SetPending(w.now, dataset(t, "0e08 0000000900000000 3308 0000000900000000 3404 00007530 0102 1111")); err != nil {
		t.Fatal(err)
	}
	if len(ends) != 2 || ends[1] == nil {
		t.Error(ends)
	}
}

// A commissioner that wants announcements without an end, and then without a pause, does not stop the node's clock.
func TestAnnounceWithoutPause(t *testing.T) {
	w := &world{}
	n := w.add("a", "router", 0x0400, "")
	n.SendAnnounces(w.now, 1<<11|1<<12, 0, time.Second)
	w.run(2500 * time.Millisecond)
	n.SendAnnounces(w.now, 1<<11|1<<12, 0, 0)
	w.run(2 * time.Second)
	n.SendAnnounces(w.now, 0, 0, 0)
	w.run(time.Hour)
	w.want(t, "0.000 a announce 11", "1.000 a announce 12", "2.000 a announce 11", "3.000 a announce 12", "4.000 a announce 11")
}
