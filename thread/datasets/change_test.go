package datasets

import (
	"bytes"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/machine/machinetest"
	"heddle.example/thread/meshcop"
)

// The network of the recordings.
const recorded = "0e08 0000000000010000 | 0003 00000f | 3506 0004001fffe0 | 0208 dead00beef00cafe | 0708 fd000db800000000 |" +
	"0510 00112233445566778899aabbccddeeff | 0306 686564646c65 | 0102 abcd | 0410 3aa55f91ca47d1e4e71a08cb35e91591 | 0c04 02a0f7f8"

// The recording dataset-change: a router's MGMT_ACTIVE_SET (frame 32), the dataset that the leader spreads (frame 39), its
// pending dataset (frame 59), and 30 s later the new channel, PAN and key everywhere.
func TestChangeAsRecorded(t *testing.T) {
	w := &world{}
	leader := w.add("leader", "leader", 0x0c00, recorded)
	router := w.add("router", "router", 0x8400, recorded)
	leader.StartLeader(w.now)
	w.log = nil

	if err := router.MgmtSet(w.now, false, dataset(t, "0e0800000000000a0000 0307 72656e616d6564"), nil); err != nil {
		t.Fatal(err)
	}
	w.run(0)
	w.want(t, "0.000 router post fc00 c/as 0e0800000000000a0000030772656e616d6564", "0.000 leader params 1000000000")
	if b, _ := leader.AppendDataset(w.now, nil, false); !bytes.Equal(b, unhex("0307 72656e616d6564")) || leader.Timestamp(false) != meshcop.NewTimestamp(10, 0, false) {
		t.Fatalf("the leader spreads %x", b)
	}
	leader.mle(t, router)
	if p := router.Params(); p.NetworkName != "renamed" || router.disk[0] == nil {
		t.Fatal(p)
	}
	w.log = nil

	// What the user of the leader commits as pending.
	if err := leader.SetPending(w.now, dataset(t, "0307 72656e616d6564 | 0e08 0000000000140000 | 0510 0f0e0d0c0b0a09080706050403020100 |"+
		"0102 1234 | 0003 000014 | 3308 0000000000140000 | 3404 00007530")); err != nil {
		t.Fatal(err)
	}
	w.run(169 * time.Millisecond)
	b, _ := leader.AppendDataset(w.now, nil, true)
	if !bytes.Equal(b, unhex("0307 72656e616d6564 0e08 0000000000140000 0510 0f0e0d0c0b0a09080706050403020100 0102 1234 0003 000014 3404 00007487")) {
		t.Fatalf("pending %x", b)
	}
	leader.mle(t, router)
	w.run(29830 * time.Millisecond)
	w.want(t)
	w.run(2 * time.Millisecond)
	w.want(t, "30.000 leader params 10100001000", "30.000 router params 10100001000")
	for _, n := range w.nodes {
		p := n.Params()
		if p.Channel != 20 || p.PANID != 0x1234 || p.NetworkKey[0] != 0x0f || p.NetworkName != "renamed" || n.disk[1] != nil || n.Deadline() < w.now.Add(time.Hour) {
			t.Errorf("%s: %+v", n.name, p)
		}
		if d, ok := n.Pending(w.now); ok {
			t.Errorf("%s: pending %x", n.name, d.Bytes())
		}
	}
}

// A node whose dataset is newer than the network's gives it to the leader, again and again until it is taken.
func TestNewerDatasetGoesToTheLeader(t *testing.T) {
	w := &world{}
	leader := w.add("leader", "leader", 0x0c00, recorded)
	child := w.add("child", "child", 0x0c01, recorded)
	w.log, w.lost = nil, true
	if err := child.SetActive(w.now, dataset(t, "0e08 0000000000070000 0304 6e616d65")); err != nil {
		t.Fatal(err)
	}
	w.run(6 * time.Second)
	w.want(t, "0.000 child post fc00 c/as 0e080000000000070000"+"03046e616d65", "5.000 child post fc00 c/as 0e080000000000070000"+"03046e616d65")
	w.lost = false
	w.run(5 * time.Second)
	w.want(t, "10.000 child post fc00 c/as 0e080000000000070000"+"03046e616d65", "10.000 leader params 1000000000")
	leader.mle(t, child)
	w.log = nil
	w.run(time.Minute)
	w.want(t)
	if leader.version != 2 || child.Params().NetworkName != "name" { // Save and HandleSetOrReplace both count
		t.Error(leader.version, child.Params().NetworkName)
	}
}

