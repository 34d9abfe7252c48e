package mle

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
)

// asked is a node that looked for a parent among end devices.
type asked struct {
	ext ieee802154.ExtAddr
	at  machine.Time
}

const (
	mostAsked   = 16
	askedLately = 30 * time.Second
	// sparedFrom is well above the usual upgrade threshold of 16, so that nothing is later than scripts expect it in meshes
	// of up to so many routers.
	sparedFrom = 20
	// sparingFor is how long it is tried with ids scarce. Shorter, and 200 nodes that one partition could hold stay two.
	sparingFor = 3 * time.Minute
)

// sparingFails says whether ids have been scarce for so long that the mesh needs more of them than there are. Then it cannot
// become one partition, and whoever makes room sends nodes to look for a parent that take the id again, without an end.
func (m *MLE) sparingFails() bool {
	f := &m.ftd
	if m.table.RouterCount() < scarceIDs {
		f.scarceSince = 0
		return false
	}
	if f.scarceSince == 0 {
		f.scarceSince = f.now
	}
	return f.now.Sub(f.scarceSince) >= sparingFor
}

// neededAsRouter says whether a node that asks end devices for a parent may need us, who would have to become a router for
// it. As long as there are ids enough it is welcome, as in OpenThread. Then only who asks a second time: who heard of a
// router has gone with that by then. Otherwise everyone chooses the strongest end device around, and 32 router ids are
// used up in a part of the mesh where a dozen would do.
func (m *MLE) neededAsRouter(now machine.Time, ext ieee802154.ExtAddr) bool {
	f := &m.ftd
	if m.sparingFails() || m.table.RouterCount() < sparedFrom {
		return true
	}
	keep := f.asked[:0]
	again := false
	for _, a := range f.asked {
		switch {
		case now.Sub(a.at) > askedLately:
		case a.ext == ext:
			again = true
		default:
			keep = append(keep, a)
		}
	}
	if len(keep) == mostAsked {
		keep = append(keep[:0], keep[1:]...)
	}
	f.asked = append(keep, asked{ext, now})
	return again
}
