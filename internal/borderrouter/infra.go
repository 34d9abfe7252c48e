package borderrouter

import (
	"slices"

	"heddle.example/border"
	"heddle.example/border/mdns"
	"heddle.example/border/nd"
	"heddle.example/border/routing"
	"heddle.example/host/infra"
	"heddle.example/machine"
)

// openInfra opens the infrastructure link that the options name.
func (g *Gateway) openInfra() (err error) {
	if g.o.Infra == "" {
		return nil
	}
	g.link, err = infra.Open(infra.Options{Interface: g.o.Infra, Receive: g.heard, Changed: g.linkChanged})
	if err == nil && !g.o.NoMDNS {
		g.mdns, g.deaf = infra.OpenMDNS(g.o.Infra, g.heardMDNS) // packets pass without it, and the doctor tells
	}
	return err
}

// infra returns what the router is told of the link.
func (g *Gateway) infra() border.Infra {
	if g.link == nil {
		return border.Infra{None: true}
	}
	return border.Infra{Address: g.link.Address(), Link: g.link.Hardware(), Index: g.link.Index(), Up: g.link.Up(), Enable: true, MDNS: g.mdns != nil}
}

// heard takes a message of the link, on a goroutine of its own. One that comes before the start is lost: routers say it again.
func (g *Gateway) heard(m nd.Packet) {
	m.ICMPv6 = slices.Clone(m.ICMPv6)
	g.post(func(now machine.Time) {
		if g.router != nil {
			g.router.InfraReceived(now, g.next(), m)
		}
	})
}

func (g *Gateway) linkChanged(up bool) {
	g.post(func(now machine.Time) {
		if g.router != nil {
			_ = g.router.Do(now, g.next(), func(m *routing.Manager) error { m.SetLink(now, up); return nil })
		}
	})
}

// maxMDNS is how many messages of multicast DNS may wait for the node; what is more is lost, as on the link.
const maxMDNS = 64

// heardMDNS takes a message of multicast DNS, on a goroutine of its own.
func (g *Gateway) heardMDNS(m mdns.Message) {
	if g.waiting.Add(1) > maxMDNS {
		g.waiting.Add(-1)
		return
	}
	m.Data = slices.Clone(m.Data)
	taken := g.post(func(now machine.Time) {
		g.waiting.Add(-1)
		if g.router != nil {
			g.router.MDNSReceived(now, g.next(), m)
		}
	})
	if !taken {
		g.waiting.Add(-1)
	}
}

// farewell takes back what is published on the link: its router ends.
func (g *Gateway) farewell(now machine.Time) {
	if g.router == nil || g.mdns == nil {
		return
	}
	g.router.Farewell(now, g.next())
	for a, ok := g.router.Next(); ok; a, ok = g.router.Next() {
		if v, is := a.Value.(*border.MDNSMessage); is {
			_ = g.mdns.Send(v.To, v.Message) // who does not hear it forgets in two minutes
		}
	}
}
