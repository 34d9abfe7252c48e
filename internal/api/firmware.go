package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"reflect"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"heddle.example/internal/access"
	"heddle.example/internal/firmware"
	"heddle.example/internal/fleet"
)

// FirmwareInput begins an update.
type FirmwareInput struct {
	Package     string   `json:"package" doc:"id of a package, or its name and version: lamp@2.0" minLength:"1" maxLength:"256"`
	Endpoints   []string `json:"endpoints,omitempty" maxItems:"100000" doc:"registered or not: a device that is away is waited for"`
	Query       string   `json:"query,omitempty" maxLength:"256" doc:"besides: the registered devices with object 5 that GET /api/v1/clients?q= finds"`
	Tag         string   `json:"tag,omitempty" maxLength:"64" doc:"besides: the registered devices with object 5 that have this tag"`
	Method      string   `json:"method,omitempty" enum:"auto,push,pull" default:"auto" doc:"auto: pull where the device can, by 5/0/8 and 5/0/9, else push"`
	Concurrency int      `json:"concurrency,omitempty" minimum:"1" maximum:"1000" default:"10" doc:"devices at once"`
	StopAfter   int      `json:"stopAfter,omitempty" minimum:"0" doc:"failed devices after which no other one is begun; 0: never"`
	Retries     *int     `json:"retries,omitempty" minimum:"0" maximum:"100" doc:"of a device whose transfer fails; not given: 1"`
	Force       bool     `json:"force,omitempty" doc:"devices that have the version already, too"`
}

// firmwareProblem says which answer an error of the updates is.
func firmwareProblem(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, firmware.ErrNotFound):
		return problem(404, "%v.", err)
	case errors.Is(err, firmware.ErrInUse):
		return problem(409, "%v.", err)
	case errors.Is(err, firmware.ErrInvalid):
		return problem(422, "%v.", err)
	case errors.Is(err, firmware.ErrTooLarge):
		return problem(413, "%v. --firmware-max of heddle server raises it.", err)
	case errors.Is(err, firmware.ErrFull):
		return problem(507, "%v.", err)
	}
	return problemOf(err)
}

func (a *API) firmwareRoutes() {
	m := a.c.Firmware
	if m == nil {
		return
	}
	const tag = "Firmware"
	huma.Register(a.huma, op("GET", "/firmware/packages", "firmware.packages", access.Read, tag, "The firmware packages, newest first"), func(context.Context, *empty) (*body[Items[firmware.Package]], error) {
		return answer(Items[firmware.Package]{m.Packages()}), nil
	})
	huma.Register(a.huma, status(op("GET", "/firmware/packages/{id}", "firmware.package", access.Read, tag, "One firmware package"), 200, 404), func(_ context.Context, in *FirmwareID) (*body[firmware.Package], error) {
		p, err := m.Package(in.ID)
		if err != nil {
			return nil, firmwareProblem(err)
		}
		return answer(p), nil
	})
	huma.Register(a.huma, status(op("DELETE", "/firmware/packages/{id}", "firmware.remove", access.Operate, tag, "Remove a package that no running update needs"), 204, 404, 409), func(_ context.Context, in *FirmwareID) (*empty, error) {
		return nil, firmwareProblem(m.Remove(in.ID))
	})
	a.uploadRoute(tag)
	a.updateRoutes(tag)
	a.mux.Handle("GET /"+firmware.Prefix+"/", m)
}

// uploadRoute is a plain handler: the body goes to the disk as it comes.
func (a *API) uploadRoute(tag string) {
	const path = "/firmware/packages"
	a.handle(Route{"POST", prefix + path, access.Operate, "firmware.add"}, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Cache-Control"] = noStore
		rc := http.NewResponseController(w)
		defer rc.SetReadDeadline(time.Time{})
		p, err := a.c.Firmware.Add(&upload{r.Body, rc}, r.URL.Query().Get("name"), r.URL.Query().Get("version"), who(r.Context()).User)
		if err != nil {
			writeProblem(w, r, problemOf(firmwareProblem(err)))
			return
		}
		w.Header()["Content-Type"] = contentJSON
		w.WriteHeader(http.StatusCreated)
		w.Write(jsonOf(p))
	})
	o := op("POST", path, "firmware.add", access.Operate, tag, "Add a firmware package; the body is the package")
	o.Description = "A package is a container of `heddle firmware add --pack`, or any file. A container carries name and version, and the device checks it; a raw package needs `name`."
	text := &huma.Schema{Type: "string"}
	o.Parameters = []*huma.Param{{Name: "name", In: "query", Schema: text}, {Name: "version", In: "query", Schema: text, Description: "what 3/0/3 is to say after the update"}}
	o.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/octet-stream": {Schema: &huma.Schema{Type: "string", Format: "binary"}}}}
	schemas := a.huma.OpenAPI().Components.Schemas
	o.Responses = map[string]*huma.Response{"201": {Description: "The package is stored", Content: map[string]*huma.MediaType{"application/json": {Schema: schemas.Schema(reflect.TypeFor[firmware.Package](), true, "Package")}}}}
	for code, d := range map[string]string{"401": "Not logged in", "403": "Scope too small", "413": "Larger than --firmware-max", "422": "Damaged, or without a name"} {
		o.Responses[code] = &huma.Response{Description: d, Content: map[string]*huma.MediaType{"application/problem+json": {Schema: schemas.Schema(reflect.TypeFor[Problem](), true, "Problem")}}}
	}
	a.huma.OpenAPI().AddOperation(&o)
}

