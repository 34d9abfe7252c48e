package load

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net/http"
	"sync"
)

// events reads a stream of server-sent events and counts those of one type.
func (c *client) events(ctx context.Context, path, kind string, seen func(n int)) error {
	req, err := http.NewRequestWithContext(ctx, "GET", c.base+path, nil)
	if err != nil {
		return err
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	stream := *c.http
	stream.Timeout = 0
	resp, err := stream.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return refusal(resp)
	}
	seen(0) // connected
	r := bufio.NewReaderSize(resp.Body, 1<<20)
	for {
		line, err := r.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			continue // a long data line
		}
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		if name, ok := bytes.CutPrefix(line, []byte("event:")); ok && string(bytes.TrimSpace(name)) == kind {
			seen(1)
		}
	}
}

// each runs f for all items, so many at a time, and returns the first error.
func each(ctx context.Context, workers int, items []string, f func(ctx context.Context, item string) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	next := make(chan string)
	for range min(workers, len(items)) {
		group.Go(func() {
			for item := range next {
				if err := f(ctx, item); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, item := range items {
		if ctx.Err() != nil {
			break
		}
		next <- item
	}
	close(next)
	group.Wait()
	return context.Cause(ctx)
}
