package objects

import (
	"testing"

	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/registry"
)

var all = []*client.Definition{
	&DeviceDefinition, &ConnectivityMonitoringDefinition, &LocationDefinition, &ConnectivityStatisticsDefinition, &TestDefinition,
	&TemperatureDefinition, &HumidityDefinition, &PowerDefinition, &ActuationDefinition, &LightDefinition, &SwitchDefinition,
	&FirmwareDefinition, &Firmware11Definition,
}

// What a device says about its objects is what servers know about them.
func TestDefinitionsAgreeWithTheRegistry(t *testing.T) {
	for _, d := range all {
		want := registry.Builtin().Exact(d.ID, d.Version)
		if want == nil {
			t.Errorf("object %d %v is not in the registry", d.ID, d.Version)
			continue
		}
		if d.Multiple != want.Multiple {
			t.Errorf("object %d: multiple is %v, in the registry %v", d.ID, d.Multiple, want.Multiple)
		}
		last := -1
		for i := range d.Resources {
			r := &d.Resources[i]
			if int(r.ID) <= last {
				t.Errorf("object %d: resource %d is out of order", d.ID, r.ID)
			}
			last = int(r.ID)
			w := want.Resource(r.ID)
			if w == nil {
				t.Errorf("object %d has no resource %d in version %v", d.ID, r.ID, d.Version)
				continue
			}
			if r.Kind != w.Kind || r.Operations != w.Operations || r.Multiple != w.Multiple || r.Mandatory != w.Mandatory {
				t.Errorf("/%d//%d: %v %v multiple %v mandatory %v; in the registry %v %v %v %v",
					d.ID, r.ID, r.Kind, r.Operations, r.Multiple, r.Mandatory, w.Kind, w.Operations, w.Multiple, w.Mandatory)
			}
		}
		for _, w := range want.Resources {
			if w.Mandatory && d.Resource(w.ID) == nil {
				t.Errorf("object %d lacks the mandatory resource %d", d.ID, w.ID)
			}
		}
	}
}
