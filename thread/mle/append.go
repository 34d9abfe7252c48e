package mle

import (
	"encoding/binary"

	"heddle.example/thread/neighbor"
)

// AppendTLV appends a TLV of any type. A value of more than 254 bytes gets the extended length.
func AppendTLV(dst []byte, t TLV, value []byte) []byte {
	if len(value) < 255 {
		dst = append(dst, byte(t), byte(len(value)))
	} else {
		dst = append(dst, byte(t), 255)
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(value)))
	}
	return append(dst, value...)
}

// beginTLV appends the head of a TLV whose length is not known yet, endTLV sets it. It must stay under 255.
func beginTLV(dst []byte, t TLV) (b []byte, start int) {
	return append(dst, byte(t), 0), len(dst)
}

func endTLV(dst []byte, start int) []byte {
	dst[start+1] = byte(len(dst) - start - 2)
	return dst
}

func append8(dst []byte, t TLV, v uint8) []byte { return append(dst, byte(t), 1, v) }

func append16(dst []byte, t TLV, v uint16) []byte {
	return binary.BigEndian.AppendUint16(append(dst, byte(t), 2), v)
}

func append32(dst []byte, t TLV, v uint32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, byte(t), 4), v)
}

// AppendSourceAddress appends the sender's RLOC16.
func AppendSourceAddress(dst []byte, rloc16 uint16) []byte {
	return append16(dst, TLVSourceAddress, rloc16)
}

// AppendMode appends what sort of device the sender is.
func AppendMode(dst []byte, m Mode) []byte { return append8(dst, TLVMode, m.Wire()) }

// AppendTimeout appends a child's time-out in seconds.
func AppendTimeout(dst []byte, seconds uint32) []byte { return append32(dst, TLVTimeout, seconds) }

// AppendChallenge appends bytes that the receiver has to answer with.
func AppendChallenge(dst, challenge []byte) []byte { return AppendTLV(dst, TLVChallenge, challenge) }

// AppendResponse appends the bytes of the challenge that is answered.
func AppendResponse(dst, challenge []byte) []byte { return AppendTLV(dst, TLVResponse, challenge) }

// AppendLinkFrameCounter appends the frame counter of the link layer.
func AppendLinkFrameCounter(dst []byte, n uint32) []byte {
	return append32(dst, TLVLinkFrameCounter, n)
}

// AppendMLEFrameCounter appends the frame counter of MLE.
func AppendMLEFrameCounter(dst []byte, n uint32) []byte { return append32(dst, TLVMLEFrameCounter, n) }

// AppendAddress16 appends the RLOC16 that a child is given.
func AppendAddress16(dst []byte, rloc16 uint16) []byte { return append16(dst, TLVAddress16, rloc16) }

// AppendLeaderData appends the partition and the versions of its network data.
func AppendLeaderData(dst []byte, d LeaderData) []byte {
	dst = binary.BigEndian.AppendUint32(append(dst, byte(TLVLeaderData), 8), d.PartitionID)
	return append(dst, d.Weighting, d.DataVersion, d.StableDataVersion, d.LeaderRouterID)
}

// AppendRequest appends the types of TLVs that the answer should have.
func AppendRequest(dst []byte, types ...TLV) []byte {
	dst = append(dst, byte(TLVRequest), byte(len(types)))
	for _, t := range types {
		dst = append(dst, byte(t))
	}
	return dst
}

// AppendScanMask appends whom a Parent Request asks.
func AppendScanMask(dst []byte, mask uint8) []byte { return append8(dst, TLVScanMask, mask) }

// AppendLinkMargin appends how much the receiver is heard above the noise, in dB.
func AppendLinkMargin(dst []byte, dB uint8) []byte { return append8(dst, TLVLinkMargin, dB) }

// AppendStatus appends a status.
func AppendStatus(dst []byte, status uint8) []byte { return append8(dst, TLVStatus, status) }

// AppendVersion appends a version of Thread.
func AppendVersion(dst []byte, v uint16) []byte { return append16(dst, TLVVersion, v) }

// AppendChannel appends a Channel or CSL Channel TLV with page 0.
func AppendChannel(dst []byte, t TLV, channel uint16) []byte {
	return binary.BigEndian.AppendUint16(append(dst, byte(t), 3, 0), channel)
}

// AppendPANID appends a PAN ID TLV.
func AppendPANID(dst []byte, id uint16) []byte { return append16(dst, TLVPANID, id) }

// AppendTimestamp appends an Active or Pending Timestamp TLV, or nothing if there is no timestamp.
func AppendTimestamp(dst []byte, t TLV, ts Timestamp) []byte {
	if !ts.Valid() {
		return dst
	}
	return binary.BigEndian.AppendUint64(append(dst, byte(t), 8), uint64(ts))
}

// AppendSupervisionInterval appends the interval of child supervision in seconds.
func AppendSupervisionInterval(dst []byte, seconds uint16) []byte {
	return append16(dst, TLVSupervisionInterval, seconds)
}

// AppendCSLTimeout appends the time-out of a CSL receiver in seconds.
func AppendCSLTimeout(dst []byte, seconds uint32) []byte {
	return append32(dst, TLVCSLTimeout, seconds)
}

// AppendCSLClockAccuracy appends how exact our clock is: ppm, and units of 10 us.
func AppendCSLClockAccuracy(dst []byte, accuracy, uncertainty uint8) []byte {
	return append(dst, byte(TLVCSLClockAccuracy), 2, accuracy, uncertainty)
}

// AppendRoute appends a Route64 TLV.
func AppendRoute(dst []byte, r neighbor.Route) []byte {
	dst, at := beginTLV(dst, TLVRoute)
	return endTLV(r.Append(dst), at)
}
