package firmware

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/server"
)

// schemes are the protocols of resource 8, best first for a device whose session is secure, and for one without.
var schemes = [...]string{"coap", "coaps", "http", "https"}

// choose decides how the package gets to the device.
func (m *Manager) choose(d *device, s *status) (string, error) {
	canPush := s.method != 0
	canPull := s.method != 1 && (s.method >= 0 || len(s.protocols) > 0 || d.update.Method == Pull) && m.uri(d, s.protocols) != ""
	switch d.update.Method {
	case Push:
		if !canPush {
			return "", &fault{why: "the device only fetches packages (5/0/9 is 0)"}
		}
		return Push, nil
	case Pull:
		if !canPull {
			return "", &fault{why: "the device cannot fetch packages from this server: it lists none of the protocols that this server offers it"}
		}
		return Pull, nil
	}
	failed := d.Method == Pull && d.Attempts > 0 // perhaps the device cannot reach the address that we know of us
	switch {
	case canPull && !(failed && canPush):
		return Pull, nil
	case canPush:
		return Push, nil
	}
	return "", &fault{why: "neither push nor pull works with this device"}
}

// uri returns the address of the package for a device, or "". A secure device gets it over coaps or https, never in the open.
func (m *Manager) uri(d *device, protocols []int64) string {
	reg := m.c.Registration(d.Endpoint)
	if reg == nil {
		return ""
	}
	order := []int64{1, 3}
	if reg.Path.Security == nil {
		order = []int64{0, 2, 3}
	}
	for _, p := range order {
		// LwM2M 1.0 devices without resource 8 fetch with what they are registered with.
		if !slices.Contains(protocols, p) && !(len(protocols) == 0 && p == order[0]) || p == 0 && !m.c.Plain {
			continue
		}
		if base := m.c.BaseURI(schemes[p], reg); base != "" {
			return base + d.update.Package + "/" + d.Token
		}
	}
	return ""
}

// transfer gets the package to the device.
func (m *Manager) transfer(ctx context.Context, d *device) (bool, error) {
	s, err := m.read(ctx, d)
	if err != nil {
		return false, err
	}
	if d.Method == Pull {
		return m.pull(ctx, d, s)
	}
	if s.state == downloaded {
		return true, m.arrived(d)
	}
	if s.state == updating {
		return true, m.change(d, func() { m.told(d) })
	}
	if s.state == idle && d.Sent > 0 {
		if s.result >= 2 {
			return false, &fault{why: ResultText(s.result), result: s.result, again: retryable(s.result)}
		}
		if err := m.change(d, func() { d.Sent = 0 }); err != nil { // it has forgotten what it had
			return false, err
		}
	}
	if err := m.push(ctx, d); err != nil {
		return false, err
	}
	// The last block was taken; the device may check the package for a while.
	return m.checked(ctx, d)
}

// retryable reports whether another attempt may end otherwise.
func retryable(result int) bool { return result == 3 || result == 4 || result == 5 }

func (m *Manager) arrived(d *device) error {
	return m.change(d, func() {
		d.Sent = d.Size
		m.set(d, Downloaded, "")
		m.save(d.toRecord())
	})
}

// checked waits until the device has checked the package.
func (m *Manager) checked(ctx context.Context, d *device) (bool, error) {
	for range 5 {
		s, err := m.read(ctx, d)
		switch {
		case err != nil:
			return false, err
		case s.state == downloaded:
			return true, m.arrived(d)
		case s.result >= 2:
			return false, &fault{why: ResultText(s.result), result: s.result, again: retryable(s.result)}
		case s.state == updating:
			return true, m.change(d, func() { m.told(d) })
		case s.state == idle:
			return false, &fault{why: "the device took the package and does not have it", again: true}
		}
		if err := m.wait(ctx, d); err != nil {
			return false, err
		}
	}
	return false, nil
}

// wait waits for news of a device, or for the time to look at it anyway.
func (m *Manager) wait(ctx context.Context, d *device) error {
	t := time.NewTimer(m.c.Poll)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-d.news:
	case <-t.C:
	}
	return nil
}

