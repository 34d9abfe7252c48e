package mle

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/neighbor"
)

// refusal is a partition that did not take us in: its router ids were used up, its routers were full or too far from their
// leader. OpenThread asks again with each advertisement that it hears. Where a mesh needs more routers than a partition
// may have, that is all that most nodes then do: six requests, and answers from everybody around, several times a minute.
type refusal struct {
	partition uint32
	until     machine.Time
	wait      time.Duration
	routers   bool // we asked because of a router, not of an end device
}

const (
	mostRefusals    = 4
	refusalWaitMin  = 10 * time.Second
	refusalWaitMax  = 40 * time.Second
	refusalForgiven = 2 * refusalWaitMax // since the end of the last wait
	manyThere       = 12                 // routers, beside a partition of ours that needs nearly all that one may have
)

func (m *MLE) refusalOf(partition uint32) *refusal {
	for i := range m.refused {
		if m.refused[i].partition == partition {
			return &m.refused[i]
		}
	}
	return nil
}

// heldBack says whether we do not try a better partition yet, because it refused us lately. A router's advertisement is news
// where only an end device's was known.
func (m *MLE) heldBack(now machine.Time, partition uint32, router bool) bool {
	r := m.refusalOf(partition)
	return r != nil && now < r.until && (r.routers || !router)
}

// noteRefusal notes an attempt to join a partition that failed. Each one in a row makes the wait twice as long.
func (m *MLE) noteRefusal(now machine.Time, partition uint32, router bool) {
	r := m.refusalOf(partition)
	if r == nil {
		if len(m.refused) < mostRefusals {
			m.refused = append(m.refused, refusal{})
			r = &m.refused[len(m.refused)-1]
		} else {
			r = &m.refused[0]
			for i := range m.refused {
				if m.refused[i].until < r.until {
					r = &m.refused[i]
				}
			}
		}
		*r = refusal{partition: partition}
	}
	if r.wait == 0 || now.Sub(r.until) > refusalForgiven {
		r.wait = refusalWaitMin
	} else {
		r.wait = min(2*r.wait, refusalWaitMax)
	}
	r.routers = router
	r.until = now.Add(r.wait + milliseconds(m.randomIn(0, uint32(r.wait/4/time.Millisecond))))
}

// forgive forgets that a partition refused us: it took us in.
func (m *MLE) forgive(partition uint32) {
	if r := m.refusalOf(partition); r != nil {
		*r = m.refused[len(m.refused)-1]
		m.refused = m.refused[:len(m.refused)-1]
	}
}

// attachRefused is told of an attach that is about to end in vain.
func (m *MLE) attachRefused(now machine.Time) {
	switch c := &m.table.Candidate; {
	case m.attach == attachChildIDRequest:
		m.noteRefusal(now, m.candidate.leaderData.PartitionID, neighbor.IsRouterRLOC16(c.RLOC16))
	case m.attachMode == BetterPartition:
		m.noteRefusal(now, m.ftd.better, m.ftd.betterRouter)
	}
}

// wouldLeaveBehind says whether we would strand others by going to a partition with so many routers: it has no router id for
// us, or it will have none for most of ours, who are as many only because they are needed: router ids are spared.
func (m *MLE) wouldLeaveBehind(routers int) bool {
	return (routers >= neighbor.MaxRouters || routers >= manyThere && m.table.RouterCount() >= scarceIDs) && m.carries()
}

// carries says whether others hang on us.
// A child that could follow would be there already, by itself, as it hears what we hear of that partition's routers. Minimal
// children go where their parent goes, or find another.
func (m *MLE) carries() bool {
	if m.role == Leader && m.table.RouterCount() > 1 {
		return true
	}
	if !m.role.RouterOrLeader() {
		return false
	}
	for c := range m.table.Children(neighbor.InValid) {
		if c.Mode.FTD() {
			return true
		}
	}
	return false
}
