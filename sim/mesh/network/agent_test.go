package network

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"heddle.example/machine"
	"heddle.example/sim/mesh"
	"heddle.example/thread"
	"heddle.example/thread/borderagent"
	"heddle.example/thread/info"
	"heddle.example/thread/ip6"
	"heddle.example/thread/joining"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/tlv"
)

// phone is an external commissioner. Its way to the border agent is the UDP of a node that knows nothing of it.
type phone struct {
	*joining.External
	node   *Node
	agent  ip6.Address
	port   uint16
	socket thread.SocketID
	events []string
}

func (p *phone) SendAgent(now machine.Time, b []byte) {
	b = bytes.Clone(b)
	p.node.Input(func(now machine.Time, n *thread.Node) {
		_ = n.SendUDP(now, 0, p.socket, thread.UDPMessage{Dst: p.agent, Port: p.port, Payload: b})
	})
}

func (p *phone) SessionChanged(_ machine.Time, connected bool, reason error) {
	p.events = append(p.events, fmt.Sprint("connected ", connected))
}

func (p *phone) CommissionerChanged(_ machine.Time, s joining.CommissionerState) {
	p.events = append(p.events, s.String())
}

func (p *phone) JoinerEvent(_ machine.Time, e joining.JoinerEvent, _ *meshcop.JoinerID) {
	p.events = append(p.events, string(e))
}

func (p *phone) DatasetChanged(machine.Time) { p.events = append(p.events, "dataset changed") }

// outside is a mesh of a leader and the border agent behind it, with somebody who wants to commission.
type outside struct {
	*Network
	leader, agent, joiner *Node
	phone                 *phone
}

