package mle

import (
	"encoding/binary"

	"heddle.example/thread/ip6"
)

// Connectivity is the value of the Connectivity TLV: how good a parent the sender would be.
type Connectivity struct {
	ParentPriority    int8 // 1, 0 or -1
	LinkQuality3      uint8
	LinkQuality2      uint8
	LinkQuality1      uint8
	LeaderCost        uint8
	IDSequence        uint8
	ActiveRouters     uint8
	SEDBufferSize     uint16
	SEDDatagramCount  uint8
	withoutSEDBuffers bool // the last two were not said: a short TLV is sent back as a short one
}

// What a sender buffers for a sleepy child if it does not say (OpenThread config/mle.h).
const (
	defaultSEDBufferSize    = 1280
	defaultSEDDatagramCount = 1
)

// Singleton says whether the partition has one router at most.
func (c Connectivity) Singleton() bool { return c.ActiveRouters <= 1 }

// Connectivity returns the value of the Connectivity TLV.
func (x *Message) Connectivity() (Connectivity, error) {
	v, err := x.find(TLVConnectivity, 7)
	if err != nil {
		return Connectivity{}, err
	}
	c := Connectivity{
		ParentPriority: ip6.Preference(v[0] >> 6),
		LinkQuality3:   v[1], LinkQuality2: v[2], LinkQuality1: v[3],
		LeaderCost: v[4], IDSequence: v[5], ActiveRouters: v[6],
		SEDBufferSize: defaultSEDBufferSize, SEDDatagramCount: defaultSEDDatagramCount,
		withoutSEDBuffers: true,
	}
	switch {
	case len(v) >= 10:
		c.SEDBufferSize, c.SEDDatagramCount = binary.BigEndian.Uint16(v[7:]), v[9]
		c.withoutSEDBuffers = false
	case len(v) != 7:
		return Connectivity{}, ErrParse
	}
	return c, nil
}

// AppendConnectivity appends a Connectivity TLV.
func AppendConnectivity(dst []byte, c Connectivity) []byte {
	n := uint8(10)
	if c.withoutSEDBuffers {
		n = 7
	}
	dst = append(dst, byte(TLVConnectivity), n, ip6.PreferenceBits(c.ParentPriority)<<6, c.LinkQuality3, c.LinkQuality2,
		c.LinkQuality1, c.LeaderCost, c.IDSequence, c.ActiveRouters)
	if c.withoutSEDBuffers {
		return dst
	}
	dst = binary.BigEndian.AppendUint16(dst, c.SEDBufferSize)
	return append(dst, c.SEDDatagramCount)
}
