package keys

import (
	"math"
	"math/rand/v2"
	"testing"

	"heddle.example/machine"
	"heddle.example/thread/meshcop"
)

// crashing is a disk that loses what was written last, and an air that knows every key and counter.
type crashing struct {
	t       *testing.T
	disk    []Counters // commit n is disk[n-1]
	durable int
	air     map[string]map[airCounter]bool
}

type airCounter struct {
	nk       meshcop.NetworkKey
	sequence uint32
	counter  uint32
}

func (c *crashing) StoreCounters(_ machine.Time, v Counters) machine.Seq {
	c.disk = append(c.disk, v)
	return machine.Seq(len(c.disk))
}
func (c *crashing) KeySequenceChanged(machine.Time) {}
func (c *crashing) NetworkKeyChanged(machine.Time)  {}

// boot begins with what is on disk, and loses the rest.
func (c *crashing) boot(nk meshcop.NetworkKey) *Manager {
	c.disk = c.disk[:c.durable]
	restored := Counters{}
	if c.durable > 0 {
		restored = c.disk[c.durable-1]
	}
	return New(c, NewCache(), nk, restored)
}

// send is a frame that leaves when its commit is on disk.
func (c *crashing) send(kind string, m *Manager, counter uint32, after machine.Seq, sequences ...uint32) {
	c.durable = max(c.durable, int(after))
	for _, s := range sequences {
		k := airCounter{m.NetworkKey(), s, counter}
		if c.air[kind][k] {
			c.t.Fatalf("%s counter %d is used twice under sequence %d of key %x", kind, counter, s, k.nk[:1])
		}
		c.air[kind][k] = true
	}
}

// A node that was sent on to a later key and restarts does not know the counters of the one before: it goes on above them.
func TestKeyComesBackAfterRestart(t *testing.T) {
	for name, move := range map[string][2]func(m *Manager){
		"sequence": {func(m *Manager) { m.SetSequence(0, 7, Forced) }, func(m *Manager) { m.SetSequence(0, 0, Forced) }},
		"dataset":  {func(m *Manager) { m.SetNetworkKey(0, meshcop.NetworkKey{1}) }, func(m *Manager) { m.SetNetworkKey(0, nk) }},
	} {
		c := &crashing{t: t, air: map[string]map[airCounter]bool{"mac": {}, "mle": {}}}
		m := c.boot(nk)
		frames := func(n int) {
			for range n {
				counter, after := m.NextMAC(0)
				c.send("mac", m, counter, after, m.Sequence())
				counter, after = m.NextMLE(0)
				c.send("mle", m, counter, after, m.Sequence())
			}
		}
		for range 3 {
			frames(2500)
			move[0](m)
			frames(3)
			was := m.Sequence()
			m = c.boot(m.NetworkKey())
			if m.Sequence() != was {
				t.Errorf("%s: sequence %d, then %d", name, was, m.Sequence())
			}
			frames(3)
			move[1](m)
			frames(3)
			m = c.boot(m.NetworkKey())
			frames(3)
		}
	}
}

// No key and counter are used twice, whatever comes, wherever the node crashes: frames, MLE messages, and acks, which are
// secured with the keys before and after the current one, too.
func TestNonceOracle(t *testing.T) {
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		c := &crashing{t: t, air: map[string]map[airCounter]bool{"mac": {}, "mle": {}}}
		key := func() meshcop.NetworkKey { return meshcop.NetworkKey{byte(r.IntN(3))} }
		m := c.boot(key())
		var acks, given, end uint32 // a run that the radio has, and its end
		var commit int              // that it waits for
		for range 2000 {
			switch r.IntN(24) {
			case 0:
				m.SetSequence(0, r.Uint32N(5), Forced)
				given, end = 0, 0
			case 1:
				m.SetNetworkKey(0, key())
				given, end = 0, 0
			case 2:
				m = c.boot(key()) // another dataset may have come to disk than the counters' one
				given, end = 0, 0
			case 3:
				given = m.ReserveAcks(0, 40)
				acks, end, commit = 0, 40, len(c.disk)
			case 4, 5: // the disk comes some commits on
				c.durable += r.IntN(len(c.disk) - c.durable + 1)
			case 6, 7, 8, 9, 10, 11:
				for ; acks < end && commit <= c.durable && r.IntN(8) > 0; acks++ {
					s := m.Sequence()
					c.send("mac", m, given+acks, 0, s, s-1, s+1)
				}
			case 12, 13, 14:
				counter, after := m.NextMLE(0)
				c.send("mle", m, counter, after, m.Sequence())
			default:
				for range r.IntN(100) {
					counter, after := m.NextMAC(0)
					c.send("mac", m, counter, after, m.Sequence())
				}
			}
		}
	}
}

// What has no counter any more does not leave.
func TestCountersUsedUp(t *testing.T) {
	e := new(env)
	m := New(e, NewCache(), nk, Counters{MAC: usedUp - 1, MLE: usedUp - 1})
	for range 3 {
		m.NextMAC(0)
		m.NextMLE(0)
	}
	_, mac := m.NextMAC(0)
	_, mle := m.NextMLE(0)
	if mac != math.MaxUint64 || mle != math.MaxUint64 || m.ReserveAcks(0, 256) != 0 || m.Counters().MAC != usedUp {
		t.Errorf("%d %d %+v", mac, mle, m.Counters())
	}
	if last := e.stored[len(e.stored)-1]; last.MAC < usedUp || last.MLE < usedUp {
		t.Errorf("%+v", last)
	}
}
