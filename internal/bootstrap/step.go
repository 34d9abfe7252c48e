package bootstrap

import (
	"fmt"
	"strings"

	"heddle.example/coap"
	"heddle.example/internal/values"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/bootstrap"
	"heddle.example/lwm2m/registry"
)

// Step is one message of a session or of a dry run, as the API shows it.
type Step struct {
	Number int     `json:"number" doc:"from 0, the device's request"`
	Out    bool    `json:"out" doc:"to the device"`
	Op     string  `json:"op" enum:"request,discover,read,delete,write,finish"`
	Code   string  `json:"code" enum:"GET,PUT,POST,DELETE" doc:"the method"`
	Path   string  `json:"path" example:"/0/1"`
	What   string  `json:"what" example:"Write Security" doc:"in words"`
	Format string  `json:"format,omitempty" example:"SenML CBOR" doc:"of what is written"`
	Accept string  `json:"accept,omitempty" doc:"what is asked for"`
	Size   int     `json:"size,omitempty" doc:"bytes: of the whole CoAP message in a dry run, of the payload in a session"`
	Values []Value `json:"values,omitempty" doc:"written, or read"`
	Links  string  `json:"links,omitempty" doc:"what the device has, in link format"`
	Note   string  `json:"note,omitempty"`
	State  string  `json:"state,omitempty" enum:"sent,answered,failed,skipped" doc:"skipped: not sent, the note says why. A refusal that does not matter is answered, with a note"`
	Answer string  `json:"answer,omitempty" example:"2.04"`
	Detail string  `json:"detail,omitempty" doc:"why it failed, in the device's own words where it sent some"`
	At     Time    `json:"at,omitzero" format:"date-time"`
	TookMs float64 `json:"tookMs,omitempty"`
}

// Value is a value of a message, as a person reads it.
type Value struct {
	Path   string `json:"path"`
	Name   string `json:"name,omitempty"`
	Type   string `json:"type"`
	Value  string `json:"value"`
	Secret bool   `json:"secret,omitempty" doc:"a key: the value is dots and its length"`
}

// View makes the view of a step.
func View(step *bootstrap.Step, reg *registry.Registry) Step {
	v := Step{Number: step.Number, Out: step.Op != bootstrap.Request, Op: step.Op.String(), Code: step.Method.Name(), Path: step.URI, What: what(step, reg), Links: step.Links,
		Size: step.Size, Note: step.Note, Values: viewValues(step.Entries, step.Lengths, reg), At: Time(step.At), TookMs: float64(step.Took.Microseconds()) / 1000}
	if step.HasFormat {
		v.Format = formatWords(step.Format)
	}
	if step.HasAccept {
		v.Accept = formatWords(step.Accept)
	}
	if step.Code != 0 {
		v.Answer = step.Code.String()
	}
	v.Detail = step.Why
	switch {
	case step.Skipped:
		v.State = "skipped"
	case !step.Done:
		v.State = "sent"
	case step.Err != nil:
		v.State, v.Detail = "failed", Sentence(step.Err)
	case step.Code.IsSuccess() || step.Ignored:
		v.State = "answered"
	default:
		v.State = "failed"
	}
	return v
}

func formatWords(ct coap.ContentFormat) string {
	switch ct {
	case coap.TLV, coap.TLVOld:
		return "TLV"
	case coap.SenMLCBOR:
		return "SenML CBOR"
	case coap.SenMLJSON:
		return "SenML JSON"
	case coap.LinkFormat:
		return "links"
	}
	return ct.String()
}

// what says in words what a message does.
func what(step *bootstrap.Step, reg *registry.Registry) string {
	switch step.Op {
	case bootstrap.Request:
		return "Request"
	case bootstrap.Discover:
		return "Discover, to learn instance ids"
	case bootstrap.Finish:
		return "Finish"
	}
	verb := map[bootstrap.Op]string{bootstrap.Read: "Read", bootstrap.Delete: "Delete", bootstrap.WriteOp: "Write"}[step.Op]
	p, err := lwm2m.ParsePath(step.URI)
	switch {
	case err != nil || p.Depth() == 0:
		if step.Op == bootstrap.Delete {
			return "Delete everything but the bootstrap account"
		}
		return verb
	case step.Op == bootstrap.Delete && p == lwm2m.NewPath(0):
		return "Delete, keeps the bootstrap account"
	case step.Op == bootstrap.Delete:
		return verb
	}
	o := reg.Object(p.Object(), lwm2m.Version{})
	if o == nil {
		return verb
	}
	name := o.Name
	for _, prefix := range []string{"LwM2M ", "LWM2M "} {
		name = strings.TrimPrefix(name, prefix)
	}
	if p.Depth() >= 3 {
		if r := o.Resource(p.Resource()); r != nil {
			return verb + " " + name + ", " + r.Name
		}
	}
	return verb + " " + name
}

const dots = "••••••••"

func viewValues(list []lwm2m.Entry, lengths map[lwm2m.Path]int, reg *registry.Registry) []Value {
	var out []Value
	for _, e := range list {
		v := Value{Path: e.Path.String(), Type: values.TypeName(e.Value.Kind())}
		if o := reg.Object(e.Path.Object(), lwm2m.Version{}); o != nil && e.Path.Depth() >= 3 {
			if r := o.Resource(e.Path.Resource()); r != nil {
				v.Name, v.Type = r.Name, values.TypeName(r.Kind)
			}
		}
		switch raw := e.Value.Raw(); {
		case bootstrap.Secret(e.Path):
			v.Secret = true
			if v.Value = dots; lengths[e.Path] > 0 {
				v.Value = fmt.Sprintf("%s %d B", dots, lengths[e.Path])
			}
		case e.Value.Kind() == lwm2m.Opaque && plain(raw, 255): // an identity
			v.Value = raw
		case !e.Value.IsNone():
			v.Value = e.Value.String()
		}
		out = append(out, v)
	}
	return out
}
