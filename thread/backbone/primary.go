// Package backbone is what Thread 1.2 has for networks with a backbone (sections 5.21 and 5.24): a Local that offers the node as
// a backbone router, the Primary that the network data names, a Registrar that tells the primary which multicast groups are
// listened to, and the Listeners that the primary keeps.
//
// Facts come from OpenThread's src/core/backbone_router and src/core/thread/mlr_manager.cpp.
package backbone

import (
	"encoding/binary"
	"time"

	"heddle.example/thread/netdata"
)

// ServiceNumber is the first byte of a backbone router's service data.
const ServiceNumber = 0x01

// NoServer is the locator of no primary.
const NoServer = 0xfffe

// Times of a backbone router (bbr_leader.hpp).
const (
	defaultDelay   = 5 * time.Second
	defaultTimeout = time.Hour
	minTimeout     = 300 * time.Second
	aggregateDelay = 5 // seconds within which a parent collects what its children listen to
)

// Config is what a backbone router says of itself.
type Config struct {
	Sequence uint8
	Delay    time.Duration // before a registration is repeated
	Timeout  time.Duration // of a registered listener
}

// Primary is the network's backbone router; Server is NoServer where there is none.
type Primary struct {
	Server    uint16
	ServiceID uint8
	Config
}

// Append appends the server data of a backbone router.
func (c *Config) Append(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint16(append(dst, c.Sequence), uint16(c.Delay/time.Second))
	return binary.BigEndian.AppendUint32(dst, uint32(c.Timeout/time.Second))
}

// FindPrimary returns the primary that the network data names.
func FindPrimary(d netdata.Data, leader uint16) Primary {
	b, ok := d.PrimaryBackboneRouter(leader)
	if !ok {
		return Primary{Server: NoServer}
	}
	return Primary{Server: b.RLOC16, ServiceID: b.ServiceID, Config: Config{Sequence: b.Sequence,
		Delay: time.Duration(b.Delay) * time.Second, Timeout: time.Duration(b.MLRTimeout) * time.Second}}
}
