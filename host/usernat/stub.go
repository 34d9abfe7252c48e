package usernat

import (
	"time"

	"heddle.example/host/outside"
)

type tcpStack struct{}

func (t *tcpStack) close() {}

type echoSocket struct{}

func (e *echoSocket) close() {}

func (n *NAT) sendEcho(b []byte, p *packet)               { n.count.unsupported.Add(1) }
func (n *NAT) sendTCP(b []byte, p *packet)                { n.count.unsupported.Add(1) }
func (n *NAT) echoState() (string, bool)                  { return "not built", false }
func (n *NAT) echoFlows(now time.Duration) []outside.Flow { return nil }
func (n *NAT) tcpFlows(now time.Duration) []outside.Flow  { return nil }
