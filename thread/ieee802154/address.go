package ieee802154

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// PANID names a personal area network.
type PANID uint16

// Short addresses and PAN identifiers with a meaning of their own (IEEE 802.15.4-2015 section 6.1).
const (
	BroadcastPAN   PANID  = 0xffff
	BroadcastShort uint16 = 0xffff
	InvalidShort   uint16 = 0xfffe // "no short address": what a node has while it is detached
)

// ExtAddr is an extended (64-bit) address in the order in which it is printed; on the air it is reversed.
type ExtAddr [8]byte

func (a ExtAddr) String() string { return hex.EncodeToString(a[:]) }

// Kind says what an Address holds.
type Kind uint8

// The kinds of Address, with the numbers of the frame control field.
const (
	None     Kind = 0
	Short    Kind = 2
	Extended Kind = 3
)

// Address is a MAC address, or none. Two addresses are the same if they are ==: the part that Kind does not name is zero.
type Address struct {
	Kind  Kind
	Short uint16
	Ext   ExtAddr
}

// ShortAddr returns the address with the short form s.
func ShortAddr(s uint16) Address { return Address{Kind: Short, Short: s} }

// ExtendedAddr returns the address with the extended form e.
func ExtendedAddr(e ExtAddr) Address { return Address{Kind: Extended, Ext: e} }

// Broadcast is the address that all nodes listen to.
var Broadcast = ShortAddr(BroadcastShort)

// IsBroadcast reports whether all nodes listen to it.
func (a Address) IsBroadcast() bool { return a.Kind == Short && a.Short == BroadcastShort }

// Len returns the number of bytes on the air.
func (a Address) Len() int {
	switch a.Kind {
	case Short:
		return 2
	case Extended:
		return 8
	}
	return 0
}

func (a Address) String() string {
	switch a.Kind {
	case Short:
		return fmt.Sprintf("0x%04x", a.Short)
	case Extended:
		return a.Ext.String()
	}
	return "none"
}

func appendAddress(dst []byte, a Address) []byte {
	switch a.Kind {
	case Short:
		dst = binary.LittleEndian.AppendUint16(dst, a.Short)
	case Extended:
		dst = binary.LittleEndian.AppendUint64(dst, binary.BigEndian.Uint64(a.Ext[:]))
	}
	return dst
}

// readAddress reads an address of kind k, whose bytes must be there.
func readAddress(b []byte, k Kind) Address {
	a := Address{Kind: k}
	switch k {
	case Short:
		a.Short = binary.LittleEndian.Uint16(b)
	case Extended:
		binary.BigEndian.PutUint64(a.Ext[:], binary.LittleEndian.Uint64(b))
	}
	return a
}
