package shards

import (
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// Follower sees what becomes of operations on their way through the server. The owners call it, several at once: it must not
// wait, and what it is given it borrows.
type Follower interface {
	// Asked says that an operation has begun. What it has the server say has its cause.
	Asked(now machine.Time, cause machine.Cause, id machine.OpID, endpoint string, op *server.Operation)
	// Message is a CoAP message in plaintext, before it is sealed or after it was opened; its Datagram comes next, or came
	// just before.
	Message(shard int, now machine.Time, out bool, path machine.Path, b []byte)
	// Datagram is one on its way out, with its cause, or in. now may be that of the input before.
	Datagram(shard int, now machine.Time, cause machine.Cause, out bool, path machine.Path, b []byte)
	// Ended has the result of an operation.
	Ended(now machine.Time, id machine.OpID, out *server.Outcome)
}

// followed returns the shard's machine, with its datagrams shown to the Follower.
func (k *shard) followed() machine.Machine {
	if k.all.follower == nil {
		return k.srv
	}
	return &watched{Server: k.srv, shard: k.number, to: k.all.follower}
}

// watched is a server whose datagrams are seen.
type watched struct {
	*server.Server
	shard int
	to    Follower
	now   machine.Time
}

func (w *watched) Receive(now machine.Time, cause machine.Cause, path machine.Path, b []byte) {
	w.now = now
	w.to.Datagram(w.shard, now, cause, false, path, b)
	w.Server.Receive(now, cause, path, b)
}

func (w *watched) Expire(now machine.Time) {
	w.now = now
	w.Server.Expire(now)
}

func (w *watched) Next() (machine.Action, bool) {
	a, ok := w.Server.Next()
	if ok && a.Kind == machine.Send {
		w.to.Datagram(w.shard, w.now, a.Cause, true, a.Path, a.Data)
	}
	return a, ok
}
