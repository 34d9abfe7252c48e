package thread

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/borderagent"
	"heddle.example/thread/datasets"
	"heddle.example/thread/history"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/joining"
	"heddle.example/thread/keys"
	"heddle.example/thread/mac"
	"heddle.example/thread/mesh"
	"heddle.example/thread/mle"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/offers"
	"heddle.example/thread/tmf"
)

// Node is one Thread device. It is a machine.Machine and machine.Durable, with the radio's inputs beside:
//
//   - Actions Send with Value *radio.Transmit, and Ask with *radio.Config, *radio.State, *radio.EnergyScan are for the radio;
//     RadioReceived, RadioSent and RadioEnergy are its answers.
//   - Action Persist holds settings.
//   - Action Ask with *ResetRequest wants the node made anew.
//   - Action Event holds *Changed, *Datagram, *PingReply and the events of commands; Result ends a command.
//
// It is used by one owner at a time. A closed node is simply dropped.
type Node struct {
	config  Config
	profile *Profile
	out     machine.Outbox
	now     machine.Time // of the latest input
	cause   machine.Cause
	depth   int          // of inputs, so that an input that another one calls does not end it
	born    machine.Time // first input: up time counts from here
	settings
	lastOp machine.OpID

	pending Flags      // changes that no part was told of yet
	told    Flags      // changes of this input, for the Event
	loop    [][]byte   // datagrams to ourselves, until the end of the input
	reasm   []assembly // IPv6 fragments

	up         bool
	unicast    []Address
	multicast  []ip6.Address
	joined     []ip6.Address // the part of multicast that a user has asked for
	sockets    []*socket
	lastSocket SocketID
	lastPort   uint16
	echo       EchoMode

	table *neighbor.Table
	keys  *keys.Manager
	cop   *datasets.Manager
	mac   *mac.MAC
	mesh  *mesh.Mesh
	mle   *mle.MLE
	data  *offers.Manager
	dhcp  *dhcp
	app   *application
	// secure is nil until coaps is started, coapsKey until it is set.
	secure   *secureApplication
	coapsKey *CoAPSKey
	// commissioner is nil until it is asked for.
	commissioner *joining.Commissioner
	joins        joins
	agent        *borderagent.Agent
	agentPorts   []agentPort
	// outsider is nil until it is asked for.
	outsider *external
	measures measures
	bone     *backboneParts  // nil: there is no backbone router
	diags    *factory        // nil until factory diagnostics are asked for
	monitor  *channelMonitor // nil: off
	domain   string          // the Thread domain's name; empty: DefaultDomain
	// history is nil where nothing is remembered.
	history *history.History
	border  *border // nil: the node is no border router
	tmf     *tmf.Agent
	diag    tmf.Diagnostics

	own         own
	slaac       slaac
	scan        scanner
	resolver    resolver
	registry    registry
	clock       timeClient
	rx          mesh.Rx
	direct      *mesh.Frame // what the MAC has of the mesh layer
	indirect    *mesh.Frame
	countersSeq machine.Seq // the commit of the latest frame counters
	unsettled   unsettled
	solicit     uint32 // number of the latest request for a router id
	resources   []resource
	scratch     []ip6.Address
	rxMLE       mle.Datagram
	vendor      [4]string

	ping         *pinger
	pingID       uint16
	echoSequence uint16
	fragmentID   uint32
	shell        shellState
}

// begin starts an input; finish ends it. Inputs that another input calls are part of that one.
func (n *Node) begin(now machine.Time, cause machine.Cause) {
	if n.depth++; n.depth > 1 {
		return
	}
	n.out.Begin()
	n.now = now
	if n.cause = cause; n.born == 0 {
		n.born = now
	}
}

// finish lets all parts know what has changed and delivers what the node has sent itself, until nothing is left.
func (n *Node) finish(now machine.Time) {
	if n.depth > 1 {
		n.depth--
		return
	}
	for rounds := 0; n.pending != 0 || len(n.loop) > 0; rounds++ {
		if f := n.pending; f != 0 {
			n.pending = 0
			n.told |= f
			n.changed(now, f)
			if n.border != nil {
				n.border.NodeChanged(now, f)
			}
			continue
		}
		b := n.loop[0]
		n.loop = n.loop[1:]
		if rounds < maxLoop {
			n.receiveLoop(now, b)
		}
	}
	n.loop = nil
	n.rememberRouters(now)
	if f := n.told; f != 0 {
		n.told = 0
		n.event(0, &Changed{f})
	}
	n.flushSettings()
	n.depth--
}

// maxLoop bounds what one input can make a node say to itself.
const maxLoop = 1000

// signal notes that something has changed.
func (n *Node) signal(f Flags) { n.pending |= f }

func (n *Node) event(op machine.OpID, value any) {
	n.out.Push(machine.Action{Kind: machine.Event, Op: op, Cause: n.cause, Value: value})
}

