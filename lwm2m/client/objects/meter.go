package objects

import (
	"math"
	"time"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/machine"
)

// PowerDefinition is object 3305, version 1.0.
var PowerDefinition = client.Definition{ID: 3305, Name: "Power Measurement", Version: lwm2m.V1_0, Multiple: true, Resources: []client.Resource{
	{ID: 5605, Name: "Reset Min and Max Measured Values", Operations: ex},
	{ID: 5800, Name: "Instantaneous active power", Kind: lwm2m.Float, Operations: ro, Mandatory: true},
	{ID: 5801, Name: "Min Measured active power", Kind: lwm2m.Float, Operations: ro},
	{ID: 5802, Name: "Max Measured active power", Kind: lwm2m.Float, Operations: ro},
	{ID: 5805, Name: "Cumulative active power", Kind: lwm2m.Float, Operations: ro},
	{ID: 5806, Name: "Active Power Calibration", Kind: lwm2m.Float, Operations: wo},
	{ID: 5820, Name: "Power factor", Kind: lwm2m.Float, Operations: ro},
	{ID: 5822, Name: "Reset Cumulative energy", Operations: ex},
}}

// household is the power of a home: more by day than by night.
var household = Wave{Base: 420, Swing: 210, Noise: 160, Every: 5 * time.Second, Low: 0, High: 20_000, Decimals: 1}

// Meter is object 3305: a simulated power meter in each instance.
type Meter struct {
	wave *Wave
	inst []meterInstance
}

type meterInstance struct {
	seed        uint64
	seen        uint64 // the latest measurement that is in the sums; 0: none
	low, high   float64
	energy      float64 // Wh
	calibration float64 // W, added to what is measured
}

// NewPower returns object 3305 with a number of meters; a nil wave is a household's.
func NewPower(instances int, w *Wave) *Meter {
	if w == nil {
		w = &household
	}
	return &Meter{wave: w, inst: make([]meterInstance, instances)}
}

// Attach implements client.Attacher.
func (m *Meter) Attach(c *client.Client) {
	for i := range m.inst {
		m.inst[i].seed = c.Rand().Uint64()
	}
}

// Definition implements client.Object.
func (m *Meter) Definition() *client.Definition { return &PowerDefinition }

// Instances implements client.Object.
func (m *Meter) Instances(dst []uint16) []uint16 {
	for i := range m.inst {
		dst = append(dst, uint16(i))
	}
	return dst
}

// Read implements client.Object.
func (m *Meter) Read(now machine.Time, dst []lwm2m.Entry, p lwm2m.Path) ([]lwm2m.Entry, bool) {
	in := &m.inst[p.Instance()]
	n, _ := step(now, m.wave.every())
	m.catchUp(in, n)
	switch p.Resource() {
	case 5605, 5822, 5806:
		return dst, true
	case 5800:
		return value(dst, p, lwm2m.Num(m.power(in, n)))
	case 5801:
		return value(dst, p, lwm2m.Num(in.low))
	case 5802:
		return value(dst, p, lwm2m.Num(in.high))
	case 5805:
		return value(dst, p, lwm2m.Num(round(in.energy, 1000)))
	case 5820:
		return value(dst, p, lwm2m.Num(0.97))
	}
	return dst, false
}

func (m *Meter) power(in *meterInstance, n uint64) float64 {
	return round(max(m.wave.at(in.seed, n)+in.calibration, 0), 10)
}

// catchUp brings extremes and energy up to measurement n. Measurements too far back are taken to be like the first one
// that is looked at.
func (m *Meter) catchUp(in *meterInstance, n uint64) {
	if in.seen == 0 || n < in.seen {
		in.seen = n
		in.low = m.power(in, n)
		in.high = in.low
		return
	}
	hours := m.wave.every().Hours()
	if skip := n - in.seen; skip > maxCatchUp {
		skip -= maxCatchUp
		in.seen += skip
		in.energy += float64(float64(m.power(in, in.seen)*hours) * float64(skip))
	}
	for in.seen < n {
		in.seen++
		v := m.power(in, in.seen)
		in.low, in.high = min(in.low, v), max(in.high, v)
		in.energy += float64(v * hours)
	}
}

// NextChange implements client.Mover.
func (m *Meter) NextChange(now machine.Time, p lwm2m.Path) machine.Time {
	if p.Depth() >= 3 && p.Resource() != 5800 && p.Resource() != 5801 && p.Resource() != 5802 && p.Resource() != 5805 {
		return machine.Never
	}
	_, next := step(now, m.wave.every())
	return next
}

// CheckWrite implements client.Writer.
func (m *Meter) CheckWrite(_ client.Call, w client.Writing) error {
	if f, _ := w.Value().AsFloat(); math.IsNaN(f) || math.Abs(f) > 1000 {
		return client.BadRequest("the calibration is out of range: -1000 to 1000 W")
	}
	return nil
}

// Write implements client.Writer.
func (m *Meter) Write(call client.Call, w client.Writing) {
	in := &m.inst[w.Resource.Instance()]
	n, _ := step(call.Now, m.wave.every())
	m.catchUp(in, n)
	in.calibration, _ = w.Value().AsFloat()
}

// Execute implements client.Executer.
func (m *Meter) Execute(call client.Call, p lwm2m.Path, _ []client.Argument) error {
	in := &m.inst[p.Instance()]
	n, _ := step(call.Now, m.wave.every())
	m.catchUp(in, n)
	if p.Resource() == 5822 {
		in.energy = 0
	} else {
		in.low = m.power(in, n)
		in.high = in.low
	}
	return nil
}
