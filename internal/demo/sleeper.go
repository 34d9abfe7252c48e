package demo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"heddle.example/internal/api"
	"heddle.example/internal/fleet"
	"heddle.example/internal/shards"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/server"
)

// sleeper is the device that sleeps soonest, so that something is always kept for it.
const (
	sleeper         = "window-loft"
	sleeperAwake    = 20 * time.Second
	sleeperLifetime = 3 * time.Minute
)

// keep writes to the sleeper whenever it sleeps and nothing waits for it.
func (d *Demo) keep(ctx context.Context) {
	p := lwm2m.MustPath("/3/0/15")
	zones := []string{"Europe/Berlin", "Europe/Lisbon", "UTC"}
	for i := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(5 * time.Second):
		}
		c, ok := d.Program.Fleet.Client(sleeper, false)
		if !ok || c.Awake || c.Queued > 0 {
			continue
		}
		value := lwm2m.Str(zones[i%len(zones)])
		_, _, err := d.Program.Shards.Do(ctx, sleeper, &server.Operation{Kind: server.Write, Path: p, Entries: []lwm2m.Entry{{Path: p, Value: value}}})
		var kept *shards.Kept
		if errors.As(err, &kept) {
			i++
		}
	}
}

// sleep has a write kept for a sleeping device, and wakes it.
func (c *checker) sleep() (string, error) {
	path := "/api/v1/clients/" + sleeper
	if err := c.call("PUT", path+"/queue", map[string]float64{"window": 1}, nil); err != nil {
		return "", err
	}
	defer c.call("PUT", path+"/queue", map[string]float64{"window": sleeperAwake.Seconds()}, nil)
	if _, err := c.waitFor(func() (string, error) {
		var row struct{ State fleet.State }
		if err := c.call("GET", path, nil, &row); err != nil || row.State == fleet.Asleep {
			return "", err
		}
		return "", errors.New("it does not fall asleep")
	}); err != nil {
		return "", err
	}
	var kept fleet.QueuedView
	if err := c.call("PUT", path+"/objects/3/0/15", map[string]string{"value": "Europe/Vienna"}, &kept); err != nil {
		return "", err
	}
	if kept.Status != "queued" || kept.ID == "" {
		return "", fmt.Errorf("not kept: %+v", kept)
	}
	if err := c.d.sleeper.Update(); err != nil {
		return "", err
	}
	return c.waitFor(func() (string, error) {
		var r api.OperationResult
		if err := c.call("GET", "/api/v1/operations/"+kept.ID, nil, &r); err != nil {
			return "", err
		}
		if r.Status != "answered" {
			return "", fmt.Errorf("it is %s", r.Status)
		}
		return summary(&r), nil
	})
}
