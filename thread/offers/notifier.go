package offers

import (
	"encoding/binary"
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/netdata"
	"heddle.example/thread/status"
)

// notifier brings the leader's data in line with what this node offers, and tells it of children that are gone. It asks
// again until the leader has it right (OpenThread network_data_notifier.cpp).
type notifier struct {
	delay   time.Duration // how long after an answer to look again; 0: at once
	timer   machine.Time
	task    machine.Time // a look that waits for the end of the current input
	old     uint16       // the locator under which the leader knows this node's entries
	waiting bool         // for an answer
	asked   machine.Time
	told    bool // the leader was told of something, and not yet that it is gone
}

const (
	staleChildDelay  = 5 * time.Second   // kDelayRemoveStaleChildren
	serverDataDelay  = 300 * time.Second // kDelaySynchronizeServerData
	noRoomDelay      = time.Second       // kDelayNoBufs
	serverDataPath   = "a/sd"
	threadRLOC16     = 2 // Thread TLVs of the management protocol
	threadNetworkTLV = 10
)

func (n *notifier) wake(now machine.Time) { n.task = now }

// Register tells the leader of what this node offers, if that changed (the shell's `netdata register`).
func (m *Manager) Register(now machine.Time) {
	m.role.asked = false
	m.not.delay = 0
	m.not.wake(now)
}

func (m *Manager) expireNotifier(now machine.Time) {
	due := false
	if m.not.timer <= now {
		m.not.timer, due = machine.Never, true
	}
	if m.not.task <= now {
		m.not.task, due = machine.Never, true
	}
	if due {
		m.checkBorderRole(now)
		m.synchronize(now)
	}
}

func (m *Manager) synchronize(now machine.Time) {
	n := &m.not
	if !m.env.Attached() || n.waiting || n.delay != 0 && n.timer != machine.Never {
		return
	}
	if m.env.Router() {
		n.delay = staleChildDelay
		own := m.env.RLOC16()
		for _, r := range m.Data().RLOC16s(nil) {
			if r&0x1ff != 0 && r>>10 == own>>10 && !m.env.ValidChild(r) {
				m.notify(now, nil, r)
				return
			}
		}
	}
	n.delay = serverDataDelay
	if in, soon := m.env.RouterSoon(); soon { // its locator is about to change
		n.timer = now.Add(in + time.Second)
		return
	}
	own := m.env.RLOC16()
	m.local.SetRLOC(own)
	if m.Data().Contains(m.Local(), own) && m.Local().Contains(m.Data(), own) {
		// A child with the stable subset does not see its own locator in it: OpenThread's never takes its last entry back.
		if len(m.local.Bytes) > 0 || !n.told || m.env.FullNetworkData() {
			return
		}
	}
	n.told = len(m.local.Bytes) > 0
	if n.old == own {
		n.old = netdata.InvalidRLOC16
	}
	old := n.old
	n.old = own
	m.checkRoom(now, old)
	m.notify(now, m.local.Bytes, old)
}

// notify sends Server Data to the leader; data nil only removes old.
func (m *Manager) notify(now machine.Time, data []byte, old uint16) {
	var b []byte
	if data != nil || old == netdata.InvalidRLOC16 {
		b = append(append(b, threadNetworkTLV, byte(len(data))), data...)
	}
	if old != netdata.InvalidRLOC16 {
		b = binary.BigEndian.AppendUint16(append(b, threadRLOC16, 2), old)
	}
	m.not.waiting, m.not.asked = true, now
	m.env.Post(now, m.leaderAddress(), serverDataPath, b, m.notified)
}

func (m *Manager) notified(now machine.Time, _ []byte, err error) {
	m.not.waiting = false
	switch {
	case err == nil:
		m.not.timer = now.Add(m.not.delay + time.Millisecond)
	case now.Sub(m.not.asked) < noRoomDelay: // it did not even leave, or was refused
		m.not.delay, m.not.timer = 0, now.Add(noRoomDelay)
	default:
		m.not.wake(now)
	}
}

// checkRoom finds out on a copy whether what this node offers fits, and says so where it does not.
func (m *Manager) checkRoom(now machine.Time, old uint16) {
	if m.env.Leader() {
		return
	}
	r := registry{Editor: netdata.Editor{Bytes: append([]byte(nil), m.reg.Bytes...)}, next: machine.Never}
	var c change
	if old != netdata.InvalidRLOC16 {
		r.removeRLOC(now, old, false, nil, &c)
	}
	own := m.env.RLOC16()
	if netdata.Validate(m.local.Bytes, own) == nil && r.register(now, own, m.local.Bytes, &c) == status.NoBufs {
		m.env.NetworkDataFull(now)
	}
}

// leaderAddress is the leader's anycast address.
func (m *Manager) leaderAddress() ip6.Address { return ip6.RLOC(m.env.MeshLocalPrefix(), alocLeader) }
