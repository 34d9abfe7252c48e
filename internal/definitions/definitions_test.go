package definitions

import (
	"errors"
	"fmt"
	"testing"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/registry"
	"heddle.example/machine"
	"heddle.example/store"
)

// ddf is a definition of one object with one resource.
func ddf(id int, version, name string) []byte {
	return fmt.Appendf(nil, `<LWM2M><Object ObjectType="MODefinition"><Name>%s</Name><ObjectID>%d</ObjectID><ObjectVersion>%s</ObjectVersion><MultipleInstances>Multiple</MultipleInstances><Mandatory>Optional</Mandatory>`+
		`<Resources><Item ID="1"><Name>Threads</Name><Operations>RW</Operations><MultipleInstances>Single</MultipleInstances><Mandatory>Mandatory</Mandatory><Type>Integer</Type><RangeEnumeration>1..9</RangeEnumeration></Item></Resources></Object></LWM2M>`, name, id, version)
}

func name(d *Definitions, id uint16) string {
	if o := d.Registry().Object(id, lwm2m.Version{}); o != nil {
		return o.Name
	}
	return ""
}

func open(t *testing.T, s Store) *Definitions {
	t.Helper()
	d, err := Open(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestAddRestartRemove(t *testing.T) {
	s := store.Memory()
	d := open(t, s)
	changes := 0
	d.OnChange(func(r *registry.Registry) {
		changes++
		if r != d.Registry() {
			t.Error("told of another registry than the present one")
		}
	})
	builtin := name(d, 3303)
	objects, err := d.Add(ddf(33333, "1.0", "Loom"))
	if err != nil || len(objects) != 1 || !d.Added(objects[0]) || name(d, 33333) != "Loom" {
		t.Fatalf("%v %v, object 33333 is %q", objects, err, name(d, 33333))
	}
	if _, err := d.Add(ddf(3303, "9.0", "Oven")); err != nil || name(d, 3303) != "Oven" {
		t.Fatalf("%v, object 3303 is %q", err, name(d, 3303))
	}
	d = open(t, s) // a restart
	o := d.Registry().Object(33333, lwm2m.Version{})
	if o == nil || !d.Added(o) || o.Resource(1) == nil || o.Resource(1).Check(lwm2m.Int(10)) == nil || name(d, 3303) != "Oven" {
		t.Fatalf("after a restart: %+v, object 3303 is %q", o, name(d, 3303))
	}
	if d.Added(d.Registry().Object(3, lwm2m.Version{})) {
		t.Error("object 3 counts as added")
	}
	for _, step := range []struct {
		id      uint16
		version string
		want    error
	}{{3303, "9.0", nil}, {3303, "9.0", ErrNotAdded}, {3, "1.0", ErrNotAdded}, {33333, "1.0", nil}, {33333, "x", lwm2m.ErrVersion}} {
		if err := d.Remove(step.id, step.version); !errors.Is(err, step.want) {
			t.Errorf("remove %d %s: %v, want %v", step.id, step.version, err, step.want)
		}
	}
	d = open(t, s)
	if name(d, 3303) != builtin || name(d, 33333) != "" {
		t.Errorf("after removing and a restart: %q, %q", name(d, 3303), name(d, 33333))
	}
	if changes != 2 {
		t.Errorf("told of %d changes, want 2", changes)
	}
}

func TestRefused(t *testing.T) {
	d := open(t, store.Memory())
	for _, b := range []string{"", "<LWM2M>", "<html></html>", `{"a":1}`} {
		if _, err := d.Add([]byte(b)); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %v", b, err)
		}
	}
}

// failing is a store whose disk is full.
type failing struct{ store.Store }

func (failing) Append(_ []machine.Record, done func(error)) { done(store.ErrFull) }

func TestNotStored(t *testing.T) {
	d := open(t, failing{store.Memory()})
	if _, err := d.Add(ddf(33333, "1.0", "Loom")); !errors.Is(err, store.ErrFull) || name(d, 33333) != "" {
		t.Errorf("%v, object 33333 is %q", err, name(d, 33333))
	}
}
