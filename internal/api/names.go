package api

import (
	"path"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// schemaName names a type in the OpenAPI document. Types of other rooms carry their room's name: there are sessions of
// people and sessions of bootstraps.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	switch room := path.Base(t.PkgPath()); {
	case t.Name() == "":
	case room == "bootstrap", room == "commissioning", room == "dataset", room == "trace", room == "topology":
		return strings.ToUpper(room[:1]) + room[1:] + name
	}
	return name
}
