package objects

import (
	"time"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/machine"
)

// LightDefinition is object 3311, version 1.0.
var LightDefinition = client.Definition{ID: 3311, Name: "Light Control", Version: lwm2m.V1_0, Multiple: true, Resources: []client.Resource{
	{ID: 5701, Name: "Sensor Units", Kind: lwm2m.String, Operations: ro},
	{ID: 5706, Name: "Colour", Kind: lwm2m.String, Operations: rw},
	{ID: 5750, Name: "Application Type", Kind: lwm2m.String, Operations: rw},
	{ID: 5805, Name: "Cumulative active power", Kind: lwm2m.Float, Operations: ro},
	{ID: 5820, Name: "Power factor", Kind: lwm2m.Float, Operations: ro},
	{ID: 5850, Name: "On/Off", Kind: lwm2m.Boolean, Operations: rw, Mandatory: true},
	{ID: 5851, Name: "Dimmer", Kind: lwm2m.Integer, Operations: rw, Max: 100},
	{ID: 5852, Name: "On time", Kind: lwm2m.Integer, Operations: rw},
}}

// ActuationDefinition is object 3306, version 1.0.
var ActuationDefinition = client.Definition{ID: 3306, Name: "Actuation", Version: lwm2m.V1_0, Multiple: true, Resources: []client.Resource{
	{ID: 5750, Name: "Application Type", Kind: lwm2m.String, Operations: rw},
	{ID: 5850, Name: "On/Off", Kind: lwm2m.Boolean, Operations: rw, Mandatory: true},
	{ID: 5851, Name: "Dimmer", Kind: lwm2m.Integer, Operations: rw, Max: 100},
	{ID: 5852, Name: "On time", Kind: lwm2m.Integer, Operations: rw},
}}

// lampPower is what a light draws at full brightness, in watts.
const lampPower = 9

// Actuator is an IPSO object that is switched on and off and dimmed: a light or a motor.
type Actuator struct {
	def  *client.Definition
	inst []actuatorInstance
}

type actuatorInstance struct {
	on          bool
	dimmer      int64
	since       machine.Time  // when it was switched on
	before      time.Duration // on time before that
	used        float64       // Wh before energyAt
	energyAt    machine.Time
	color, kind string
}

// NewLight returns object 3311 with a number of lights, switched off.
func NewLight(instances int) *Actuator { return newActuator(&LightDefinition, instances) }

// NewActuation returns object 3306 with a number of actuators, switched off.
func NewActuation(instances int) *Actuator { return newActuator(&ActuationDefinition, instances) }

func newActuator(def *client.Definition, instances int) *Actuator {
	a := &Actuator{def: def, inst: make([]actuatorInstance, instances)}
	for i := range a.inst {
		a.inst[i].dimmer = 100
	}
	return a
}

// Definition implements client.Object.
func (a *Actuator) Definition() *client.Definition { return a.def }

// Instances implements client.Object.
func (a *Actuator) Instances(dst []uint16) []uint16 {
	for i := range a.inst {
		dst = append(dst, uint16(i))
	}
	return dst
}

// Read implements client.Object.
func (a *Actuator) Read(now machine.Time, dst []lwm2m.Entry, p lwm2m.Path) ([]lwm2m.Entry, bool) {
	in := &a.inst[p.Instance()]
	switch p.Resource() {
	case 5706:
		if in.color != "" {
			return value(dst, p, lwm2m.Str(in.color))
		}
	case 5750:
		if in.kind != "" {
			return value(dst, p, lwm2m.Str(in.kind))
		}
	case 5805:
		return value(dst, p, lwm2m.Num(round(in.energy(now), 1000)))
	case 5820:
		return value(dst, p, lwm2m.Num(0.92))
	case 5850:
		return value(dst, p, lwm2m.Bool(in.on))
	case 5851:
		return value(dst, p, lwm2m.Int(in.dimmer))
	case 5852:
		return value(dst, p, lwm2m.Int(int64(in.onTime(now)/time.Second)))
	}
	return dst, false
}

func (in *actuatorInstance) onTime(now machine.Time) time.Duration {
	if in.on {
		return in.before + now.Sub(in.since)
	}
	return in.before
}

// energy returns the watt hours used so far.
func (in *actuatorInstance) energy(now machine.Time) float64 {
	if !in.on {
		return in.used
	}
	return in.used + float64(float64(lampPower*float64(in.dimmer)/100)*now.Sub(in.energyAt).Hours())
}

// NextChange implements client.Mover. On time and energy count where they are observed themselves.
func (a *Actuator) NextChange(now machine.Time, p lwm2m.Path) machine.Time {
	if p.Depth() < 3 || !a.inst[min(int(p.Instance()), len(a.inst)-1)].on {
		return machine.Never
	}
	switch p.Resource() {
	case 5852:
		_, next := step(now, time.Second)
		return next
	case 5805:
		_, next := step(now, 10*time.Second)
		return next
	}
	return machine.Never
}

// CheckWrite implements client.Writer.
func (a *Actuator) CheckWrite(_ client.Call, w client.Writing) error {
	switch w.Resource.Resource() {
	case 5706, 5750:
		return checkApplication(w)
	case 5852:
		// "Writing a value of 0 resets the counter" is all that the definition knows.
		if n, _ := w.Value().AsInt(); n != 0 {
			return client.BadRequest("the on time can only be set to 0")
		}
	}
	return nil
}

// Write implements client.Writer.
func (a *Actuator) Write(call client.Call, w client.Writing) {
	in, v := &a.inst[w.Resource.Instance()], w.Value()
	switch w.Resource.Resource() {
	case 5706:
		in.color = v.Raw()
	case 5750:
		in.kind = v.Raw()
	case 5850:
		on, _ := v.AsBool()
		in.used, in.energyAt = in.energy(call.Now), call.Now
		in.before, in.since = in.onTime(call.Now), call.Now
		in.on = on
	case 5851:
		in.used, in.energyAt = in.energy(call.Now), call.Now
		in.dimmer, _ = v.AsInt()
	case 5852:
		in.before, in.since = 0, call.Now
	}
}