// What a leader accepts of others and of commissioners.
func TestMgmtSetVerdicts(t *testing.T) {
	const name = "0304 6e616d65"
	for _, x := range []struct {
		name, path, request string
		accepted            bool
		active, pending     string // of the leader afterwards, where it differs
	}{
		{name: "same timestamp", path: "c/as", request: "0e08 0000000000010000" + name},
		{name: "no timestamp", path: "c/as", request: name},
		{name: "a name without a session replaces all", path: "c/as", request: "0e08 0000000000020000" + name, accepted: true, active: "0e080000000000020000" + "03046e616d65"},
		{name: "malformed", path: "c/as", request: "0e08 0000000000020000 0304 6e61"},
		{name: "a TLV twice", path: "c/as", request: "0e08 0000000000020000" + name + name},
		{name: "a bad channel", path: "c/as", request: "0e08 0000000000020000 0003 000005"},
		{name: "a new channel waits", path: "c/as", request: "0e08 0000000000020000 0003 000014", accepted: true,
			pending: "0e080000000000020000" + "0003000014" + "33080000000000020000" + "3404000003e8"},
		{name: "a commissioner's may not", path: "c/as", request: "0b02 1234 0e08 0000000000020000 0003 000014"},
		{name: "a wrong session", path: "c/as", request: "0b02 1235 0e08 0000000000020000" + name},
		{name: "a commissioner's name", path: "c/as", request: "0b02 1234 0e08 0000000000020000" + name, accepted: true,
			active: "000300000f 35060004001fffe0 0208dead00beef00cafe 0708fd000db800000000 051000112233445566778899aabbccddeeff 0102abcd 04103aa55f91ca47d1e4e71a08cb35e91591 0c0402a0f7f8 0e080000000000020000 03046e616d65"},
		{name: "replace needs all", path: "c/ar", request: "0b02 1234 0e08 0000000000020000" + name},
		{name: "pending without its timestamp", path: "c/ps", request: "0e08 0000000000020000 3404 00000000"},
		{name: "pending with an old active timestamp", path: "c/ps", request: "0e08 0000000000010000 3308 0000000000010000 3404 00000000"},
		{name: "pending, the delay is made longer", path: "c/ps", request: "0e08 0000000000020000 3308 0000000000010000 3404 00000001", accepted: true,
			pending: "0e080000000000020000 33080000000000010000 3404000003e8"},
		{name: "pending, the delay is made shorter", path: "c/ps", request: "0e08 0000000000020000 3308 0000000000010000 3404 ffffffff", accepted: true,
			pending: "0e080000000000020000 33080000000000010000 34040f731400"},
		{name: "pending with a new key may be old", path: "c/ps", request: "0e08 0000000000000000 3308 0000000000010000 3404 00002000 0510 ffffffffffffffffffffffffffffffff", accepted: true,
			pending: "0e080000000000000000 33080000000000010000 0510ffffffffffffffffffffffffffffffff 340400002000"},
	} {
		t.Run(x.name, func(t *testing.T) {
			w := &world{}
			leader := w.add("leader", "leader", 0x0c00, recorded)
			leader.commissioning = unhex("0b021234")
			other := w.add("other", "router", 0x8400, recorded)
			var answer []byte
			other.Post(w.now, other.leaderALOC(), x.path, unhex(x.request), func(_ machine.Time, b []byte, _ error) { answer = b })
			w.run(0)
			if want := map[bool]string{true: "100101", false: "1001ff"}[x.accepted]; !bytes.Equal(answer, unhex(want)) {
				t.Errorf("answer %x, want %s", answer, want)
			}
			if x.active == "" {
				x.active = recorded
			}
			if a, _ := leader.Active(w.now); !bytes.Equal(a.Bytes(), unhex(x.active)) {
				t.Errorf("active %x", a.Bytes())
			}
			if p, _ := leader.Pending(w.now); !bytes.Equal(p.Bytes(), unhex(x.pending)) {
				t.Errorf("pending %x", p.Bytes())
			}
		})
	}
}