func newOutside(t *testing.T) *outside {
	t.Helper()
	w := &outside{Network: New(5, mesh.Config{})}
	w.leader = w.Add(NodeConfig{})
	w.leader.Join(Dataset(0))
	w.Run(15 * time.Second)
	w.agent = w.Add(NodeConfig{Position: mesh.Position{X: 60}})
	w.agent.Join(Dataset(0))
	host := w.Add(NodeConfig{Position: mesh.Position{X: 60, Y: 20}})
	host.Join(Dataset(0))
	w.Run(150 * time.Second)
	w.phone = &phone{node: host, agent: w.agent.EID()}
	w.phone.External = joining.NewExternal(w.World.Rand("phone"), 4, w.phone)
	host.OnEvent = func(now machine.Time, a machine.Action) {
		if d, ok := a.Value.(*thread.Datagram); ok {
			w.phone.Receive(now, d.Payload)
		}
	}
	host.Input(func(now machine.Time, n *thread.Node) {
		id, err := n.OpenUDP()
		if err == nil {
			err = n.BindUDP(id, ip6.Unspecified, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
		w.phone.socket = id
	})
	return w
}

// until lets time pass, and the phone's timers fire.
func (w *outside) until(d time.Duration, ok func() bool) bool {
	for end := w.World.Now().Add(d); !ok(); {
		if w.World.Now() >= end {
			return false
		}
		w.Run(50 * time.Millisecond)
		if w.phone.Deadline() <= w.World.Now() {
			w.phone.Expire(w.World.Now())
		}
	}
	return true
}

func (w *outside) says(t *testing.T, d time.Duration, event string) {
	t.Helper()
	if !w.until(d, func() bool { return slices.Contains(w.phone.events, event) }) {
		t.Fatalf("not %q within %v but %q", event, d, w.phone.events)
	}
	w.phone.events = nil
}

func (w *outside) border() *borderagent.Agent { return w.agent.Thread().BorderAgent() }

func (w *outside) connect(t *testing.T, port uint16, password []byte) {
	t.Helper()
	w.phone.port, w.phone.events = port, nil
	if err := w.phone.Connect(w.World.Now(), password); err != nil {
		t.Fatal(err)
	}
}

func TestExternalCommissioner(t *testing.T) {
	w := newOutside(t)
	p, pskc := w.phone, Dataset(0).PSKc
	if !w.border().Running() {
		t.Fatal("no border agent")
	}
	w.connect(t, w.border().Port(), []byte("not the password"))
	w.says(t, 2*time.Minute, "connected false")
	w.connect(t, w.border().Port(), pskc[:])
	w.says(t, time.Minute, "connected true")

	var active []byte
	p.Dataset(w.World.Now(), false, func(_ machine.Time, b []byte, err error) {
		if active = bytes.Clone(b); err != nil {
			t.Error(err)
		}
	})
	w.until(10*time.Second, func() bool { return active != nil })
	if key, ok := tlv.Find(active, meshcop.NetworkKeyTLV); !ok || !bytes.Equal(key, func() []byte { k := w.leader.Thread().NetworkKey(); return k[:] }()) {
		t.Errorf("the dataset is %x", active)
	}

	if err := p.Commissioner.Start(w.World.Now()); err != nil {
		t.Fatal(err)
	}
	w.says(t, 10*time.Second, "active")
	if s := w.border().Sessions(w.World.Now()); len(s) != 1 || !s[0].Commissioner {
		t.Errorf("sessions: %+v", s)
	}
	w.joiner = w.Add(NodeConfig{Position: mesh.Position{X: 60, Y: -40}})
	if err := p.Commissioner.AddJoiner(w.World.Now(), joining.Entry{Kind: joining.ByEUI64, EUI64: w.joiner.Thread().EUI64(), Password: "J01NME"}, 10*time.Minute); err != nil {
		t.Fatal(err)
	}
	w.until(5*time.Second, func() bool { return false })
	done := false
	w.joiner.OnEvent = func(_ machine.Time, a machine.Action) {
		if v, ok := a.Value.(*info.JoinerDone); ok {
			if done = true; v.Err != nil {
				t.Error("the joiner: ", v.Err)
			}
		}
	}
	w.joiner.Input(func(now machine.Time, n *thread.Node) {
		_ = n.Up(now, 0)
		if err := n.JoinerStart(now, 0, joining.JoinerConfig{Password: "J01NME"}); err != nil {
			t.Fatal(err)
		}
	})
	if !w.until(time.Minute, func() bool { return done }) {
		t.Fatal("the joiner does not come to an end: ", p.events)
	}
	w.until(10*time.Second, func() bool { return slices.Contains(p.events, "end") })
	for _, e := range []string{"start", "connect", "finalize", "end"} {
		if !slices.Contains(p.events, e) {
			t.Errorf("no %q in %q", e, p.events)
		}
	}

	// A change of the active dataset, and the word of it.
	b := tlv.AppendUint64(nil, meshcop.ActiveTimestamp, 9<<16)
	b = tlv.Append(b, meshcop.NetworkName, []byte("renamed"))
	b = tlv.AppendUint16(b, meshcop.CommissionerSession, p.Commissioner.Session())
	var state byte
	p.AskLeader(w.World.Now(), "c/as", b, func(_ machine.Time, answer []byte, err error) {
		if state, _ = tlv.Uint8(answer, meshcop.State); err != nil {
			t.Error(err)
		}
	})
	w.until(20*time.Second, func() bool { return w.agent.Thread().NetworkName() == "renamed" })
	if state != 1 || w.agent.Thread().NetworkName() != "renamed" {
		t.Errorf("state %d, the network's name is %q", state, w.agent.Thread().NetworkName())
	}

	w.until(3*time.Minute, func() bool { return false })
	if p.Commissioner.State() != joining.Active || len(w.border().Sessions(w.World.Now())) != 1 {
		t.Error("keep-alives do not keep the session alive: ", p.events)
	}
	p.Close(w.World.Now())
	w.says(t, 10*time.Second, "connected false")
	w.until(2*time.Second, func() bool { return false })
	if s := w.border().Sessions(w.World.Now()); len(s) != 0 {
		t.Errorf("sessions: %+v", s)
	}
	if c := w.border().Counters; c.PSKcSessions != 1 || c.PSKcFailures != 1 || c.PSKcPetitions != 1 || c.ActiveGets != 2 {
		t.Errorf("%+v", c)
	}
}

// A session without a sign of life ends; so does a commissioner whose border agent has gone.
func TestSilentSession(t *testing.T) {
	w := newOutside(t)
	pskc := Dataset(0).PSKc
	w.connect(t, w.border().Port(), pskc[:])
	w.says(t, time.Minute, "connected true")
	w.Run(51 * time.Second) // the phone sleeps
	if s := w.border().Sessions(w.World.Now()); len(s) != 0 {
		t.Errorf("sessions: %+v", s)
	}
	w.Run(2 * time.Minute)
	if d := w.border().Deadline(); d != machine.Never {
		t.Errorf("a border agent that nobody talks to wakes at %v", d)
	}
}

func TestEphemeralKey(t *testing.T) {
	w := newOutside(t)
	var states []string
	w.agent.OnEvent = func(_ machine.Time, a machine.Action) {
		if v, ok := a.Value.(*info.EphemeralKeyState); ok {
			states = append(states, v.State)
		}
	}
	start := func(timeout time.Duration) {
		t.Helper()
		w.agent.Input(func(now machine.Time, n *thread.Node) {
			if err := n.StartEphemeralKey(now, 0, "989710128", timeout, 0); err != nil {
				t.Fatal(err)
			}
		})
	}
	want := func(list ...string) {
		t.Helper()
		if !slices.Equal(states, list) {
			t.Errorf("states %q, not %q", states, list)
		}
		states = nil
	}
	start(5 * time.Second)
	w.Run(6 * time.Second)
	want("Started", "Stopped")

	start(0)
	w.connect(t, w.border().KeyPort(), []byte("989710128"))
	w.says(t, time.Minute, "connected true")
	if err := w.phone.Commissioner.Start(w.World.Now()); err != nil {
		t.Fatal(err)
	}
	w.says(t, 10*time.Second, "active")
	w.phone.Close(w.World.Now())
	w.until(5*time.Second, func() bool { return false })
	want("Started", "Connected", "Accepted", "Stopped")

	start(10 * time.Minute)
	for i := range 11 { // who guesses has ten attempts
		w.connect(t, w.border().KeyPort(), []byte("123456789"))
		if w.border().KeyPort() == 0 {
			if i < 9 {
				t.Errorf("after %d attempts", i)
			}
			break
		}
		w.says(t, 3*time.Minute, "connected false")
	}
	want("Started", "Stopped")
	if c := w.border().Counters; c.KeyActivations != 3 || c.KeyTimeouts != 1 || c.KeyDisconnects != 1 || c.KeyMaxAttempts != 1 || c.KeySessions != 1 || c.KeyPetitions != 1 {
		t.Errorf("%+v", c)
	}
}

// The channel monitor counts how often something is heard, and goes on beside traffic.
func TestChannelMonitor(t *testing.T) {
	net := New(7, mesh.Config{})
	a, b := net.Add(NodeConfig{}), net.Add(NodeConfig{Position: mesh.Position{X: 10}})
	a.Join(Dataset(0))
	net.Run(10 * time.Second)
	b.Join(Dataset(0))
	net.Run(10 * time.Second)
	a.Input(func(now machine.Time, n *thread.Node) {
		if err := n.SetChannelMonitor(now, true); err != nil {
			t.Fatal(err)
		}
	})
	net.Run(10 * time.Minute)
	m := a.Thread().ChannelMonitor()
	if m.Count < 10 || m.Count > 18 {
		t.Errorf("%d samples in ten minutes", m.Count)
	}
	if p := a.Ping(b.EID()); p.Received != 1 {
		t.Error("no echo")
	}
}

// The monitor leaves a user's scan alone: it comes to its end, and the monitor goes on after it.
func TestChannelMonitorWaitsForAScan(t *testing.T) {
	net := New(8, mesh.Config{})
	a := net.Add(NodeConfig{})
	a.Join(Dataset(0))
	if !net.RunUntil(a.Attached, time.Minute) {
		t.Fatal("no leader")
	}
	var op machine.OpID
	results, energies := 0, 0
	a.OnEvent = func(_ machine.Time, act machine.Action) {
		switch act.Value.(type) {
		case *info.Done:
			if results++; act.Op != op {
				t.Errorf("result of %d, not of %d", act.Op, op)
			}
		case *info.EnergyResult:
			energies++
		}
	}
	a.Input(func(now machine.Time, n *thread.Node) {
		if err := n.SetChannelMonitor(now, true); err != nil {
			t.Fatal(err)
		}
		var err error
		if op, err = n.EnergyScan(now, 0, 1<<15, 60_000); err != nil {
			t.Fatal(err)
		}
	})
	net.Run(70 * time.Second)
	if results != 1 || energies != 1 {
		t.Errorf("%d results, %d measurements", results, energies)
	}
	net.Run(2 * time.Minute)
	if m := a.Thread().ChannelMonitor(); m.Count == 0 || results != 1 || energies != 1 {
		t.Errorf("%+v, %d results, %d measurements", m, results, energies)
	}
}
