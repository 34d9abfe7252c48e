package api

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"heddle.example/internal/fleet"
	"heddle.example/internal/values"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/format"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// OperationResult is how an operation ended. The type is for the OpenAPI document and for clients: appendResult writes it,
// since a read by REST is the path that has to be quick.
type OperationResult struct {
	Operation   string                 `json:"operation" doc:"id of the operation"`
	Endpoint    string                 `json:"endpoint"`
	Op          string                 `json:"op" example:"read"`
	Path        string                 `json:"path" example:"/3/0/9"`
	Paths       []string               `json:"paths,omitempty" doc:"of a composite operation"`
	Status      string                 `json:"status" enum:"answered,refused,failed,timedOut,cancelled,expired" doc:"answered: done; refused: the device answered with an error code; failed: its answer cannot be read"`
	Code        string                 `json:"code,omitempty" example:"2.05" doc:"what the device answered"`
	CodeName    string                 `json:"codeName,omitempty" example:"Content"`
	TookMs      float64                `json:"tookMs"`
	Format      string                 `json:"format,omitempty" example:"senml-cbor"`
	Value       any                    `json:"value,omitempty" doc:"of a single resource or resource instance"`
	Type        string                 `json:"type,omitempty"`
	Resources   json.RawMessage        `json:"resources,omitempty" doc:"nested: by instance id, resource id, resource instance id"`
	Entries     []ResultEntry          `json:"entries,omitempty" doc:"the same, flat"`
	Links       []Link                 `json:"links,omitempty" doc:"discover"`
	Location    string                 `json:"location,omitempty" doc:"create: the new instance"`
	Observation *fleet.ObservationView `json:"observation,omitempty"`
	QueuedAt    fleet.Time             `json:"queuedAt,omitempty" format:"date-time" doc:"of an operation that was kept: when it was asked for"`
	EndedAt     fleet.Time             `json:"endedAt,omitempty" format:"date-time" doc:"in GET /operations/{id}"`
	Detail      string                 `json:"detail,omitempty" doc:"why, where it is not answered: in the device's words (RFC 7252 section 5.5.2) or ours"`
}

// ResultEntry is one value.
type ResultEntry struct {
	Path  string     `json:"path"`
	Type  string     `json:"type"`
	Value any        `json:"value"`
	At    fleet.Time `json:"at,omitempty" format:"date-time" doc:"when it was measured, where the device says so"`
}

// appendResult appends an OperationResult as JSON.
func appendResult(b []byte, id string, out *server.Outcome) []byte {
	b = append(append(append(b, `{"operation":"`...), id...), `","endpoint":`...)
	b = values.AppendString(b, out.Endpoint)
	b = append(append(append(b, `,"op":"`...), out.Op.String()...), `","path":"`...)
	b = out.Path.Append(b)
	b = append(b, '"')
	for i, p := range out.Paths {
		b = append(b, [...]string{`,"paths":["`, `,"`}[min(i, 1)]...)
		b = append(p.Append(b), '"')
	}
	if len(out.Paths) > 0 {
		b = append(b, ']')
	}
	b = append(append(append(b, `,"status":"`...), outcomeStatus(out)...), '"')
	if out.Code != 0 {
		b = append(append(append(b, `,"code":"`...), out.Code.String()...), '"')
		b = append(append(append(b, `,"codeName":"`...), out.Code.Name()...), '"')
	}
	b = append(b, `,"tookMs":`...)
	b = strconv.AppendFloat(b, float64(out.Took.Microseconds())/1000, 'f', -1, 64)
	if out.HasFormat {
		b = append(append(append(b, `,"format":"`...), format.Name(out.Format)...), '"')
	}
	b = appendValues(b, out.Path, out.Entries)
	if len(out.Links) > 0 {
		l, _ := json.Marshal(links(out.Links))
		b = append(append(b, `,"links":`...), l...)
	}
	if out.Location.Depth() > 0 {
		b = append(out.Location.Append(append(b, `,"location":"`...)), '"')
	}
	if out.Observation.ID != 0 {
		o, _ := json.Marshal(fleet.ViewObservation(out.Observation))
		b = append(append(b, `,"observation":`...), o...)
	}
	if out.Kept {
		b = fleet.AppendTime(append(b, `,"queuedAt":`...), out.QueuedAt)
	}
	if d := outcomeDetail(out); d != "" {
		b = values.AppendString(append(b, `,"detail":`...), d)
	}
	return append(b, '}')
}

func appendValues(b []byte, p lwm2m.Path, entries []lwm2m.Entry) []byte {
	if len(entries) == 0 {
		return b
	}
	if last := &entries[len(entries)-1]; p.Depth() >= 3 && entries[0].Path == p && !last.Value.IsNone() {
		b = values.Append(append(b, `,"value":`...), last.Value)
		b = append(append(append(b, `,"type":"`...), values.TypeName(last.Value.Kind())...), '"')
	} else {
		b = values.AppendNested(append(b, `,"resources":`...), p, entries)
	}
	b = append(b, `,"entries":[`...)
	first := true
	for i := range entries {
		e := &entries[i]
		if e.Value.IsNone() {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = e.Path.Append(append(b, `{"path":"`...))
		b = append(append(b, `","type":"`...), values.TypeName(e.Value.Kind())...)
		b = values.Append(append(b, `","value":`...), e.Value)
		if e.Time != 0 {
			b = fleet.AppendTime(append(b, `,"at":`...), machine.Time(e.Time))
		}
		b = append(b, '}')
	}
	return append(b, ']')
}

// outcomeDetail says why an operation did not do what was asked. A device may have sent a text about it.
func outcomeDetail(out *server.Outcome) string {
	switch {
	case out.Err != nil:
		return sentence(out.Err)
	case out.Cut:
		return "The values were too long to be kept; read them again"
	case !answered(out.Code) && len(out.Payload) <= 512 && utf8.Valid(out.Payload):
		return strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return ' '
			}
			return r
		}, string(out.Payload))
	}
	return ""
}

func outcomeStatus(out *server.Outcome) string {
	switch {
	case errors.Is(out.Err, server.ErrTimeout), errors.Is(out.Err, server.ErrMaybeExecuted):
		return "timedOut"
	case errors.Is(out.Err, server.ErrCancelled):
		return "cancelled"
	case errors.Is(out.Err, server.ErrQueueExpired):
		return "expired"
	case out.Err != nil:
		return "failed"
	case !answered(out.Code):
		return "refused"
	}
	return "answered"
}
