package thread

import (
	"encoding/binary"

	"heddle.example/thread/ieee802154"
	"heddle.example/thread/mle"
)

// The settings of MLE, and how they are encoded: fixed fields, big endian. A record of another length is of another time
// and is left alone.
const (
	settingNetwork = "network"
	settingParent  = "parent"
	settingChild   = "child/" // and the RLOC16 in two bytes
)

const networkLen = 1 + 1 + 2 + 4 + 8 + 8 + 2

func encodeNetwork(i *mle.NetworkInfo) []byte {
	b := append(make([]byte, 0, networkLen), byte(i.Role), i.Mode.Wire())
	b = binary.BigEndian.AppendUint16(b, i.RLOC16)
	b = binary.BigEndian.AppendUint32(b, i.PreviousPartitionID)
	b = append(append(b, i.Ext[:]...), i.MeshLocalIID[:]...)
	return binary.BigEndian.AppendUint16(b, i.Version)
}

func decodeNetwork(b []byte) *mle.NetworkInfo {
	if len(b) != networkLen {
		return nil
	}
	return &mle.NetworkInfo{Role: mle.Role(b[0]), Mode: modeOf(b[1]), RLOC16: binary.BigEndian.Uint16(b[2:]),
		PreviousPartitionID: binary.BigEndian.Uint32(b[4:]), Ext: ieee802154.ExtAddr(b[8:16]), MeshLocalIID: [8]byte(b[16:24]),
		Version: binary.BigEndian.Uint16(b[24:])}
}

const parentLen = 8 + 2

func encodeParent(p mle.ParentInfo) []byte {
	return binary.BigEndian.AppendUint16(append(make([]byte, 0, parentLen), p.Ext[:]...), p.Version)
}

func decodeParent(b []byte) *mle.ParentInfo {
	if len(b) != parentLen {
		return nil
	}
	return &mle.ParentInfo{Ext: ieee802154.ExtAddr(b[:8]), Version: binary.BigEndian.Uint16(b[8:])}
}

func childKey(rloc16 uint16) string {
	return settingChild + string([]byte{byte(rloc16 >> 8), byte(rloc16)})
}

const childLen = 8 + 2 + 4 + 1 + 2

func encodeChild(c *mle.ChildInfo) []byte {
	b := append(make([]byte, 0, childLen), c.Ext[:]...)
	b = binary.BigEndian.AppendUint16(b, c.RLOC16)
	b = append(binary.BigEndian.AppendUint32(b, c.Timeout), c.Mode.Wire())
	return binary.BigEndian.AppendUint16(b, c.Version)
}

func decodeChild(b []byte) (c mle.ChildInfo, ok bool) {
	if len(b) != childLen {
		return c, false
	}
	return mle.ChildInfo{Ext: ieee802154.ExtAddr(b[:8]), RLOC16: binary.BigEndian.Uint16(b[8:]),
		Timeout: binary.BigEndian.Uint32(b[10:]), Mode: modeOf(b[14]), Version: binary.BigEndian.Uint16(b[15:])}, true
}
