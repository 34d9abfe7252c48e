package borderrouter

import (
	"slices"

	"heddle.example/border"
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
	return err
}

// infra returns what the router is told of the link.
func (g *Gateway) infra() border.Infra {
	if g.link == nil {
		return border.Infra{None: true}
	}
	return border.Infra{Address: g.link.Address(), Link: g.link.Hardware(), Index: g.link.Index(), Up: g.link.Up(), Enable: true}
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
