package offers

import (
	"bytes"
	"testing"

	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
)

// The registration of the recording address-query, frames 101 to 111: router 0x1800 offers fd11:22::/64, and what the
// leader then sends to all.
func TestRegistrationAsRecorded(t *testing.T) {
	router := newBench("router", 0x1800)
	p := netdata.OnMeshPrefix{Prefix: ip6.MustParsePrefix("fd11:22::/64"), Preferred: true, SLAAC: true, DefaultRoute: true, OnMesh: true, Stable: true}
	if err := router.AddOnMeshPrefix(router.now, p); err != nil {
		t.Fatal(err)
	}
	router.Register(router.now)
	router.run(0)
	router.want(t, "0.000 post fd00:db8:0:0:0:ff:fe00:fc00 a/sd 0a12031000"+"40fd11002200000000"+"050418003300")
	leader := newBench("leader", 0xbc00)
	leader.version, leader.stable = 0xee, 0xcd
	if err := leader.SetCommissioning(leader.now, unhex("0b02 d1da")); err != nil {
		t.Fatal(err)
	}
	leader.log = nil
	if _, ok := leader.request("a/sd", 0x1800, router.posts[0].payload); !ok {
		t.Fatal("no answer")
	}
	// SetCommissioning raised 0xee to 0xef.
	leader.want(t, "0.000 changed 240/206 08040b02d1da"+"03140040fd11002200000000"+"050418003300"+"07021140")
	if s := leader.Data().Stable(nil); !bytes.Equal(s, unhex("0314 0040 fd11002200000000 0504 fffe 3300 0702 1140")) {
		t.Errorf("stable subset %x", s)
	}
	if got := dump(leader.Data()); got != "prefix fd11:22:0:0::/64 3300 0 true 1800\ncontext fd11:22:0:0::/64 1 true true\n" {
		t.Error(got)
	}
	// The router gets the data by MLE, and its answer: nothing is left to do.
	if err := router.SetNetworkData(router.now, 0xef, 0xce, false, leader.Data()); err != nil {
		t.Fatal(err)
	}
	router.posts[0].done(router.now, nil, nil)
	router.log = nil
	router.run(400e9)
	router.want(t)
}
