package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"heddle.example/internal/shards"
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

// registerTime bounds how long Live waits for a device, on a computer that has other things to do; watchTime bounds what it
// then does with it.
const (
	registerTime = 60 * time.Second
	watchTime    = 30 * time.Second
)

// watchers is how many devices Live speaks to at once: a mesh has one radio channel.
const watchers = 3

// Live observes the values that a person would want to see move, as soon as each device has registered. It returns when
// all are observed, or have failed.
func (d *Demo) Live(ctx context.Context) error {
	type job struct {
		name  string
		kinds []uint16
	}
	jobs := make(chan job, Count())
	for i := range families {
		for _, name := range families[i].names {
			jobs <- job{name, families[i].kinds}
		}
	}
	close(jobs)
	errs := make([]error, watchers)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			for j := range jobs {
				errs[i] = errors.Join(errs[i], d.watchAll(ctx, j.name, j.kinds))
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// watchAll observes what is to be observed of one device.
func (d *Demo) watchAll(ctx context.Context, name string, kinds []uint16) error {
	if err := d.registered(ctx, name); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, watchTime)
	defer cancel()
	for _, w := range watched {
		if w.object != 3 && !slices.Contains(kinds, w.object) {
			continue
		}
		// Not all at the same instant: devices are not in step.
		if err := d.watch(ctx, name, w.path, w.pmax+hash(name+w.path)%7); err != nil {
			return err
		}
	}
	return nil
}

// registered waits for a device of ours: after a power cut the list still has the one that was there before.
func (d *Demo) registered(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, registerTime)
	defer cancel()
	for r := d.Program.Fleet.Registration(name); r == nil || r.RegisteredAt < d.began; r = d.Program.Fleet.Registration(name) {
		select {
		case <-ctx.Done():
			return errors.New("demo: " + name + " did not register in time")
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
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
		_, out, err := d.Program.Shards.Do(ctx, name, op)
		var kept *shards.Kept
		switch {
		case errors.As(err, &kept): // it has fallen asleep already, and is asked when it wakes
		case err != nil:
			return fmt.Errorf("demo: %v %s of %s: %w", op.Kind, path, name, err)
		default:
			d.Program.Fleet.Values(name, out.Entries, d.Program.Fleet.Now(), "read", "")
		}
	}
	return nil
}
