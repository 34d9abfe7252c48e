package api

import (
	"context"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"heddle.example/internal/access"
	"heddle.example/internal/fleet"
	"heddle.example/internal/notes"
)

// Notes is what people wrote about a device.
type Notes struct {
	Note string   `json:"note"`
	Tags []string `json:"tags" doc:"sorted"`
}

// NotesInput replaces what is written about a device.
type NotesInput struct {
	Note string   `json:"note,omitempty" maxLength:"4096"`
	Tags []string `json:"tags,omitempty" maxItems:"32" doc:"without spaces and commas"`
}

// TagCount is a tag, and how many devices have it.
type TagCount struct {
	Tag   string `json:"tag"`
	Count int    `json:"count"`
}

// TagsInput changes the tags of many devices.
type TagsInput struct {
	Endpoints []string `json:"endpoints,omitempty" maxItems:"100000" doc:"registered or not"`
	Q         string   `json:"q,omitempty" maxLength:"256" doc:"besides: the registered devices that GET /api/v1/clients?q= finds"`
	Add       []string `json:"add,omitempty" maxItems:"32"`
	Remove    []string `json:"remove,omitempty" maxItems:"32"`
}

// TagsResult says what became of many devices.
type TagsResult struct {
	Selected int `json:"selected" doc:"devices that were meant"`
	Changed  int `json:"changed" doc:"devices whose tags are others now"`
}

func viewNote(n notes.Note) Notes {
	return Notes{n.Text, append([]string{}, n.Tags...)}
}

func (a *API) tellNotes(endpoint string, n Notes) {
	a.c.Hub.Publish("notes", endpoint, func() []byte {
		return jsonOf(struct {
			Endpoint string `json:"endpoint"`
			Notes
		}{endpoint, n})
	})
}

// noteRoutes are there for every endpoint, also one that is not registered, or not yet.
func (a *API) noteRoutes() {
	if a.c.Notes == nil {
		return
	}
	const tag = "Clients"
	huma.Register(a.huma, op("GET", "/clients/{endpoint}/notes", "notes.get", access.Read, tag, "Note and tags of a device, registered or not"), func(_ context.Context, in *EndpointInput) (*body[Notes], error) {
		return answer(viewNote(a.c.Notes.Get(in.Endpoint))), nil
	})
	type put struct {
		EndpointInput
		Body NotesInput
	}
	huma.Register(a.huma, status(op("PUT", "/clients/{endpoint}/notes", "notes.put", access.Operate, tag, "Replace note and tags of a device; it need not be registered"), 200, 422), func(_ context.Context, in *put) (*body[Notes], error) {
		n, err := a.c.Notes.Put(in.Endpoint, notes.Note{Text: in.Body.Note, Tags: in.Body.Tags})
		if err != nil {
			return nil, problemOf(err)
		}
		a.tellNotes(in.Endpoint, viewNote(n))
		return answer(viewNote(n)), nil
	})
	huma.Register(a.huma, op("GET", "/tags", "tags.list", access.Read, tag, "All tags, and how many devices have each"), func(context.Context, *empty) (*body[Items[TagCount]], error) {
		list := Items[TagCount]{Items: []TagCount{}}
		for _, t := range a.c.Notes.Tags() {
			list.Items = append(list.Items, TagCount{t.Name, t.Count})
		}
		return answer(list), nil
	})
	type tagged struct {
		Tag   string `path:"tag" maxLength:"64"`
		After string `query:"after" maxLength:"256" doc:"endpoint: only those after it"`
		Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	}
	type endpoints struct {
		Items []string `json:"items" doc:"endpoints, sorted"`
		Next  string   `json:"next,omitempty" doc:"give it as after for the next page"`
	}
	huma.Register(a.huma, op("GET", "/tags/{tag}", "tags.get", access.Read, tag, "The endpoints that have a tag, registered or not"), func(_ context.Context, in *tagged) (*body[endpoints], error) {
		p := endpoints{Items: a.c.Notes.Tagged(in.Tag, in.After, in.Limit+1)}
		if len(p.Items) > in.Limit {
			p.Items = p.Items[:in.Limit]
			p.Next = p.Items[in.Limit-1]
		}
		p.Items = append([]string{}, p.Items...)
		return answer(p), nil
	})
	type bulk struct{ Body TagsInput }
	many := status(op("POST", "/tags", "tags.change", access.Operate, tag, "Add and remove tags of many devices in one commit"), 200, 422)
	many.MaxBodyBytes = 32 << 20
	huma.Register(a.huma, many, func(_ context.Context, in *bulk) (*body[TagsResult], error) {
		if len(in.Body.Add)+len(in.Body.Remove) == 0 {
			return nil, problem(422, "Name the tags to add or to remove.")
		}
		list := slices.Clone(in.Body.Endpoints)
		if in.Body.Q != "" {
			for q := (fleet.Query{Text: in.Body.Q, Object: -1, Limit: 1000}); ; {
				p := a.c.Fleet.List(q)
				for _, c := range p.Items {
					list = append(list, c.Endpoint)
				}
				if q.After = p.Next; q.After == "" {
					break
				}
			}
		}
		slices.Sort(list)
		list = slices.Compact(list)
		changed, err := a.c.Notes.Retag(list, in.Body.Add, in.Body.Remove)
		if err != nil {
			return nil, problemOf(err)
		}
		for _, ep := range changed {
			a.tellNotes(ep, viewNote(a.c.Notes.Get(ep)))
		}
		return answer(TagsResult{len(list), len(changed)}), nil
	})
}
