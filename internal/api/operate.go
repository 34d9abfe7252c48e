package api

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"heddle.example/internal/values"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/format"
	"heddle.example/lwm2m/server"
)

// Time-outs of an operation.
const (
	timeoutDefault = 15 * time.Second
	timeoutMost    = 300 * time.Second
)

// OperationInput asks for an operation on a device.
type OperationInput struct {
	Op         string                     `json:"op,omitempty" enum:"read,discover,write,write-partial,execute,create,delete,write-attributes,observe,cancel-observe,ping,read-composite,write-composite,observe-composite,cancel-observe-composite"`
	Path       string                     `json:"path,omitempty" example:"/3/0/9"`
	Paths      []string                   `json:"paths,omitempty" doc:"read-composite, observe-composite, cancel-observe-composite: what to read, \"/\" for all; what the device has not or does not tell is left out"`
	Values     map[string]json.RawMessage `json:"values,omitempty" doc:"write-composite: values by path, written as a whole or not at all"`
	Value      json.RawMessage            `json:"value,omitempty" doc:"write: the value of a resource or resource instance; numbers as numbers, opaque in hexadecimal, times in RFC 3339, object links as 3:0"`
	Type       string                     `json:"type,omitempty" enum:"string,integer,unsigned,float,boolean,opaque,time,objlink,corelnk" doc:"write: the type of value, for resources that no definition tells"`
	Resources  json.RawMessage            `json:"resources,omitempty" doc:"write, create: values by resource id; those of a multiple resource by instance id"`
	Instance   *uint16                    `json:"instance,omitempty" doc:"create: the id of the new instance; absent: the device chooses"`
	Args       string                     `json:"args,omitempty" example:"0='x',1" doc:"execute"`
	Attributes map[string]*float64        `json:"attributes,omitempty" doc:"write-attributes: pmin, pmax, gt, lt, st, epmin, epmax, edge, con, hqmax; null takes one away"`
	Format     string                     `json:"format,omitempty" example:"senml-cbor" doc:"text, opaque, cbor, tlv, json, senml-json, senml-cbor, lwm2m-cbor; absent: the server chooses"`
	Timeout    float64                    `json:"timeout,omitempty" doc:"seconds, at most 300; absent: 15"`
	Queue      string                     `json:"queue,omitempty" enum:"auto,never,always" doc:"where the device is asleep: auto keeps it for a device in queue mode, always for any; absent: auto"`
	Expires    float64                    `json:"expires,omitempty" doc:"seconds for which it is kept; absent: 7 days"`
	Repeat     bool                       `json:"repeat,omitempty" doc:"execute, create: may be sent again though perhaps the device has executed it"`
	Passive    bool                       `json:"passive,omitempty" doc:"cancel-observe: tell the device only when it next notifies"`
}

// operation makes the machine's operation out of the request.
func (a *API) operation(endpoint string, in *OperationInput) (*server.Operation, error) {
	kind, ok := server.ParseOpKind(in.Op)
	if !ok {
		return nil, problem(422, "There is no operation %q; use read, discover, write, write-partial, execute, create, delete, write-attributes, observe, cancel-observe, ping, read-composite, write-composite, observe-composite or cancel-observe-composite.", in.Op)
	}
	o := &server.Operation{Kind: kind, Args: in.Args, Passive: in.Passive}
	composite := kind >= server.ReadComposite && kind <= server.CancelObserveComposite
	if kind != server.Ping && !composite {
		p, err := lwm2m.ParsePath(in.Path)
		if err != nil {
			return nil, problem(422, "%q is not a path such as /3/0/9.", in.Path)
		}
		o.Path = p
	}
	var err error
	if o.Timeout, err = timeout(in.Timeout); err != nil {
		return nil, err
	}
	if err := setFormat(o, in.Format); err != nil {
		return nil, err
	}
	if err := queueMode(o, in.Queue, in.Expires, in.Repeat); err != nil {
		return nil, err
	}
	if !composite && (in.Paths != nil || in.Values != nil) {
		return nil, problem(422, "paths and values are for composite operations; %s has a path.", in.Op)
	}
	switch kind {
	case server.ReadComposite, server.WriteComposite, server.ObserveComposite, server.CancelObserveComposite:
		err = a.composite(endpoint, o, in)
	case server.Write, server.WritePartial:
		o.Entries, err = a.entries(endpoint, o.Path, in)
	case server.Create:
		err = a.create(endpoint, o, in)
	case server.WriteAttributes:
		o.Attributes, err = attributes(in.Attributes)
	}
	return o, err
}

