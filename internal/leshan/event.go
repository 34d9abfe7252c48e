package leshan

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"heddle.example/coap"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// Take takes in what a shard tells, on the shard's goroutine.
func (l *Leshan) Take(value any) {
	if !l.hub.Watched() {
		return
	}
	publish := func(kind, endpoint string, f func() any) {
		l.hub.Publish(kind, endpoint, func() []byte {
			b, _ := json.Marshal(f())
			return b
		})
	}
	switch e := value.(type) {
	case *server.Registered:
		publish("REGISTRATION", e.Registration.Endpoint, func() any { return l.registration(e.Registration, e.At, false) })
	case *server.Updated:
		publish("UPDATED", e.Registration.Endpoint, func() any { return l.update(e.Registration, e.At) })
	case *server.Moved:
		publish("UPDATED", e.Registration.Endpoint, func() any { return l.update(e.Registration, e.At) })
	case *server.Deregistered:
		publish("DEREGISTRATION", e.Registration.Endpoint, func() any { return l.registration(e.Registration, e.Registration.UpdatedAt, false) })
	case *server.Presence:
		ep := e.Endpoint
		publish(presenceKind(e), ep, func() any { return map[string]any{"ep": ep} })
	case *server.Notified:
		if e.Err == nil {
			ep, p, entries, paths := e.Registration.Endpoint, e.Observation.Path, e.Entries, e.Observation.Paths
			publish("NOTIFICATION", ep, func() any {
				if paths != nil {
					return map[string]any{"ep": ep, "kind": "composite", "val": nodesOf(paths, entries)}
				}
				return map[string]any{"ep": ep, "kind": "single", "res": p.String(), "val": nodeOf(p, entries)}
			})
		}
	case *server.Sent:
		ep, entries := e.Registration.Endpoint, e.Entries
		publish("SEND", ep, func() any { return map[string]any{"ep": ep, "val": nodesOf(pathsOf(entries), entries)} })
	case *server.Message:
		publish("COAPLOG", e.Endpoint, func() any { return coapLog(e) })
	}
}

func (l *Leshan) update(r *server.Registration, at machine.Time) any {
	reg := l.registration(r, at, false)
	return map[string]any{"registration": reg, "update": map[string]any{"registrationId": reg.RegistrationID, "address": reg.Address, "lifetime": reg.Lifetime,
		"objectLinks": reg.ObjectLinks, "secure": reg.Secure, "additionalAttributes": reg.Additional}}
}

func coapLog(e *server.Message) any {
	v := map[string]any{"ep": e.Endpoint, "timestamp": int64(e.At) / 1e6, "incoming": !e.Out}
	var m coap.Message
	if m.Decode(e.Raw) != nil {
		return v
	}
	v["type"], v["mId"], v["token"] = m.Type.String(), m.ID, m.Token.String()
	if m.Code != coap.Empty {
		v["code"] = strings.ToUpper(strings.ReplaceAll(m.Code.Name(), " ", "_"))
	}
	var options []string
	for _, o := range m.Options {
		options = append(options, o.Number.String()+": "+hexOrText(o.Value))
	}
	if len(options) > 0 {
		v["options"] = strings.Join(options, " - ")
	}
	if len(m.Payload) > 0 {
		if p := string(m.Payload); printable(p) {
			v["payload"] = p
		} else {
			v["payload"] = "Hex:" + hex.EncodeToString(m.Payload)
		}
	}
	return v
}

func hexOrText(b []byte) string {
	if printable(string(b)) {
		return string(b)
	}
	return "0x" + hex.EncodeToString(b)
}

func printable(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return s != ""
}

// event streams to one reader. With ?ep= only that endpoint's events, and its messages.
func (l *Leshan) event(w http.ResponseWriter, r *http.Request) {
	endpoint := r.URL.Query().Get("ep")
	if endpoint != "" {
		release, _ := l.c.Fleet.Watch(endpoint)
		defer release()
	}
	reader, _ := l.hub.Follow(nil)
	defer reader.Close()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	rc := http.NewResponseController(w)
	w.WriteHeader(200)
	rc.Flush()
	var buf []byte
	for {
		ctx, cancel := context.WithTimeout(r.Context(), 15*time.Second)
		events, err := reader.Next(ctx)
		cancel()
		buf = buf[:0]
		switch {
		case errors.Is(err, context.DeadlineExceeded) && r.Context().Err() == nil && !l.api.Ended():
			buf = append(buf, "\r\n"...) // Jetty's heartbeat
		case err != nil:
			return
		}
		for _, e := range events {
			if endpoint == "" && e.Kind == "COAPLOG" || endpoint != "" && e.Endpoint != endpoint {
				continue
			}
			buf = append(append(append(buf, "event: "...), e.Kind...), "\r\ndata: "...)
			buf = append(append(buf, e.Data()...), "\r\n\r\n"...)
		}
		rc.SetWriteDeadline(time.Now().Add(10 * time.Second))
		if _, err := w.Write(buf); err != nil || rc.Flush() != nil {
			return
		}
		rc.SetWriteDeadline(time.Time{}) // HTTP/2 ends a stream at its deadline even if nothing waits
	}
}

// Close ends the streams of events.
func (l *Leshan) Close() { l.hub.Close() }
