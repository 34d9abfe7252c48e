package registry

// unitTexts are the units of RFC 8428 and of the definitions that people write otherwise.
var unitTexts = map[string]string{
	"Cel":   "°C",
	"deg":   "°",
	"lat":   "° lat",
	"lon":   "° lon",
	"/100":  "%",
	"%RH":   "% RH",
	"%EL":   "%",
	"ug/m3": "µg/m³",
	"m3":    "m³",
	"m3/s":  "m³/s",
	"m2":    "m²",
	"m/s2":  "m/s²",
	"1/min": "/min",
	"Ohm":   "Ω",
	"count": "",
}

// UnitText returns the unit as people write it: "Cel" is °C.
func (r *Resource) UnitText() string {
	if t, ok := unitTexts[r.Units]; ok {
		return t
	}
	return r.Units
}
