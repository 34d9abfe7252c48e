package usernat

import (
	"time"

	"heddle.example/host/outside"
)

type tcpStack struct{}

func (t *tcpStack) close() {}

func (n *NAT) sendTCP(b []byte, p *packet)               { n.count.unsupported.Add(1) }
func (n *NAT) tcpFlows(now time.Duration) []outside.Flow { return nil }
