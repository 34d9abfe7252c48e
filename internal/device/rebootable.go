package device

import (
	"heddle.example/lwm2m/client"
	"heddle.example/machine"
)

// rebootable is the outermost machine: it hands everything to the client of the day. Commits are numbered through over
// reboots, since the driver counts on it.
type rebootable struct {
	out    machine.Outbox
	client *client.Client
}

func newRebootable(cfg client.Config) *rebootable {
	return &rebootable{out: machine.NewOutbox(cfg.Nest)}
}

// pump moves the client's actions outwards.
func (r *rebootable) pump() {
	for {
		a, ok := r.client.Next()
		if !ok {
			return
		}
		r.out.Push(a)
	}
}

func (r *rebootable) start(now machine.Time, cause machine.Cause) {
	r.out.Begin()
	r.client.Start(now, cause)
}

func (r *rebootable) Receive(now machine.Time, cause machine.Cause, path machine.Path, b []byte) {
	r.out.Begin()
	r.client.Receive(now, cause, path, b)
	r.pump()
}

func (r *rebootable) Expire(now machine.Time) {
	r.out.Begin()
	r.client.Expire(now)
	r.pump()
}

func (r *rebootable) Deadline() machine.Time { return r.client.Deadline() }

func (r *rebootable) Next() (machine.Action, bool) {
	r.pump() // commands go to the client directly
	return r.out.Next()
}

func (r *rebootable) Persisted(now machine.Time, seq machine.Seq) {
	r.out.Begin()
	r.client.Persisted(now, seq)
	r.pump()
}

func (r *rebootable) PersistFailed(now machine.Time, seq machine.Seq, err error) {
	r.out.Begin()
	r.client.PersistFailed(now, seq, err)
	r.pump()
}
