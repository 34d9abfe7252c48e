package thread

import (
	"encoding/binary"

	"heddle.example/machine"
	"heddle.example/thread/keys"
)

// keysEnv is the Node as keys.Env.
type keysEnv Node

// settingCounters holds the key sequence and the frame counters that must not be used again.
const settingCounters = "counters"

// StoreCounters implements keys.Env. No frame leaves before the counters that were stored last are on disk: their
// reservation may be what lets it leave.
func (e *keysEnv) StoreCounters(now machine.Time, c keys.Counters) machine.Seq {
	var b [12]byte
	binary.BigEndian.PutUint32(b[:], c.Sequence)
	binary.BigEndian.PutUint32(b[4:], c.MAC)
	binary.BigEndian.PutUint32(b[8:], c.MLE)
	e.countersSeq = (*Node)(e).StoreSetting(settingCounters, b[:])
	return e.countersSeq
}

func decodeCounters(b []byte) (c keys.Counters) {
	if len(b) == 12 {
		c.Sequence, c.MAC, c.MLE = binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:])
	}
	return c
}

// KeySequenceChanged implements keys.Env.
func (e *keysEnv) KeySequenceChanged(now machine.Time) {
	n := (*Node)(e)
	n.signal(KeySequenceChanged)
	if n.mac != nil {
		n.mac.KeysChanged(now)
	}
}

// NetworkKeyChanged implements keys.Env.
func (e *keysEnv) NetworkKeyChanged(now machine.Time) {
	n := (*Node)(e)
	n.signal(NetworkKeyChanged)
	n.mle.NetworkKeyChanged(now)
}
