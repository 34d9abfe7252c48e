package device

import (
	"context"
	"errors"

	"heddle.example/lwm2m/client"
	"heddle.example/machine"
)

// ErrEnded says that the device stopped or started anew before a Send had its answer.
var ErrEnded = errors.New("the device has stopped or started anew")

// Send sends values and waits for the one outcome.
func (d *Device) Send(ctx context.Context, r *client.SendRequest) (*client.SendOutcome, error) {
	done := make(chan *client.SendOutcome, 1)
	cause := d.Cause()
	err := d.Do(func(now machine.Time, c *client.Client) {
		if d.sends == nil {
			d.sends = map[machine.OpID]chan *client.SendOutcome{}
		}
		d.sends[c.Send(now, cause, r)] = done // its result comes when this has returned
	})
	if err != nil {
		return nil, err
	}
	select {
	case out := <-done:
		if out == nil {
			return nil, ErrEnded
		}
		return out, nil
	case <-d.ended.Done():
		return nil, ErrEnded
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// sent hands a Send its outcome, on the device's goroutine.
func (d *Device) sent(op machine.OpID, out *client.SendOutcome) {
	if done := d.sends[op]; done != nil {
		delete(d.sends, op)
		done <- out
	}
}

// dropSends ends all of them: the client that they were given to is gone.
func (d *Device) dropSends() {
	for op := range d.sends {
		d.sent(op, nil)
	}
}