func TestMgmtGet(t *testing.T) {
	w := &world{}
	leader := w.add("leader", "leader", 0x0c00, recorded)
	get := func(request string) string { return string(leader.AppendGet(w.now, nil, false, unhex(request), true)) }
	if get("") != string(unhex(recorded)) || get("0d02 0105") != string(unhex("0510 00112233445566778899aabbccddeeff 0102 abcd")) || get("0d01 33") != "" {
		t.Errorf("%x", get("0d02 0105"))
	}
	leader.params.Policy.ObtainNetworkKey = false
	if get("0d02 0105") != string(unhex("0102 abcd")) || len(get("")) != len(unhex(recorded))-18 {
		t.Errorf("the policy keeps the key: %x", get("0d02 0105"))
	}
	if err := leader.SetPending(w.now, dataset(t, "0e08 0000000000140000 3308 0000000000140000 3404 00007530 0102 1111")); err != nil {
		t.Fatal(err)
	}
	w.run(30 * time.Millisecond)
	if b := leader.AppendGet(w.now, nil, true, unhex("0d01 01"), true); !bytes.Equal(b, unhex("3404 00007512 0102 1111")) {
		t.Errorf("pending %x", b)
	}
}

// Parameters set by hand clear the datasets, and only where the node is not running.
func TestSet(t *testing.T) {
	w := &world{}
	n := w.add("node", "child", 0x0c01, recorded)
	if n.Set(w.now, meshcop.Info{Has: meshcop.HasChannel, Channel: 20}) == nil {
		t.Error("set while running")
	}
	n.role = "disabled"
	if n.Set(w.now, meshcop.Info{Has: meshcop.HasChannel, Channel: 27}) == nil || n.Set(w.now, meshcop.Info{Has: meshcop.HasNetworkName}) == nil {
		t.Error("a bad value")
	}
	if _, ok := n.Active(w.now); !ok || !n.Complete() || !n.Commissioned(w.now) {
		t.Error("no active dataset")
	}
	if n.Set(w.now, meshcop.Info{Has: meshcop.HasChannel, Channel: 20}) != nil || n.Params().Channel != 20 || n.disk[0] != nil {
		t.Error(n.Params())
	}
	if _, ok := n.Active(w.now); ok || n.Complete() || n.PartlyComplete() {
		t.Error("the active dataset is still there")
	}
	if err := n.SetActive(w.now, dataset(t, "0510 00112233445566778899aabbccddeeff")); err != nil || !n.PartlyComplete() {
		t.Error(err)
	}
}

// A node that is reset during the delay goes on waiting.
func TestResetDuringTheDelay(t *testing.T) {
	w := &world{}
	n := w.add("node", "child", 0x0c01, recorded)
	if err := n.SaveDataset(w.now, true, 20<<16, unhex("0e08 0000000000140000 0003 000014 3404 00007530")); err != nil {
		t.Fatal(err)
	}
	w.run(20 * time.Second)
	pending := n.disk[1]
	r := &machinetest.Plain{N: 9}
	n.Manager = New(Config{Rand: r, Now: w.now, Params: DefaultParams(r), Active: n.disk[0], Pending: pending}, n)
	n.Restore(w.now)
	w.run(29 * time.Second)
	if n.Params().Channel != 15 {
		t.Error("too soon")
	}
	n.Restore(w.now) // detached and back: no other delay
	w.run(2 * time.Second)
	if n.Params().Channel != 20 {
		t.Error("not at all")
	}
}
