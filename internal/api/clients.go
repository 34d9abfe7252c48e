package api

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"heddle.example/internal/access"
	"heddle.example/internal/fleet"
	"heddle.example/internal/values"
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// ClientPage is one page of the list of devices.
type ClientPage struct {
	Total   int            `json:"total" doc:"devices that are registered"`
	Known   int            `json:"known" doc:"and those that only have credentials"`
	Matched *int           `json:"matched,omitempty" doc:"devices that match, over all pages; on the first page only"`
	Counts  fleet.Counts   `json:"counts"`
	Items   []fleet.Client `json:"items"`
	Next    string         `json:"next,omitempty" doc:"give it as after for the next page"`
}

type clientQuery struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	After  string `query:"after" doc:"endpoint: only rows after it" maxLength:"256"`
	Q      string `query:"q" doc:"text in endpoint, address or identity; tag:NAME: devices with that tag" maxLength:"256"`
	State  string `query:"state" enum:"awake,asleep,late,insecure"`
	Object int    `query:"object" doc:"only devices with this object" minimum:"-1" maximum:"65534" default:"-1"`
	Sort   string `query:"sort" enum:"endpoint" doc:"the one order there is"`
	Fields string `query:"fields" enum:"objects" doc:"objects: with the paths of objects and instances"`
}

// ClientDetail is all about one device.
type ClientDetail struct {
	fleet.Client
	Objects      []ClientObject          `json:"objects"`
	Links        []Link                  `json:"links"`
	Root         string                  `json:"root" doc:"alternate path; empty: /"`
	Parameters   map[string]string       `json:"parameters" doc:"of the registration that LwM2M does not know"`
	Observations []fleet.ObservationView `json:"observations"`
	Values       map[string]KnownValue   `json:"values" doc:"last known values, by path"`
	SMS          string                  `json:"sms,omitempty"`
	NAT          *fleet.NAT              `json:"nat,omitempty" doc:"what is measured of the NAT that it is behind; from its first change of address on"`
}

// ClientObject is an object that a device registered.
type ClientObject struct {
	ID        uint16   `json:"id"`
	Version   string   `json:"version,omitempty"`
	Name      string   `json:"name,omitempty"`
	Instances []uint16 `json:"instances"`
}

// Link is a link with its attributes.
type Link struct {
	Path       string            `json:"path"`
	Attributes map[string]string `json:"attributes,omitempty"`
}

// KnownValue is a last known value.
type KnownValue struct {
	Value  any        `json:"value"`
	Type   string     `json:"type"`
	At     fleet.Time `json:"at" format:"date-time"`
	Source string     `json:"source" enum:"read,notify,send,write"`
}

// EndpointInput is the device that a request is about. It is exported since huma fills no unexported part of an input.
type EndpointInput struct {
	Endpoint string `path:"endpoint" maxLength:"256"`
}

func unknown(endpoint string) *Problem {
	return problem(404, "No device %q is registered. GET /api/v1/clients lists those that are.", endpoint)
}

