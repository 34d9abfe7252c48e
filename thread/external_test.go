package thread_test

import (
	"testing"

	"heddle.example/machine"
	"heddle.example/sim/mesh"
	"heddle.example/sim/mesh/network"
	"heddle.example/thread"
	"heddle.example/thread/ip6"
	"heddle.example/thread/status"
)

// A password that is none leaves nothing open behind: the next one is taken.
func TestConnectAgentAgain(t *testing.T) {
	net := network.New(3, mesh.Config{})
	a := net.Add(network.NodeConfig{})
	a.Input(func(now machine.Time, n *thread.Node) {
		connect := func(password []byte) error {
			return n.ConnectAgent(now, 0, ip6.MustParse("fd00::1"), 49191, password)
		}
		if err := connect(nil); err == nil || err == status.Already {
			t.Error(err)
		}
		if err := connect(make([]byte, 16)); err != nil {
			t.Error(err)
		}
		if err := connect(make([]byte, 16)); err != status.Already {
			t.Error(err)
		}
	})
}
