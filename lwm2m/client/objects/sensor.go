package objects

import (
	"math"
	"time"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/machine"
)

// TemperatureDefinition is object 3303, version 1.1.
var TemperatureDefinition = sensorDefinition(3303, "Temperature")

// HumidityDefinition is object 3304, version 1.1.
var HumidityDefinition = sensorDefinition(3304, "Humidity")

func sensorDefinition(id uint16, name string) client.Definition {
	return client.Definition{ID: id, Name: name, Version: lwm2m.V1_1, Multiple: true, Resources: []client.Resource{
		{ID: 5518, Name: "Timestamp", Kind: lwm2m.Time, Operations: ro},
		{ID: 5601, Name: "Min Measured Value", Kind: lwm2m.Float, Operations: ro},
		{ID: 5602, Name: "Max Measured Value", Kind: lwm2m.Float, Operations: ro},
		{ID: 5603, Name: "Min Range Value", Kind: lwm2m.Float, Operations: ro},
		{ID: 5604, Name: "Max Range Value", Kind: lwm2m.Float, Operations: ro},
		{ID: 5605, Name: "Reset Min and Max Measured Values", Operations: ex},
		{ID: 5700, Name: "Sensor Value", Kind: lwm2m.Float, Operations: ro, Mandatory: true},
		{ID: 5701, Name: "Sensor Units", Kind: lwm2m.String, Operations: ro},
		{ID: 5750, Name: "Application Type", Kind: lwm2m.String, Operations: rw},
	}}
}

// Wave says how a simulated value moves: Base, plus Swing times a curve over the day, plus Noise.
type Wave struct {
	Base, Swing, Noise float64
	Every              time.Duration // between two measurements; default 10 s
	Low, High          float64       // the sensor's range
	Decimals           int           // 0 to 6
}

// at returns measurement number n.
func (w *Wave) at(seed, n uint64) float64 {
	ten := 1.0
	for range w.Decimals {
		ten *= 10
	}
	t := machine.Time(n * uint64(w.every()))
	v := w.Base + float64(w.Swing*daily(t)) + float64(w.Noise*drift(seed, n))
	return round(min(max(v, w.Low), w.High), ten)
}

func (w *Wave) every() time.Duration {
	if w.Every <= 0 {
		return 10 * time.Second
	}
	return w.Every
}

// The waves of the sensors below.
var (
	indoor   = Wave{Base: 21.5, Swing: 2, Noise: 0.8, Low: -40, High: 85, Decimals: 1}
	humidity = Wave{Base: 48, Swing: -6, Noise: 4, Low: 0, High: 100, Decimals: 1}
)

// Sensor is an IPSO object with one measured value in each instance.
type Sensor struct {
	def   *client.Definition
	wave  *Wave
	units string
	inst  []sensorInstance
}

type sensorInstance struct {
	seed        uint64
	application string
	seen        uint64 // the latest measurement in them
	low, high   float64
	set         float64 // with isSet: what a person made it, in place of the wave
	isSet       bool
}

// NewTemperature returns object 3303 with a number of instances; a nil wave is a room's.
func NewTemperature(instances int, w *Wave) *Sensor {
	return newSensor(&TemperatureDefinition, instances, w, &indoor, "Cel")
}

// NewHumidity returns object 3304 with a number of instances; a nil wave is a room's.
func NewHumidity(instances int, w *Wave) *Sensor {
	return newSensor(&HumidityDefinition, instances, w, &humidity, "%RH")
}

func newSensor(def *client.Definition, instances int, w, otherwise *Wave, units string) *Sensor {
	if w == nil {
		w = otherwise
	}
	return &Sensor{def: def, wave: w, units: units, inst: make([]sensorInstance, instances)}
}

// Attach implements client.Attacher.
func (s *Sensor) Attach(c *client.Client) {
	for i := range s.inst {
		s.inst[i].seed = c.Rand().Uint64()
	}
}

// Definition implements client.Object.
func (s *Sensor) Definition() *client.Definition { return s.def }