// upload is read for as long as something comes.
type upload struct {
	io.Reader
	rc *http.ResponseController
}

func (p *upload) Read(b []byte) (int, error) {
	t := time.Now().Add(bodyTimeout)
	p.rc.SetReadDeadline(t)
	p.rc.SetWriteDeadline(t.Add(bodyTimeout)) // for the answer at the end
	return p.Reader.Read(b)
}

func (a *API) updateRoutes(tag string) {
	m := a.c.Firmware
	type begin struct{ Body FirmwareInput }
	o := status(op("POST", "/firmware/updates", "firmware.update", access.Operate, tag, "Update the firmware of one device or many"), 201, 404, 409, 422)
	o.MaxBodyBytes = 32 << 20
	huma.Register(a.huma, o, func(ctx context.Context, in *begin) (*body[firmware.Update], error) {
		b := in.Body
		p, err := m.Resolve(b.Package)
		if err != nil {
			return nil, firmwareProblem(err)
		}
		endpoints, retries := slices.Clone(b.Endpoints), 1
		if b.Retries != nil {
			retries = *b.Retries
		}
		for _, text := range []string{b.Query, tagQuery(b.Tag)} {
			if text != "" {
				endpoints = append(endpoints, a.updatable(text)...)
			}
		}
		u, err := m.Begin(firmware.Options{Package: p.ID, Endpoints: endpoints, Method: b.Method, Concurrency: b.Concurrency, StopAfter: b.StopAfter, Retries: retries, Force: b.Force, By: who(ctx).User})
		if err != nil {
			return nil, firmwareProblem(err)
		}
		return answer(u), nil
	})
	huma.Register(a.huma, op("GET", "/firmware/updates", "firmware.updates", access.Read, tag, "The updates, newest first, without their devices"), func(context.Context, *empty) (*body[Items[firmware.Update]], error) {
		return answer(Items[firmware.Update]{m.Updates()}), nil
	})
	type page struct {
		FirmwareID
		After string `query:"after" maxLength:"256" doc:"endpoint: only devices after it"`
		Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
	}
	huma.Register(a.huma, status(op("GET", "/firmware/updates/{id}", "firmware.status", access.Read, tag, "One update, with a page of its devices and what happened to each"), 200, 404), func(_ context.Context, in *page) (*body[firmware.Update], error) {
		u, err := m.Update(in.ID, in.After, in.Limit)
		if err != nil {
			return nil, firmwareProblem(err)
		}
		return answer(u), nil
	})
	huma.Register(a.huma, status(op("DELETE", "/firmware/updates/{id}", "firmware.cancel", access.Operate, tag, "Cancel a running update; remove the record of one that has ended"), 200, 404), func(_ context.Context, in *FirmwareID) (*body[firmware.Update], error) {
		u, err := m.Cancel(in.ID)
		if err != nil {
			return nil, firmwareProblem(err)
		}
		return answer(u), nil
	})
	huma.Register(a.huma, status(op("POST", "/firmware/updates/{id}/retry", "firmware.retry", access.Operate, tag, "Begin again with the devices that failed or were cancelled"), 200, 404, 409, 422), func(_ context.Context, in *FirmwareID) (*body[firmware.Update], error) {
		u, err := m.Retry(in.ID)
		if err != nil {
			return nil, firmwareProblem(err)
		}
		return answer(u), nil
	})
}

// FirmwareID names a package or an update. It is exported since huma fills no unexported part of an input.
type FirmwareID struct {
	ID string `path:"id" maxLength:"64"`
}

func tagQuery(tag string) string {
	if tag == "" {
		return ""
	}
	return "tag:" + tag
}

// updatable returns the registered devices with object 5 that a search finds.
func (a *API) updatable(text string) (list []string) {
	if text == "*" {
		text = ""
	}
	for q := (fleet.Query{Text: text, Object: 5, Limit: 1000}); ; {
		p := a.c.Fleet.List(q)
		for _, c := range p.Items {
			list = append(list, c.Endpoint)
		}
		if q.After = p.Next; q.After == "" {
			return list
		}
	}
}