func timeout(seconds float64) (time.Duration, error) {
	switch {
	case seconds == 0:
		return timeoutDefault, nil
	case !(seconds >= 0.1) || seconds > timeoutMost.Seconds():
		return 0, problem(422, "timeout is %g; it is in seconds, from 0.1 to %g.", seconds, timeoutMost.Seconds())
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

func setFormat(o *server.Operation, name string) error {
	if name == "" {
		return nil
	}
	ct, ok := format.ParseName(name)
	if !ok {
		names := format.Names()
		slices.Sort(names)
		return problem(422, "There is no format %q; use %s.", name, strings.Join(names, ", "))
	}
	o.Format, o.HasFormat = ct, true
	return nil
}

// entries reads what to write at a path.
func (a *API) entries(endpoint string, p lwm2m.Path, in *OperationInput) ([]lwm2m.Entry, error) {
	types := a.c.Fleet.Types(endpoint)
	var entries []lwm2m.Entry
	switch {
	case in.Value != nil && in.Resources != nil:
		return nil, problem(422, "Give value or resources, not both.")
	case in.Value != nil && p.Depth() >= 3:
		kind, multiple, known := types.TypeOf(p)
		if in.Type != "" {
			k, ok := values.ParseType(in.Type)
			if !ok {
				return nil, problem(422, "There is no type %q.", in.Type)
			}
			kind = k
		} else if known && multiple && p.Depth() == 3 {
			return nil, problem(422, "%s has several instances: write {\"resources\": {\"0\": value, …}}, or its instance %s/0.", p, p)
		}
		v, err := values.Parse(p, kind, in.Value)
		if err != nil {
			return nil, err
		}
		entries = []lwm2m.Entry{{Path: p, Value: v}}
	case in.Resources != nil:
		var err error
		if entries, err = values.Resources(p, in.Resources, types); err != nil {
			return nil, err
		}
	case p.Depth() >= 3:
		return nil, problem(422, "There is nothing to write: the body is {\"value\": …}.")
	default:
		return nil, problem(422, "There is nothing to write: the body is {\"resources\": {\"0\": …}}.")
	}
	return entries, a.check(endpoint, entries)
}

// check compares the values with the ranges of the definitions.
func (a *API) check(endpoint string, entries []lwm2m.Entry) error {
	var p *Problem
	types := a.c.Fleet.Types(endpoint)
	for _, e := range entries {
		r := types.Resource(e.Path)
		if r == nil || e.Value.IsNone() {
			continue
		}
		if err := r.Check(e.Value); err != nil {
			if p == nil {
				p = problem(422, "%s: %s.", e.Path, sentence(err))
			}
			p.Errors = append(p.Errors, ProblemItem{e.Path.String(), sentence(err)})
		}
	}
	if p != nil {
		return p
	}
	return nil
}

func (a *API) create(endpoint string, o *server.Operation, in *OperationInput) error {
	if o.Path.Depth() == 2 && in.Instance == nil { // /31024/13 says the instance too
		id := o.Path.Instance()
		in.Instance, o.Path = &id, o.Path.Parent()
	}
	if o.Path.Depth() != 1 {
		return problem(422, "Create wants the path of an object, such as /31024.")
	}
	instance := lwm2m.NoID
	if in.Instance != nil {
		if instance = *in.Instance; instance == lwm2m.NoID {
			return problem(422, "An instance has a number from 0 to 65534.")
		}
	}
	base := o.Path.Child(instance)
	raw := in.Resources
	if raw == nil {
		raw = json.RawMessage("{}")
	}
	entries, err := values.Resources(base, raw, a.c.Fleet.Types(endpoint))
	if err != nil {
		return err
	}
	o.Entries = entries
	if in.Instance == nil && len(entries) == 1 && entries[0].Path == base {
		o.Entries = nil // an empty instance that the device names
	}
	return a.check(endpoint, entries)
}

func attributes(in map[string]*float64) (lwm2m.Attributes, error) {
	var queries []string
	for name, v := range in {
		if v == nil {
			queries = append(queries, name)
			continue
		}
		s := strconv.FormatFloat(*v, 'f', -1, 64)
		queries = append(queries, name+"="+s)
	}
	if len(queries) == 0 {
		return lwm2m.Attributes{}, problem(422, "There is nothing to set: the body is such as {\"pmin\": 10, \"pmax\": 60, \"gt\": null}.")
	}
	slices.Sort(queries)
	at, err := lwm2m.ParseAttributes(queries...)
	if err != nil {
		return at, problem(422, "%s.", sentence(err))
	}
	return at, nil
}