// Instances implements client.Object.
func (s *Sensor) Instances(dst []uint16) []uint16 {
	for i := range s.inst {
		dst = append(dst, uint16(i))
	}
	return dst
}

// Read implements client.Object.
func (s *Sensor) Read(now machine.Time, dst []lwm2m.Entry, p lwm2m.Path) ([]lwm2m.Entry, bool) {
	in := &s.inst[p.Instance()]
	n, next := step(now, s.wave.every())
	switch p.Resource() {
	case 5518:
		return value(dst, p, lwm2m.TimeValue((next - machine.Time(s.wave.every())).Unix()))
	case 5601:
		s.catchUp(in, n)
		return value(dst, p, lwm2m.Num(in.low))
	case 5602:
		s.catchUp(in, n)
		return value(dst, p, lwm2m.Num(in.high))
	case 5603:
		return value(dst, p, lwm2m.Num(s.wave.Low))
	case 5604:
		return value(dst, p, lwm2m.Num(s.wave.High))
	case 5605:
		return dst, true
	case 5700:
		return value(dst, p, lwm2m.Num(s.measure(in, n)))
	case 5701:
		return value(dst, p, lwm2m.Str(s.units))
	case 5750:
		if in.application != "" {
			return value(dst, p, lwm2m.Str(in.application))
		}
	}
	return dst, false
}

// maxCatchUp bounds the measurements that are gone through for the extremes after a long time without a look.
const maxCatchUp = 10_000

// catchUp brings the extremes up to measurement n. It is what a sensor does all the time, done only when somebody looks.
func (s *Sensor) catchUp(in *sensorInstance, n uint64) {
	if in.seen == 0 || n < in.seen {
		in.low, in.high = math.Inf(1), math.Inf(-1)
		in.seen = n - 1
	}
	in.seen = max(in.seen, n-min(n, maxCatchUp))
	for in.seen < n {
		in.seen++
		v := s.measure(in, in.seen)
		in.low, in.high = min(in.low, v), max(in.high, v)
	}
}

func (s *Sensor) measure(in *sensorInstance, n uint64) float64 {
	if in.isSet {
		return in.set
	}
	return s.wave.at(in.seed, n)
}

// Change implements client.Changer: the value stays as it was set.
func (s *Sensor) Change(call client.Call, p lwm2m.Path, v lwm2m.Value) error {
	f, _ := v.AsFloat()
	switch {
	case p.Resource() != 5700:
		return client.NotAllowed("the resource cannot be set")
	case !(f >= s.wave.Low && f <= s.wave.High):
		return client.BadRequest("the value is out of the sensor's range")
	}
	in := &s.inst[p.Instance()]
	n, _ := step(call.Now, s.wave.every())
	s.catchUp(in, n)
	in.set, in.isSet = f, true
	in.low, in.high = min(in.low, f), max(in.high, f)
	return nil
}

// NextChange implements client.Mover.
func (s *Sensor) NextChange(now machine.Time, p lwm2m.Path) machine.Time {
	if p.Depth() >= 3 {
		switch p.Resource() {
		case 5518, 5601, 5602, 5700:
		default:
			return machine.Never
		}
	}
	_, next := step(now, s.wave.every())
	return next
}

// CheckWrite implements client.Writer.
func (s *Sensor) CheckWrite(_ client.Call, w client.Writing) error {
	return checkApplication(w)
}

func checkApplication(w client.Writing) error {
	if len(w.Value().Raw()) > 128 {
		return client.BadRequest("the application type is longer than 128 bytes")
	}
	return nil
}

// Write implements client.Writer.
func (s *Sensor) Write(_ client.Call, w client.Writing) {
	s.inst[w.Resource.Instance()].application = w.Value().Raw()
}

// Execute implements client.Executer.
func (s *Sensor) Execute(_ client.Call, p lwm2m.Path, _ []client.Argument) error {
	s.inst[p.Instance()].seen = 0
	return nil
}
