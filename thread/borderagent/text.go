package borderagent

import (
	"encoding/binary"
)

// Facts are what the text record of the service _meshcop._udp says of a node.
type Facts struct {
	ID            [16]byte
	Name          string
	ExtPANID      [8]byte
	Ext           [8]byte
	Attached      bool
	Partition     uint32
	Timestamp     [8]byte // of the active dataset
	HasTimestamp  bool
	Role          uint8 // 0 disabled, 1 detached, 2 child, 3 router, 4 leader
	Backbone      bool  // the backbone router is enabled
	Primary       bool
	Sequence      uint8 // of the backbone router
	Domain        string
	OMR           []byte // length in bits, then the prefix; empty: none
	ThreadVersion string
}

// Bits of the state bitmap (Thread 1.4 section 8.4.9.1.1.1).
const (
	connectionPSKc   = 1 << 0
	interfaceUp      = 1 << 3
	interfaceActive  = 2 << 3
	available        = 1 << 5
	backboneActive   = 1 << 7
	backbonePrimary  = 1 << 8
	roleShift        = 9
	ephemeralOffered = 1 << 11
	backbonePort     = 61631
)

// bitmap is the value of sb.
func (a *Agent) bitmap(f *Facts) uint32 {
	b := uint32(available)
	if a.Running() {
		b |= connectionPSKc
	}
	switch f.Role {
	case 0:
	case 1:
		b |= interfaceUp
	default:
		b |= interfaceActive | uint32(f.Role-1)<<roleShift
	}
	if f.Attached && f.Backbone {
		b |= backboneActive
		if f.Primary {
			b |= backbonePrimary
		}
	}
	if a.key.state() != KeyDisabled {
		b |= ephemeralOffered
	}
	return b
}

// AppendText appends the text record of the service _meshcop._udp, in OpenThread's order.
func (a *Agent) AppendText(dst []byte, f *Facts) []byte {
	put := func(key string, value []byte) {
		dst = append(append(append(dst, byte(len(key)+1+len(value))), key...), '=')
		dst = append(dst, value...)
	}
	put32 := func(key string, v uint32) { put(key, binary.BigEndian.AppendUint32(nil, v)) }
	put("id", f.ID[:])
	put("rv", []byte("1"))
	put("nn", []byte(f.Name))
	put("xp", f.ExtPANID[:])
	put("tv", []byte(f.ThreadVersion))
	put("xa", f.Ext[:])
	put32("sb", a.bitmap(f))
	if f.Attached {
		put32("pt", f.Partition)
		if f.HasTimestamp {
			put("at", f.Timestamp[:])
		}
		if f.Backbone {
			put("sq", []byte{f.Sequence})
			put("bb", binary.BigEndian.AppendUint16(nil, backbonePort))
		}
	}
	put("dn", []byte(f.Domain))
	if len(f.OMR) > 0 {
		put("omr", f.OMR)
	}
	return dst
}
