package info

import "time"

// CommissionerState says what the commissioner is now: disabled, petitioning or active.
type CommissionerState struct{ State string }

// JoinerEvent is what the commissioner says of a joiner: start, connect, finalize, end or remove.
type JoinerEvent struct {
	Event string
	ID    *[8]byte // nil: an entry that names no joiner in particular
}

// JoinerDone is how the joiner's attempt ended. Err is OpenThread's word for it, Reason a sentence that says why, and what to do.
type JoinerDone struct {
	Err    error
	Reason string
}

// EnergyReport is what a node measured for the commissioner, a value for each channel of the mask, several times over.
type EnergyReport struct {
	Channels uint32
	RSSI     []byte // int8 each
}

// PANIDConflict says that a node hears a PAN id on channels.
type PANIDConflict struct {
	PANID    uint16
	Channels uint32
}

// SecureSession says that the session of coaps is connected, or has ended.
type SecureSession struct{ Connected bool }

// EphemeralKeyState says how far the use of the border agent's ephemeral key is now: Disabled, Stopped, Started, Connected or
// Accepted.
type EphemeralKeyState struct{ State string }

// EphemeralKeyEvent is what happens with an ephemeral key, in the names of OpenThread's history.
type EphemeralKeyEvent struct{ Event string }

// AgentSession says that a session with another network's border agent is there, or why it has ended.
type AgentSession struct {
	Connected bool
	Reason    error
}

// Certified is a line of a reference device's log of a joining, with the message's payload if it has one.
type Certified struct {
	At      time.Duration // since the node began
	Text    string
	Payload []byte
}
