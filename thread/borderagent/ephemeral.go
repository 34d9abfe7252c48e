package borderagent

import (
	"errors"
	"time"

	"heddle.example/dtls"
	"heddle.example/machine"
	"heddle.example/thread/status"
)

// KeyState is how far the use of an ephemeral key is.
type KeyState uint8

// The states, in OpenThread's order.
const (
	KeyDisabled KeyState = iota
	KeyStopped
	KeyStarted
	KeyConnected
	KeyAccepted
)

func (s KeyState) String() string {
	return [...]string{"Disabled", "Stopped", "Started", "Connected", "Accepted"}[min(s, KeyAccepted)]
}

// KeyEvent is something that happened with an ephemeral key, in the numbers of OpenThread's history.
type KeyEvent uint8

// The events.
const (
	KeyActivated KeyEvent = iota
	KeyInUse
	KeyPetitioned
	KeyActiveRead
	KeyPendingRead
	KeyKeptAlive
	keyStoppedHere
	keyStoppedThere
	keyBroken
	keySilent
	keyTooOften
	keyTimedOut
	keyUnknown
)

func (e KeyEvent) String() string {
	return [...]string{"Activated", "Connected", "Petitioned", "RetrievedActiveDataset", "RetrievedPendingDataset", "KeepAlive",
		"DeactivatedLocalClose", "DeactivatedRemoteClose", "DeactivatedSessionError", "DeactivatedSessionTimeout",
		"DeactivatedMaxAttempts", "DeactivatedEpskcTimeout", "DeactivatedUnknown"}[min(e, keyUnknown)]
}

// ephemeral is a key for one session, for a short time.
type ephemeral struct {
	disabled, started, connected, accepted bool

	secret   []byte
	port     uint16
	until    machine.Time
	attempts int
}

func (k *ephemeral) state() KeyState {
	switch {
	case k.disabled:
		return KeyDisabled
	case k.accepted:
		return KeyAccepted
	case k.connected:
		return KeyConnected
	case k.started:
		return KeyStarted
	}
	return KeyStopped
}

// attempt returns the key for a handshake: one session, and ten attempts at it.
func (k *ephemeral) attempt() ([]byte, bool) {
	if k.connected || k.attempts >= maxAttempts {
		return nil, false
	}
	k.attempts++
	return k.secret, true
}

// KeyState returns how far the use of an ephemeral key is, KeyPort the port that it is for.
func (a *Agent) KeyState() KeyState { return a.key.state() }

// KeyPort returns the port that an ephemeral key is for, 0: none.
func (a *Agent) KeyPort() uint16 { return a.key.port }

// SetKeyEnabled says whether ephemeral keys may be used.
func (a *Agent) SetKeyEnabled(now machine.Time, on bool) {
	if on != a.key.disabled {
		return
	}
	if !on {
		a.StopKey(now)
	}
	a.key.disabled = !on
	a.env.KeyStateChanged(now)
}

// StartKey lets one commissioner in that knows a key, for a time (0: two minutes; at most ten), at a port (0: a free one).
func (a *Agent) StartKey(now machine.Time, key string, timeout time.Duration, port uint16) error {
	c := &a.Counters
	switch {
	case a.key.state() != KeyStopped:
		c.KeyInvalidStates++
		return status.InvalidState
	case len(key) < minKey || len(key) > maxKey:
		c.KeyInvalidArgs++
		return status.InvalidArgs
	}
	opened, err := a.env.Open(now, port)
	if err != nil {
		c.KeyStartErrors++
		return err
	}
	if timeout == 0 {
		timeout = keyLifetime
	}
	a.key = ephemeral{started: true, secret: []byte(key), port: opened, until: now.Add(min(timeout, maxKeyLifetime))}
	c.KeyActivations++
	a.env.KeyEvent(now, KeyActivated)
	a.env.KeyStateChanged(now)
	return nil
}

// StopKey ends the use of an ephemeral key, and the session that it has made.
func (a *Agent) StopKey(now machine.Time) { a.stopKey(now, keyStoppedHere) }

func (a *Agent) stopKey(now machine.Time, why KeyEvent) {
	if !a.key.started {
		return
	}
	port := a.key.port
	clear(a.key.secret)
	a.key = ephemeral{until: machine.Never}
	a.shut(now, port)
	c := &a.Counters
	switch why {
	case keyStoppedHere, keySilent:
		c.KeyClears++
	case keyStoppedThere:
		c.KeyDisconnects++
	case keyBroken:
		c.KeyStartErrors++
	case keyTooOften:
		c.KeyMaxAttempts++
	case keyTimedOut:
		c.KeyTimeouts++
	}
	a.env.KeyEvent(now, why)
	a.env.KeyStateChanged(now)
}

func (a *Agent) keyUsed(now machine.Time) {
	a.key.connected = true
	a.Counters.KeySessions++
	a.env.KeyEvent(now, KeyInUse)
	a.env.KeyStateChanged(now)
}

func (a *Agent) keyPetitioned(now machine.Time) {
	a.key.accepted = true
	a.Counters.KeyPetitions++
	a.env.KeyEvent(now, KeyPetitioned)
	a.env.KeyStateChanged(now)
}

// keyEnded ends the use of the key with its session.
func (a *Agent) keyEnded(now machine.Time, reason error, silent bool) {
	why := keyBroken
	switch {
	case silent:
		why = keySilent
	case errors.Is(reason, dtls.ErrCloseNotify):
		why = keyStoppedThere
	case errors.Is(reason, dtls.ErrClosedLocally):
		why = keyStoppedHere
	}
	a.stopKey(now, why)
}

// keyMissed ends the use of the key after too many wrong guesses.
func (a *Agent) keyMissed(now machine.Time) {
	if a.key.started && !a.key.connected && a.key.attempts >= maxAttempts {
		a.stopKey(now, keyTooOften)
	}
}