// push writes the package block by block, from where it stopped.
func (m *Manager) push(ctx context.Context, d *device) error {
	f, err := os.Open(m.file(d.update.Package))
	if err != nil {
		return fmt.Errorf("the package is gone: %w", err)
	}
	defer f.Close()
	size := d.Size
	szx, restarts := uint8(6), 0
	buf := make([]byte, 1024)
	for offset := m.sent(d); ; {
		offset &^= int64(16)<<szx - 1
		if offset >= size {
			offset = (size - 1) &^ (int64(16)<<szx - 1) // the last block's answer got lost: write it again
		}
		n, err := f.ReadAt(buf[:min(int64(16)<<szx, size-offset)], offset)
		if err != nil && err != io.EOF || n == 0 {
			return fmt.Errorf("the package cannot be read: %w", err)
		}
		b := &server.WriteBlock{Block: coap.Block{Num: uint32(offset >> (szx + 4)), SZX: szx, More: offset+int64(n) < size}, Data: buf[:n], Size: size}
		if b.Block.Num > coap.MaxBlockNum {
			return &fault{why: "the package has too many blocks of the size that the device takes"}
		}
		if err := m.reachable(d); err != nil {
			return err
		}
		_, out, err := m.c.Devices.Do(ctx, d.Endpoint, &server.Operation{Kind: server.Write, Path: packagePath, Block: b, Timeout: requestTimeout})
		var invalid *server.ErrInvalid
		if errors.As(err, &invalid) && szx > 0 {
			szx-- // more than the session carries in one piece
			continue
		}
		if err := m.failure(ctx, d, out, err); err != nil {
			return err
		}
		smaller := out.HasBlock && out.Block.SZX < szx
		switch {
		case out.Code == coap.Continue:
			offset += int64(n)
			if smaller {
				szx = out.Block.SZX
			}
		case out.Code.Class() == 2:
			m.progress(d, size, int64(n))
			return nil
		case out.Code == coap.RequestEntityTooLarge && smaller && offset == 0:
			szx = out.Block.SZX
			continue
		case out.Code == coap.RequestEntityIncomplete && offset > 0 && restarts < 3:
			restarts++
			offset = 0 // it does not have what came before
			if err := m.change(d, func() { d.Sent = 0; d.step("the device wants the package from the start") }); err != nil {
				return err
			}
			continue
		default:
			return m.refused(ctx, d, out.Code)
		}
		m.progress(d, offset, int64(n))
	}
}

// refused finds out why a device does not take a package.
func (m *Manager) refused(ctx context.Context, d *device, code coap.Code) error {
	s, err := m.read(ctx, d)
	if err != nil {
		return err
	}
	if s.result >= 2 {
		return &fault{why: ResultText(s.result), result: s.result, again: retryable(s.result)}
	}
	return &fault{why: fmt.Sprintf("the device refused the package: %s %s", code, code.Name()), again: code.Class() == 5}
}

func (m *Manager) sent(d *device) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return d.Sent
}

// saveEvery is how many bytes may be sent again after a crash.
const saveEvery = 256 << 10

// progress notes how far a transfer has come.
func (m *Manager) progress(d *device, sent, n int64) {
	m.change(d, func() {
		m.counters.PushedBytes += uint64(n)
		d.Sent, d.movedAt, d.tries = sent, time.Now(), 0
		if d.Detail != "" {
			d.Detail = ""
		}
		if d.Sent-d.savedAt >= saveEvery || d.Sent < d.savedAt {
			m.save(d.toRecord())
		}
		m.tell(d)
	})
}

// pull tells the device where the package is, and waits until it has fetched it.
func (m *Manager) pull(ctx context.Context, d *device, s status) (bool, error) {
	asked := false
	for {
		switch {
		case s.state == downloaded:
			return true, m.arrived(d)
		case s.state == updating:
			return true, m.change(d, func() { m.told(d) })
		case s.state == idle && s.result >= 2 && (asked || m.sent(d) > 0):
			// Of auto the next attempt is a push.
			return false, &fault{why: ResultText(s.result), result: s.result, again: retryable(s.result) || d.update.Method == Auto && s.result != 2}
		case s.state == idle:
			uri := m.uri(d, s.protocols)
			if uri == "" {
				return false, &fault{why: "this server has no address of the package for the device"}
			}
			out, err := m.ask(ctx, d, &server.Operation{Kind: server.Write, Path: uriPath, Entries: []lwm2m.Entry{{Path: uriPath, Value: lwm2m.Str(uri)}}})
			if err != nil {
				return false, err
			}
			if out.Code.Class() != 2 {
				return false, m.refused(ctx, d, out.Code)
			}
			asked = true
			m.change(d, func() { d.movedAt = time.Now(); d.step("told to fetch the package over %s", uri[:4]) })
		}
		if m.stalled(d) {
			m.reset(ctx, d, Pull)
			return false, &fault{why: "the device does not fetch the package", again: true}
		}
		if err := m.wait(ctx, d); err != nil {
			return false, err
		}
		var err error
		if s, err = m.read(ctx, d); err != nil {
			return false, err
		}
	}
}

func (m *Manager) stalled(d *device) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Since(d.movedAt) > m.c.Stalled
}
