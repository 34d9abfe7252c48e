package api

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"heddle.example/internal/access"
	"heddle.example/internal/values"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/registry"
)

// ObjectRow is an object in the list of definitions.
type ObjectRow struct {
	ID        uint16   `json:"id"`
	Version   string   `json:"version" doc:"the newest one"`
	Name      string   `json:"name"`
	URN       string   `json:"urn,omitempty"`
	Multiple  bool     `json:"multiple"`
	Mandatory bool     `json:"mandatory"`
	Versions  []string `json:"versions"`
	Source    string   `json:"source" enum:"builtin,added"`
}

// ObjectDefinition is the definition of one version of an object.
type ObjectDefinition struct {
	ObjectRow
	LwM2MVersion string               `json:"lwm2mVersion,omitempty"`
	Resources    []ResourceDefinition `json:"resources"`
}

// ResourceDefinition is the definition of a resource.
type ResourceDefinition struct {
	ID         uint16 `json:"id"`
	Name       string `json:"name"`
	Operations string `json:"operations" example:"RW"`
	Multiple   bool   `json:"multiple"`
	Mandatory  bool   `json:"mandatory"`
	Type       string `json:"type" enum:"none,string,integer,unsigned,float,boolean,opaque,time,objlink,corelnk"`
	Range      string `json:"range,omitempty"`
	Units      string `json:"units,omitempty"`
}

func (a *API) objectRow(o *registry.Object) ObjectRow {
	row := ObjectRow{ID: o.ID, Version: o.Version.String(), Name: o.Name, URN: o.URN, Multiple: o.Multiple, Mandatory: o.Mandatory, Versions: []string{}, Source: "builtin"}
	for _, v := range a.c.Definitions.Registry().Versions(o.ID) {
		row.Versions = append(row.Versions, v.String())
	}
	if a.c.Definitions.Added(o) {
		row.Source = "added"
	}
	return row
}

func (a *API) registryRoutes() {
	const tag = "Object definitions"
	type query struct {
		Q     string `query:"q" maxLength:"100" doc:"text in the name, or the number"`
		Limit int    `query:"limit" minimum:"1" maximum:"5000" default:"1000"`
	}
	huma.Register(a.huma, op("GET", "/registry", "registry.list", access.Read, tag, "The known objects"), func(_ context.Context, in *query) (*body[Items[ObjectRow]], error) {
		list := Items[ObjectRow]{Items: []ObjectRow{}}
		text := strings.ToLower(in.Q)
		for _, o := range a.c.Definitions.Registry().Objects() {
			if text != "" && !strings.Contains(strings.ToLower(o.Name), text) && !strings.HasPrefix(fmt.Sprint(o.ID), text) {
				continue
			}
			if n := len(list.Items); n > 0 && list.Items[n-1].ID == o.ID {
				continue // another version
			}
			if len(list.Items) == in.Limit {
				break
			}
			newest := a.c.Definitions.Registry().Object(o.ID, lwm2m.Version{})
			list.Items = append(list.Items, a.objectRow(newest))
		}
		return answer(list), nil
	})
	type get struct {
		ID      uint16 `path:"id"`
		Version string `query:"version" maxLength:"7" doc:"absent: the newest"`
	}
	huma.Register(a.huma, status(op("GET", "/registry/{id}", "registry.get", access.Read, tag, "One object with its resources"), 200, 404), func(_ context.Context, in *get) (*body[ObjectDefinition], error) {
		var v lwm2m.Version
		if in.Version != "" {
			var err error
			if v, err = lwm2m.ParseVersion(in.Version); err != nil {
				return nil, problem(422, "%q is not a version such as 1.1.", in.Version)
			}
		}
		reg := a.c.Definitions.Registry()
		o := reg.Object(in.ID, v)
		if o == nil || in.Version != "" && !slices.Contains(reg.Versions(in.ID), v) {
			return nil, problem(404, "Object %d %s is not known. POST its definition (DDF XML) to /api/v1/registry.", in.ID, in.Version)
		}
		return answer(a.definition(o)), nil
	})
	type post struct {
		RawBody []byte `contentType:"application/xml"`
	}
	add := status(op("POST", "/registry", "registry.add", access.Admin, tag, "Add definitions: the body is a DDF file (XML)"), 201, 422)
	add.MaxBodyBytes = 4 << 20
	huma.Register(a.huma, add, func(_ context.Context, in *post) (*body[Items[ObjectDefinition]], error) {
		objects, err := a.c.Definitions.Add(in.RawBody)
		if err != nil {
			return nil, problemOf(err)
		}
		list := Items[ObjectDefinition]{}
		for _, o := range objects {
			list.Items = append(list.Items, a.definition(o))
		}
		return answer(list), nil
	})
	type del struct {
		ID      uint16 `path:"id"`
		Version string `path:"version" maxLength:"7"`
	}
	huma.Register(a.huma, status(op("DELETE", "/registry/{id}/{version}", "registry.delete", access.Admin, tag, "Remove a definition that was added"), 204, 404), func(_ context.Context, in *del) (*empty, error) {
		if err := a.c.Definitions.Remove(in.ID, in.Version); err != nil {
			return nil, problemOf(err)
		}
		return nil, nil
	})
}

func (a *API) definition(o *registry.Object) ObjectDefinition {
	d := ObjectDefinition{ObjectRow: a.objectRow(o), LwM2MVersion: o.LwM2MVersion.String(), Resources: []ResourceDefinition{}}
	for i := range o.Resources {
		r := &o.Resources[i]
		d.Resources = append(d.Resources, ResourceDefinition{r.ID, r.Name, r.Operations.String(), r.Multiple, r.Mandatory, values.TypeName(r.Kind), r.Range, r.Units})
	}
	return d
}
