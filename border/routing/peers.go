package routing

import (
	"slices"
	"time"

	"heddle.example/machine"
)

// peer is another border router of the mesh, by the network data.
type peer struct {
	rloc16 uint16
	found  machine.Time
}

const maxPeers = 64

// findPeers looks for border routers in the network data.
func (m *Manager) findPeers(now machine.Time) {
	list := m.env.Data().BorderRouters(nil)
	own := m.env.RLOC16()
	m.peers = slices.DeleteFunc(m.peers, func(p peer) bool { return p.rloc16 == own || !slices.Contains(list, p.rloc16) })
	for _, r := range list {
		known := slices.ContainsFunc(m.peers, func(p peer) bool { return p.rloc16 == r })
		if r != own && !known && len(m.peers) < maxPeers {
			m.peers = slices.Insert(m.peers, 0, peer{r, now})
		}
	}
	m.ail.update(now, m)
}

const (
	ailDetectTime = 10 * time.Minute
	ailClearTime  = time.Minute
)

// ail finds out whether border routers of the mesh stand on different infrastructure links: then we hear fewer of them there
// than the network data name.
type ail struct {
	at       machine.Time
	detected bool
}

func (a *ail) stop() { *a = ail{at: machine.Never} }

func (a *ail) update(now machine.Time, m *Manager) {
	if !m.running || m.c.NoLink {
		return
	}
	switch several := len(m.peers) > m.rx.factors.peers; {
	case several == a.detected:
		a.at = machine.Never
	case a.at != machine.Never:
	case several:
		a.at = now.Add(ailDetectTime)
	default:
		a.at = now.Add(ailClearTime)
	}
}

func (a *ail) expire(now machine.Time, m *Manager) {
	a.detected = !a.detected
	m.env.AILs(now, a.detected)
}

// SeveralAILs reports whether the mesh has border routers on several infrastructure links.
func (m *Manager) SeveralAILs() bool { return m.ail.detected }

// Peer is another border router of the mesh.
type Peer struct {
	RLOC16 uint16
	Age    time.Duration // since it is in the network data
}

// Peers returns the mesh's other border routers, the newest first.
func (m *Manager) Peers(now machine.Time) (list []Peer) {
	for _, p := range m.peers {
		list = append(list, Peer{p.rloc16, now.Sub(p.found)})
	}
	return list
}
