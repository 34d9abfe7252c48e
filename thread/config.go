package thread

import (
	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/keys"
	"heddle.example/thread/mesh"
	"heddle.example/thread/radio"
)

// Config says what a Node is made of. Rand and EUI64 must be set.
type Config struct {
	Nest    *machine.Nest // of the outer machine; nil: the node is the outermost one
	Rand    machine.Rand
	Now     machine.Time // when the node is made
	EUI64   ieee802154.ExtAddr
	Profile *Profile // nil: DefaultProfile
	MTD     bool     // a minimal Thread device: never a router
	Caps    radio.Caps
	// Keys is shared by the nodes of one process, which mostly have one network key; nil: the node has its own.
	Keys *keys.Cache
	// Pool holds the buffers of the mesh layer. It may be shared by the nodes of one owner; nil: the node has its own.
	Pool *mesh.Pool
	// Settings is what an earlier life of the node has left on its disk; nil: nothing.
	Settings Store
	// History has the node remember what has happened to it, for the command `history`.
	History bool
	// Host takes IPv6 datagrams that leave the mesh, or are for this node and its host. b is borrowed. Nil: there is no host.
	Host func(now machine.Time, b []byte)
}

// Store is a disk at boot. sim.Disk and the host's settings file are such.
type Store interface {
	Load(table machine.Table, each func(key, value []byte) error) error
}

// SettingsTable is the durable table of a node: short keys that name a setting, values in the owner's encoding.
const SettingsTable machine.Table = "thread"