// Next implements machine.Machine.
func (n *Node) Next() (machine.Action, bool) { return n.out.Next() }

// Receive implements machine.Machine: an IPv6 datagram from the host, on its way into the mesh.
func (n *Node) Receive(now machine.Time, cause machine.Cause, path machine.Path, b []byte) {
	n.begin(now, cause)
	defer n.finish(now)
	n.fromHost(now, b)
}

// Deadline implements machine.Machine.
func (n *Node) Deadline() machine.Time {
	d := min(n.mac.Deadline(), n.mesh.Deadline(), n.mle.Deadline(), n.data.Deadline(), n.cop.Deadline(), n.keys.Deadline(),
		n.tmf.Deadline(), n.slaacDeadline(), n.dhcpDeadline(), n.dnsDeadline(), n.unsettledDeadline(), n.coapDeadline())
	d = min(d, n.commissionerDeadline(), n.joinsDeadline(), n.coapsDeadline())
	d = min(d, n.registryDeadline(), n.clockDeadline())
	d = min(d, n.agent.Deadline(), n.externalDeadline(), n.measuresDeadline(), n.boneDeadline(), n.factoryDeadline(), n.monitorDeadline())
	if n.ping != nil {
		d = min(d, n.ping.at)
	}
	for i := range n.reasm {
		d = min(d, n.reasm[i].until)
	}
	return d
}

// Expire implements machine.Machine. What one room does may make another one due at once.
func (n *Node) Expire(now machine.Time) {
	for {
		n.begin(now, 0)
		n.expire(now)
		n.finish(now)
		if n.Deadline() > now {
			return
		}
	}
}

func (n *Node) expire(now machine.Time) {
	due := func(at machine.Time, expire func(machine.Time)) {
		if at <= now {
			expire(now)
		}
	}
	due(n.unsettledDeadline(), n.storeAgain)
	due(n.keys.Deadline(), n.keys.Expire)
	due(n.mac.Deadline(), n.mac.Expire)
	due(n.mesh.Deadline(), n.mesh.Expire)
	due(n.mle.Deadline(), n.mle.Expire)
	due(n.data.Deadline(), n.data.Expire)
	due(n.cop.Deadline(), n.cop.Expire)
	due(n.tmf.Deadline(), n.tmf.Expire)
	due(n.slaacDeadline(), n.expireSLAAC)
	due(n.dhcpDeadline(), n.expireDHCP)
	due(n.dnsDeadline(), n.expireDNS)
	due(n.coapDeadline(), n.expireCoAP)
	due(n.coapsDeadline(), n.expireCoAPS)
	due(n.registryDeadline(), n.expireRegistry)
	if n.clock.client != nil {
		due(n.clockDeadline(), n.clock.client.Expire)
	}
	due(n.agent.Deadline(), n.agent.Expire)
	due(n.externalDeadline(), n.expireExternal)
	due(n.measuresDeadline(), n.expireMeasures)
	due(n.boneDeadline(), n.expireBone)
	due(n.factoryDeadline(), n.expireFactory)
	due(n.monitorDeadline(), n.expireMonitor)
	if n.commissioner != nil {
		due(n.commissionerDeadline(), n.commissioner.Expire)
	}
	n.expireJoins(now)
	n.expirePing(now)
	n.expireFragments(now)
}

// Uptime returns the time since the node's first input.
func (n *Node) Uptime(now machine.Time) time.Duration {
	if n.born == 0 {
		return 0
	}
	return now.Sub(n.born)
}

// Now returns the instant of the node's latest input.
func (n *Node) Now() machine.Time { return n.now }

// EUI64 returns the address that the device was made with.
func (n *Node) EUI64() ieee802154.ExtAddr { return n.config.EUI64 }

// Profile returns the node's parameters.
func (n *Node) Profile() *Profile { return n.profile }

// EchoMode returns which echo requests the node answers; SetEchoMode changes it.
func (n *Node) EchoMode() EchoMode { return n.echo }

// SetEchoMode says which echo requests the node answers.
func (n *Node) SetEchoMode(m EchoMode) { n.echo = m }

// Reset asks the driver to make the node anew from its settings.
func (n *Node) Reset(now machine.Time, cause machine.Cause) {
	n.begin(now, cause)
	n.out.Push(machine.Action{Kind: machine.Ask, Cause: cause, Value: &ResetRequest{}})
	n.finish(now)
}

// FactoryReset is Reset without the settings.
func (n *Node) FactoryReset(now machine.Time, cause machine.Cause) {
	n.begin(now, cause)
	n.wipe()
	n.flushSettings()
	n.out.Push(machine.Action{Kind: machine.Ask, Cause: cause, Value: &ResetRequest{Factory: true}})
	n.finish(now)
}

// Do runs f as an input of the node: what it does to the rooms of the node belongs together.
func (n *Node) Do(now machine.Time, cause machine.Cause, f func()) {
	n.begin(now, cause)
	f()
	n.finish(now)
}
