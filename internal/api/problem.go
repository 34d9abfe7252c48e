package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"heddle.example/internal/access"
	"heddle.example/internal/bootstrap"
	"heddle.example/internal/credentials"
	"heddle.example/internal/definitions"
	"heddle.example/internal/history"
	"heddle.example/internal/notes"
	"heddle.example/internal/shards"
	"heddle.example/internal/values"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/server"
	"heddle.example/store"
)

// Problem is an error as RFC 9457 has it. Its detail says what to do.
type Problem struct {
	Type      string        `json:"type" example:"about:blank" doc:"about:blank: the status says it all"`
	Title     string        `json:"title" example:"Not Found"`
	Status    int           `json:"status" example:"404"`
	Detail    string        `json:"detail,omitempty" doc:"what happened, and what to do"`
	Instance  string        `json:"instance,omitempty" doc:"the path of the request"`
	Operation string        `json:"operation,omitempty" doc:"id of the operation on the device, where one was begun"`
	Errors    []ProblemItem `json:"errors,omitempty" doc:"what is wrong with each part of the request"`
}

// ProblemItem is one thing that is wrong with a request.
type ProblemItem struct {
	Location string `json:"location,omitempty" example:"body.path"`
	Message  string `json:"message"`
}

// Error implements error.
func (p *Problem) Error() string { return p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

func problem(status int, format string, args ...any) *Problem {
	return &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: fmt.Sprintf(format, args...)}
}

// useProblems makes huma's own errors Problems too. The hook is global in huma.
var useProblems = sync.OnceFunc(func() {
	huma.NewErrorWithContext = func(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
		p := newProblem(status, msg, errs...)
		if ctx != nil {
			u := ctx.URL()
			p.Instance = u.Path
		}
		return p
	}
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError { return newProblem(status, msg, errs...) }
})

func newProblem(status int, msg string, errs ...error) *Problem {
	p := problem(status, "%s", msg)
	for _, err := range errs {
		var same *Problem
		var d huma.ErrorDetailer
		switch {
		case err == nil:
		case errors.As(err, &same):
			return same
		case errors.As(err, &d):
			e := d.ErrorDetail()
			p.Errors = append(p.Errors, ProblemItem{e.Location, e.Message})
		default:
			p.Errors = append(p.Errors, ProblemItem{Message: err.Error()})
		}
	}
	if msg == "validation failed" && len(p.Errors) > 0 {
		p.Detail = "The request is not as the API wants it: " + p.Errors[0].Message
		if l := p.Errors[0].Location; l != "" {
			p.Detail += " (" + l + ")"
		}
		p.Detail += ". /api/docs shows the shape of each request."
	}
	return p
}

