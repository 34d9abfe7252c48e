package objects

import (
	"time"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/machine"
)

// SwitchDefinition is object 3342, version 1.0.
var SwitchDefinition = client.Definition{ID: 3342, Name: "On/Off switch", Version: lwm2m.V1_0, Multiple: true, Resources: []client.Resource{
	{ID: 5500, Name: "Digital Input State", Kind: lwm2m.Boolean, Operations: ro, Mandatory: true},
	{ID: 5501, Name: "Digital Input Counter", Kind: lwm2m.Integer, Operations: ro},
	{ID: 5750, Name: "Application Type", Kind: lwm2m.String, Operations: rw},
}}

// switchEvery is how often somebody may touch a simulated switch; one time in four they do.
const switchEvery = 15 * time.Second

// Switch is object 3342: a switch that people turn now and then.
type Switch struct{ inst []switchInstance }

type switchInstance struct {
	seed        uint64
	seen        uint64 // the latest step that was played; 0: none
	on          bool
	count       int64
	application string
}

// NewSwitch returns object 3342 with a number of switches.
func NewSwitch(instances int) *Switch { return &Switch{make([]switchInstance, instances)} }

// Attach implements client.Attacher.
func (s *Switch) Attach(c *client.Client) {
	for i := range s.inst {
		s.inst[i].seed = c.Rand().Uint64()
	}
}

// Definition implements client.Object.
func (s *Switch) Definition() *client.Definition { return &SwitchDefinition }

// Instances implements client.Object.
func (s *Switch) Instances(dst []uint16) []uint16 {
	for i := range s.inst {
		dst = append(dst, uint16(i))
	}
	return dst
}

// Read implements client.Object.
func (s *Switch) Read(now machine.Time, dst []lwm2m.Entry, p lwm2m.Path) ([]lwm2m.Entry, bool) {
	in := &s.inst[p.Instance()]
	in.catchUp(now)
	switch p.Resource() {
	case 5500:
		return value(dst, p, lwm2m.Bool(in.on))
	case 5501:
		return value(dst, p, lwm2m.Int(in.count))
	case 5750:
		if in.application != "" {
			return value(dst, p, lwm2m.Str(in.application))
		}
	}
	return dst, false
}

// catchUp plays the steps up to now.
func (in *switchInstance) catchUp(now machine.Time) {
	n, _ := step(now, switchEvery)
	if in.seen == 0 || n < in.seen {
		in.seen = n
		return
	}
	in.seen = max(in.seen, n-min(n, maxCatchUp))
	for in.seen < n {
		in.seen++
		if hash(in.seed, in.seen)%4 != 0 {
			continue
		}
		if in.on = !in.on; in.on {
			in.count++
		}
	}
}

// NextChange implements client.Mover.
func (s *Switch) NextChange(now machine.Time, p lwm2m.Path) machine.Time {
	if p.Depth() >= 3 && p.Resource() == 5750 {
		return machine.Never
	}
	_, next := step(now, switchEvery)
	return next
}

// CheckWrite implements client.Writer.
func (s *Switch) CheckWrite(_ client.Call, w client.Writing) error { return checkApplication(w) }

// Write implements client.Writer.
func (s *Switch) Write(_ client.Call, w client.Writing) {
	s.inst[w.Resource.Instance()].application = w.Value().Raw()
}
