// Package topology shows a simulated network while it runs: one owner goroutine lets time pass in slices, takes commands
// between them, and tells what has changed. The web page Topology and the REST interface stand on it.
package topology

import "heddle.example/internal/seat"

// Network is what all nodes of the scenario share (of several networks, the first).
type Network struct {
	Channel int    `json:"channel"`
	PANID   string `json:"panid" example:"0xabcd"`
	Name    string `json:"name"`
}

// Row is one node.
type Row struct {
	ID        int     `json:"id"`
	Name      string  `json:"name"`
	X         float64 `json:"x" doc:"metres"`
	Y         float64 `json:"y"`
	On        bool    `json:"on"`
	Kind      string  `json:"kind" enum:"router,fed,med,sed"`
	Role      string  `json:"role" enum:"leader,router,reed,fed,med,sed,detached,disabled,off"`
	RLOC16    string  `json:"rloc16" example:"0x8400"`
	Partition uint32  `json:"partition"`
	Parent    int     `json:"parent" doc:"id of the parent; 0: none"`
	Ext       string  `json:"ext"`
	Channel   int     `json:"channel"`
	Children  int     `json:"children"`
	Sent      uint64  `json:"sent" doc:"frames"`
	Received  uint64  `json:"received"`
	Retries   uint64  `json:"retries"`
	RouterID  int     `json:"routerId" doc:"-1: none"`
	Border    bool    `json:"border" doc:"it is a way out of the mesh"`
	Client    string  `json:"client" doc:"endpoint name of its LwM2M client; empty: none"`
	LwM2M     string  `json:"lwm2m" doc:"state of that client as the device has it: READY, REGISTERING..."`
}

// Link is a link between two nodes, a the lower id, with the link quality that each hears.
type Link struct {
	A    int    `json:"a"`
	B    int    `json:"b"`
	QA   uint8  `json:"qa" doc:"what a hears of b, 0 to 3"`
	QB   uint8  `json:"qb"`
	Kind string `json:"kind" enum:"router,child"`
}

// Partition is a group of nodes with one leader.
type Partition struct {
	ID     uint32 `json:"id"`
	Leader int    `json:"leader" doc:"id of the node; 0: none of these"`
	Nodes  int    `json:"nodes"`
}

// Entry is one line of the run's history.
type Entry struct {
	At   int64  `json:"at" doc:"virtual microseconds"`
	Kind string `json:"kind" enum:"partition,merge,leader,kill,script,note"`
	Text string `json:"text"`
	Node int    `json:"node,omitempty"`
}

// Clock is how time passes.
type Clock struct {
	Now    int64   `json:"now" doc:"virtual microseconds"`
	Until  int64   `json:"until" doc:"the scenario's end; 0: none"`
	Speed  float64 `json:"speed" doc:"virtual seconds a second; 0: as fast as it can"`
	Paused bool    `json:"paused"`
	Done   bool    `json:"done"`
	Rate   float64 `json:"rate" doc:"virtual seconds that really pass in a second"`
}

// Snapshot is everything.
type Snapshot struct {
	Epoch string `json:"epoch"`
	Seq   uint64 `json:"seq" doc:"of the latest mesh event that is in it"`
	Seed  uint64 `json:"seed"`
	Clock
	Can        []string    `json:"can" doc:"what is possible here: time (pause, speed, step), seek (on to an instant), past (GET /mesh?at=), act (kill, revive, reset), move, links, shell (of all nodes), route, frames, capture"`
	Own        int         `json:"own,omitempty" doc:"of a live network: the node of this program"`
	Network    Network     `json:"network"`
	Nodes      []Row       `json:"nodes"`
	Links      []Link      `json:"links"`
	Partitions []Partition `json:"partitions"`
	History    []Entry     `json:"history"`
}

// Change is the event mesh: what has changed since the one before.
type Change struct {
	Seq        uint64      `json:"seq"`
	Now        int64       `json:"now"`
	Nodes      []Row       `json:"nodes"`
	Links      LinkChange  `json:"links"`
	Partitions []Partition `json:"partitions"`
	History    []Entry     `json:"history"`
}