// problemOf says which answer an error of the rooms below is.
func problemOf(err error) *Problem {
	var p *Problem
	var value *values.Error
	var invalid *server.ErrInvalid
	var configuration *bootstrap.Invalid
	switch {
	case err == nil:
		return nil
	case errors.As(err, &p):
		return p
	case errors.As(err, &value):
		p = problem(422, "%s", value.Error())
		p.Errors = []ProblemItem{{value.Path.String(), value.Msg}}
		return p
	case errors.As(err, &invalid):
		p = problem(422, "%s: %s", invalid.Path, invalid.Reason)
		p.Errors = []ProblemItem{{invalid.Path.String(), invalid.Reason}}
		return p
	case errors.As(err, &configuration):
		p = problem(422, "%s.", sentence(err))
		for _, i := range configuration.Items {
			p.Errors = append(p.Errors, ProblemItem{i.Where, sentence(errors.New(i.What))})
		}
		return p
	case errors.Is(err, server.ErrUnknownEndpoint):
		return problem(404, "No device of this name is registered. GET /api/v1/clients lists those that are.")
	case errors.Is(err, server.ErrTimeout):
		return problem(504, "The device did not answer in time. It may be off, out of reach or asleep; try again, or give a longer timeout.")
	case errors.Is(err, server.ErrQueueFull), errors.Is(err, server.ErrQueueExpired), errors.Is(err, server.ErrMaybeExecuted):
		status := 504
		if errors.Is(err, server.ErrQueueFull) {
			status = 503
		}
		return problem(status, "%s.", sentence(err))
	case errors.Is(err, shards.ErrFull), errors.Is(err, server.ErrBusy), errors.Is(err, server.ErrTooMany):
		return problem(503, "Too many operations are under way. Try again in a moment.")
	case errors.Is(err, shards.ErrNoServer):
		return problem(503, "No server runs on this data directory, and this needs one: start `heddle server`.")
	case errors.Is(err, shards.ErrStopped):
		return problem(503, "The server is stopping.")
	case errors.Is(err, server.ErrNotStored):
		return problem(503, "The store has failed, so nothing new can be promised. Look at the server's log, repair the disk and restart the server.")
	case errors.Is(err, store.ErrFull):
		return problem(507, "The disk is full, so the change is not stored and does not hold. Free some space and try again; what is stored can be read.")
	case errors.Is(err, store.ErrFailed), errors.Is(err, store.ErrClosed):
		return problem(503, "The disk has failed, so the change is not stored and may be lost. Repair the disk and restart the server.")
	case errors.Is(err, store.ErrBusy):
		return problem(503, "The disk does not keep up. Try again in a moment.")
	case errors.Is(err, server.ErrNoObservation):
		return problem(404, "This path is not observed.")
	case errors.Is(err, server.ErrReset), errors.Is(err, server.ErrClosed), errors.Is(err, server.ErrDeregistered), errors.Is(err, server.ErrReregistered), errors.Is(err, server.ErrNotObserved), errors.Is(err, server.ErrCancelled):
		return problem(502, "%s.", sentence(err))
	case errors.Is(err, access.ErrInvalid), errors.Is(err, credentials.ErrInvalid), errors.Is(err, definitions.ErrInvalid), errors.Is(err, notes.ErrInvalid), errors.Is(err, history.ErrCursor), errors.Is(err, lwm2m.ErrVersion):
		return problem(422, "%s.", sentence(err))
	case errors.Is(err, access.ErrExists), errors.Is(err, access.ErrLast), errors.Is(err, credentials.ErrConflict), errors.Is(err, credentials.ErrExists), errors.Is(err, bootstrap.ErrConflict), errors.Is(err, bootstrap.ErrExists):
		return problem(409, "%s.", sentence(err))
	case errors.Is(err, access.ErrNotFound), errors.Is(err, credentials.ErrNotFound), errors.Is(err, definitions.ErrNotAdded), errors.Is(err, bootstrap.ErrNotFound):
		return problem(404, "%s.", sentence(err))
	case errors.Is(err, access.ErrLogin):
		return problem(401, "The user name or the password is wrong.")
	case errors.Is(err, access.ErrLink):
		return problem(401, "This link is not valid any more: it works once, within 15 minutes. Restart the server for a new one, or use `heddle user add`.")
	case errors.Is(err, access.ErrLimited):
		return problem(429, "Too many attempts. Wait five minutes.")
	case errors.Is(err, credentials.ErrFull), errors.Is(err, notes.ErrFull), errors.Is(err, bootstrap.ErrFull):
		return problem(507, "%s.", sentence(err))
	}
	return problem(500, "%s. The server's log has more.", sentence(err))
}

// sentence takes the names of rooms off an error and makes the rest a sentence.
func sentence(err error) string {
	s := err.Error()
	for _, room := range []string{"lwm2m/server: ", "lwm2m/registry: ", "lwm2m: ", "access: ", "credentials: ", "bootstrap: ", "notes: ", "history: "} {
		s = strings.ReplaceAll(s, room, "")
	}
	for _, kind := range []string{"not valid: ", "not found: ", "conflict: ", "value out of range: "} {
		s = strings.TrimPrefix(s, kind)
	}
	if s != "" {
		s = strings.ToUpper(s[:1]) + s[1:]
	}
	return s
}

// writeProblem answers with a problem.
func writeProblem(w http.ResponseWriter, r *http.Request, p *Problem) {
	if p.Instance == "" {
		q := *p
		q.Instance = r.URL.Path
		p = &q
	}
	b, _ := json.Marshal(p)
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if p.Status == 503 || p.Status == 429 {
		h.Set("Retry-After", map[int]string{503: "1", 429: "300"}[p.Status])
	}
	w.WriteHeader(p.Status)
	w.Write(append(b, '\n'))
}
