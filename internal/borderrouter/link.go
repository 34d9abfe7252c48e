package borderrouter

import (
	"fmt"
	"slices"
	"time"

	"heddle.example/border"
	"heddle.example/border/mdns"
)

// settleTime is how long the names of the mesh may take until they are the mesh's on the link.
const settleTime = 5 * time.Second

// mdns: do computers of the link find the border agent and the mesh's services?
func (x *examination) mdns() Leg {
	for end := time.Now().Add(settleTime); ; {
		if _, err := x.look(); err != nil {
			return trouble(err)
		}
		settled := slices.ContainsFunc(x.saw.Published, func(e mdns.Entry) bool { return e.Owner == border.OwnEntry }) &&
			!slices.ContainsFunc(x.saw.Published, func(e mdns.Entry) bool { return e.State == mdns.Probing })
		if settled || x.deaf != nil || !x.saw.MDNS || time.Now().After(end) || !x.sleep(100*time.Millisecond) {
			break
		}
	}
	l := published(x.saw.Published, x.Infra)
	switch {
	case x.deaf != nil:
		l = Leg{State: Warn, Found: fmt.Sprintf("what the mesh offers is not found on %s: %v", x.Infra, x.deaf), Do: "nothing, if nobody looks for it there (all else works without)"}
	case !x.saw.MDNS:
		l = Leg{State: Broken, Found: x.Infra + " is down", Do: "ip link set " + x.Infra + " up"}
	}
	return l
}

// published says what of the mesh is found on a link.
func published(list []mdns.Entry, link string) (l Leg) {
	agent, services, renamed, open := "", 0, "", 0
	for _, e := range list {
		switch {
		case e.State != mdns.Announced:
			open++
		case e.Owner == border.OwnEntry && e.Type != "":
			agent = e.Label
		case e.Type != "":
			services++
		}
		if e.State == mdns.Announced && e.Label != e.Asked {
			renamed = fmt.Sprintf("; %q is %q there, because another computer has the name", e.Asked, e.Label)
		}
	}
	l = Leg{State: OK, Found: fmt.Sprintf("computers on %s find the border agent %q and %s of the mesh%s", link, agent, count(services, "service", "services"), renamed)}
	switch {
	case agent == "":
		l = Leg{State: Broken, Found: "computers on " + link + " do not find the border agent", Do: "see `ba state` and `br state`; `avahi-browse -rt _meshcop._udp` on another computer shows what is found"}
	case open > 0:
		l.State, l.Do = Warn, "wait, or give them other names: the ones that they have are taken on the link"
		l.Found += fmt.Sprintf("; %s not found yet", count(open, "name is", "names are"))
	}
	return l
}