// LinkChange is new or changed links, and those that are gone.
type LinkChange struct {
	Add    []Link `json:"add"`
	Remove []Link `json:"remove"`
}

// Frame is a frame on the air.
type Frame struct {
	At      int64  `json:"at"`
	From    int    `json:"from"`
	To      int    `json:"to" doc:"0: all, or nobody that is known"`
	Kind    string `json:"kind" enum:"data,ack,poll,mle,beacon,fragment"`
	Len     int    `json:"len"`
	RSSI    int8   `json:"rssi" doc:"at the receiver, dBm; 0: several"`
	Channel uint8  `json:"channel"`
	OK      bool   `json:"ok" doc:"it was acknowledged, or needs no acknowledgement"`
	Text    string `json:"text,omitempty" doc:"what it carries" example:"Fragment 2 of 2, retry"`
}

// Path is the way that a datagram takes.
type Path struct {
	From  int    `json:"from"`
	To    int    `json:"to"`
	Hops  []int  `json:"hops" doc:"nodes on the way, both ends among them; it ends early where there is no way on"`
	Cost  int    `json:"cost" doc:"of the way to the last router, as the first router has it; 0: not known"`
	Whole bool   `json:"whole"`
	Why   string `json:"why,omitempty" doc:"why it ends early"`
}

// Control changes how time passes.
type Control struct {
	Pause *bool    `json:"pause,omitempty"`
	Speed *float64 `json:"speed,omitempty" minimum:"0" maximum:"1000000"`
	Step  string   `json:"step,omitempty" enum:"frame,second" doc:"let so much pass while it is paused"`
	To    *int64   `json:"to,omitempty" minimum:"0" doc:"virtual microseconds: let time pass as fast as it can until then, and pause"`
}

// Action changes a node.
type Action struct {
	Action string   `json:"action" enum:"kill,revive,reset,move"`
	X      *float64 `json:"x,omitempty" minimum:"-1000000" maximum:"1000000"`
	Y      *float64 `json:"y,omitempty" minimum:"-1000000" maximum:"1000000"`
}

// Detail is all about one node. It holds no keys.
type Detail struct {
	Row
	EUI64      string            `json:"eui64"`
	Z          float64           `json:"z"`
	Mode       string            `json:"mode"`
	Uptime     float64           `json:"uptime" doc:"virtual seconds"`
	Addresses  []string          `json:"addresses"`
	Multicast  []string          `json:"multicast"`
	Neighbors  []Neighbor        `json:"neighbors"`
	Counters   map[string]uint64 `json:"counters"`
	Dataset    Dataset           `json:"dataset"`
	Energy     map[string]int64  `json:"energy" doc:"microseconds that the radio was off, asleep, receiving and sending"`
	Version    uint8             `json:"dataVersion" doc:"of the network data"`
	CacheSize  int               `json:"cacheSize" doc:"addresses that are known by their locator"`
	Vendor     string            `json:"vendor,omitempty" doc:"as the node says"`
	Model      string            `json:"model,omitempty"`
	Stack      string            `json:"stack,omitempty" doc:"what the node runs"`
	PollPeriod int64             `json:"pollPeriod,omitempty" doc:"milliseconds, of a sleepy node"`
}

// Neighbor is a neighbour as a node sees it.
type Neighbor struct {
	ID     int    `json:"id" doc:"0: not one of this simulation"`
	Ext    string `json:"ext"`
	RLOC16 string `json:"rloc16"`
	Role   string `json:"role" enum:"parent,child,router"`
	In     uint8  `json:"in" doc:"link quality, 0 to 3"`
	Out    uint8  `json:"out"`
	RSSI   int8   `json:"rssi" doc:"dBm; 127: not known"`
	Age    uint32 `json:"age" doc:"seconds since it was heard"`
}

// Dataset is the active operational dataset without its keys.
type Dataset struct {
	Timestamp uint64 `json:"timestamp"`
	Channel   int    `json:"channel"`
	PANID     string `json:"panid"`
	ExtPANID  string `json:"extpanid"`
	Name      string `json:"name"`
	MeshLocal string `json:"meshLocal"`
}

// Line is a line for a node's prompt, and Said what it printed.
type (
	Line = seat.Line
	Said = seat.Said
)