func (a *API) clientRoutes() {
	const tag = "Clients"
	huma.Register(a.huma, op("GET", "/clients", "client.list", access.Read, tag, "The registered devices, sorted by endpoint"), func(_ context.Context, in *clientQuery) (*body[ClientPage], error) {
		p := a.c.Fleet.List(fleet.Query{After: in.After, Text: in.Q, State: in.State, Object: in.Object, Limit: in.Limit, Objects: in.Fields == "objects"})
		page := ClientPage{Total: a.c.Fleet.Len(), Counts: a.c.Fleet.Counts(), Items: p.Items, Next: p.Next}
		page.Known = a.known(page.Total)
		if p.Matched >= 0 {
			page.Matched = &p.Matched
		}
		return answer(page), nil
	})
	huma.Register(a.huma, status(op("GET", "/clients/{endpoint}", "client.get", access.Read, tag, "All about one device"), 200, 404), func(_ context.Context, in *EndpointInput) (*body[ClientDetail], error) {
		d, err := a.detail(in.Endpoint)
		if err != nil {
			return nil, err
		}
		return answer(*d), nil
	})
	huma.Register(a.huma, status(op("DELETE", "/clients/{endpoint}", "client.forget", access.Admin, tag, "Forget a registration; the device is not told"), 204, 404), func(_ context.Context, in *EndpointInput) (*empty, error) {
		ok, err := a.c.Devices.Forget(in.Endpoint)
		if err != nil {
			return nil, problemOf(err)
		}
		if !ok {
			return nil, unknown(in.Endpoint)
		}
		return nil, nil
	})
	type messageQuery struct {
		EndpointInput
		Limit int `query:"limit" minimum:"1" maximum:"500" default:"200"`
	}
	huma.Register(a.huma, op("GET", "/clients/{endpoint}/messages", "client.messages", access.Read, tag, "The newest CoAP messages, oldest first; a log begins when someone first looks"), func(_ context.Context, in *messageQuery) (*body[Items[*fleet.Message]], error) {
		release, _ := a.c.Fleet.Watch(in.Endpoint)
		defer release()
		return answer(Items[*fleet.Message]{a.c.Fleet.Messages(in.Endpoint, in.Limit)}), nil
	})
	type seriesInput struct {
		EndpointInput
		Object   uint16 `path:"object"`
		Instance uint16 `path:"instance"`
		Resource uint16 `path:"resource"`
		From     int64  `query:"from" doc:"Unix time in milliseconds: only later points"`
	}
	type Series struct {
		Points [][2]float64 `json:"points" doc:"pairs of Unix time in milliseconds and value, oldest first"`
	}
	huma.Register(a.huma, op("GET", "/clients/{endpoint}/series/{object}/{instance}/{resource}", "client.series", access.Read, tag, "Recent values of an observed number"), func(_ context.Context, in *seriesInput) (*body[Series], error) {
		s := Series{Points: [][2]float64{}}
		from := machine.Time(min(max(in.From, 0), 1<<42) * 1e6)
		for _, p := range a.c.Fleet.Series(in.Endpoint, lwm2m.NewPath(in.Object, in.Instance, in.Resource), from) {
			s.Points = append(s.Points, [2]float64{float64(p.At) / 1e6, p.Value})
		}
		return answer(s), nil
	})
}

// knownCache holds how many endpoints have credentials and are not registered, for twenty times as long as it took to count.
type knownCache struct {
	mu    sync.Mutex
	away  int
	until time.Time
}

// known adds the endpoints with credentials that are not registered.
func (a *API) known(registered int) int {
	c := &a.knownAway
	c.mu.Lock()
	defer c.mu.Unlock()
	start := time.Now()
	if start.After(c.until) {
		c.away = 0
		a.c.Credentials.Endpoints(func(endpoint string) {
			if a.c.Fleet.Registration(endpoint) == nil {
				c.away++
			}
		})
		c.until = start.Add(21 * time.Since(start))
	}
	return registered + c.away
}

func (a *API) detail(endpoint string) (*ClientDetail, error) {
	reg := a.c.Fleet.Registration(endpoint)
	c, ok := a.c.Fleet.Client(endpoint, false)
	if reg == nil || !ok {
		return nil, unknown(endpoint)
	}
	d := &ClientDetail{Client: c, Objects: []ClientObject{}, Links: []Link{}, Root: reg.Objects.Root(), Parameters: parameters(reg.Params), Observations: []fleet.ObservationView{}, Values: map[string]KnownValue{}, SMS: reg.SMS, NAT: a.c.Fleet.NAT(endpoint)}
	defs := a.c.Definitions.Registry()
	for _, o := range reg.Objects.Inventory().Objects {
		v := ClientObject{ID: o.ID, Version: o.Version.String(), Instances: o.Instances}
		if v.Instances == nil {
			v.Instances = []uint16{}
		}
		if def := defs.Object(o.ID, o.Version); def != nil {
			v.Name = def.Name
		}
		d.Objects = append(d.Objects, v)
	}
	d.Links = links(reg.Links())
	obs, err := a.c.Devices.Observations(endpoint)
	if err != nil {
		return nil, problemOf(err)
	}
	for _, o := range obs {
		d.Observations = append(d.Observations, fleet.ViewObservation(o))
	}
	for _, k := range a.c.Fleet.Known(endpoint) {
		d.Values[k.Path.String()] = KnownValue{json.RawMessage(values.Append(nil, k.Value)), values.TypeName(k.Value.Kind()), fleet.Time(k.At), k.Source}
	}
	return d, nil
}

func links(list []lwm2m.Link) []Link {
	out := make([]Link, 0, len(list))
	for _, l := range list {
		v := Link{Path: l.Path.String()}
		for name, value := range l.Params() {
			if v.Attributes == nil {
				v.Attributes = map[string]string{}
			}
			v.Attributes[name] = value
		}
		out = append(out, v)
	}
	return out
}

// parameters splits "a=b&c".
func parameters(s string) map[string]string {
	m := map[string]string{}
	for p := range strings.SplitSeq(s, "&") {
		if k, v, _ := strings.Cut(p, "="); k != "" {
			m[k] = v
		}
	}
	return m
}
