package mle

import (
	"cmp"
	"encoding/binary"
)

// Timestamp is the timestamp of a dataset as it is sent: 48 bits of seconds, 15 of ticks, and whether the clock behind it
// is a good one.
type Timestamp uint64

const (
	// NoTimestamp is what is not there; it is older than all others.
	NoTimestamp Timestamp = 1<<64 - 1
	// OrphanTimestamp is what a node announces that has lost its network (OpenThread timestamp.cpp).
	OrphanTimestamp Timestamp = 1
)

// Seconds returns the whole seconds.
func (t Timestamp) Seconds() uint64 { return uint64(t) >> 16 }

// Ticks returns the ticks, 1/32768 s each.
func (t Timestamp) Ticks() uint16 { return uint16(t) >> 1 }

// Authoritative says whether the clock behind it was a good one.
func (t Timestamp) Authoritative() bool { return t&1 != 0 }

// Valid says whether there is a timestamp.
func (t Timestamp) Valid() bool { return t != NoTimestamp }

// Compare returns -1, 0 or 1: none at all is the oldest, then seconds, ticks and authority count, in this order.
func (t Timestamp) Compare(u Timestamp) int { return cmp.Compare(t+1, u+1) }

func timestampOf(b []byte) Timestamp { return Timestamp(binary.BigEndian.Uint64(b)) }
