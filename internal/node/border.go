package node

import (
	"fmt"

	"heddle.example/border"
	"heddle.example/thread"
	"heddle.example/thread/ip6"
	"heddle.example/thread/shell"
)

// border makes the node the border router that it is after `br init` and `br enable`, on the infrastructure link of
// OpenThread's simulated nodes. What it lets out goes nowhere: `heddle border-router` is one with an outside.
func (p *program) border(t *thread.Node, d border.Device, c *shell.Config) (*border.Router, error) {
	address, err := ip6.Parse(fmt.Sprintf("fe80::%x", p.options.ID))
	if err != nil {
		return nil, err
	}
	r, err := border.New(border.Config{Node: t, Device: d, Rand: p.rand, Translate: true,
		Infra: border.Infra{Address: address, Solicited: true}})
	c.Border = r
	return r, err
}
