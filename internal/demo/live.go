package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/server"
)

// watched is what the demo observes of a device that has the object, so that its pages are alive: path, and the seconds
// within which it tells its value at least once.
var watched = []struct {
	object uint16
	path   string
	pmax   uint32
}{
	{3, "/3/0/9", 60},
	{6, "/6/0", 10},
	{3303, "/3303/0/5700", 10},
	{3304, "/3304/0/5700", 10},
	{3305, "/3305/0/5800", 5},
	{3306, "/3306/0/5850", 60},
	{3311, "/3311/0/5850", 60},
	{3342, "/3342/0/5500", 60},
}

// registerTime bounds how long Live waits for a device.
const registerTime = 20 * time.Second

// Live observes the values that a person would want to see move, as soon as each device has registered. It returns when
// all are observed, or with the first failure.
func (d *Demo) Live(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, registerTime)
	defer cancel()
	var errs []error
	for i := range families {
		f := &families[i]
		for _, name := range f.names {
			for _, w := range watched {
				if w.object == 3 || slices.Contains(f.kinds, w.object) {
					// Not all at the same instant: devices are not in step.
					errs = append(errs, d.watch(ctx, name, w.path, w.pmax+hash(name+w.path)%7))
				}
			}
		}
	}
	return errors.Join(errs...)
}

func (d *Demo) watch(ctx context.Context, name, path string, pmax uint32) error {
	p, err := lwm2m.ParsePath(path)
	if err != nil {
		return err
	}
	ops := []*server.Operation{
		{Kind: server.WriteAttributes, Path: p, Attributes: lwm2m.Attributes{Set: lwm2m.Pmin | lwm2m.Pmax, Pmin: 1, Pmax: pmax}},
		{Kind: server.Observe, Path: p},
	}
	for _, op := range ops {
		for {
			_, out, err := d.Program.Shards.Do(ctx, name, op)
			if err == nil {
				d.Program.Fleet.Values(name, out.Entries, d.Program.Fleet.Now(), "read", "")
				break
			}
			if !errors.Is(err, server.ErrUnknownEndpoint) {
				return fmt.Errorf("demo: %v %s of %s: %w", op.Kind, path, name, err)
			}
			select {
			case <-ctx.Done():
				return errors.New("demo: " + name + " did not register in time")
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	return nil
}
