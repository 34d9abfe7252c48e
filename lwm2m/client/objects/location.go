package objects

import (
	"math"
	"time"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/machine"
)

// LocationDefinition is object 6, version 1.0.
var LocationDefinition = client.Definition{ID: 6, Name: "Location", Version: lwm2m.V1_0, Resources: []client.Resource{
	{ID: 0, Name: "Latitude", Kind: lwm2m.Float, Operations: ro, Mandatory: true, Min: -90, Max: 90},
	{ID: 1, Name: "Longitude", Kind: lwm2m.Float, Operations: ro, Mandatory: true, Min: -180, Max: 180},
	{ID: 2, Name: "Altitude", Kind: lwm2m.Float, Operations: ro},
	{ID: 3, Name: "Radius", Kind: lwm2m.Float, Operations: ro},
	{ID: 5, Name: "Timestamp", Kind: lwm2m.Time, Operations: ro, Mandatory: true},
	{ID: 6, Name: "Speed", Kind: lwm2m.Float, Operations: ro},
}}

// Waypoint is a point of a track.
type Waypoint struct {
	At                            time.Duration // since the beginning of the track
	Latitude, Longitude, Altitude float64       // degrees, degrees, metres
}

// Everest is where the first device of this kind said it was.
var Everest = Waypoint{Latitude: 27.986065, Longitude: 86.922623, Altitude: 8495}

// fixEvery is how often a moving device finds its position.
const fixEvery = 5 * time.Second

// Location is object 6: a fixed place, or a track that begins anew when it ends.
type Location struct {
	track []Waypoint
	fixed machine.Time // when a fixed place was set
	start machine.Time // offset of the track; see NewTrack
}

// NewLocation returns a fixed place, set at an instant.
func NewLocation(at machine.Time, place Waypoint) *Location {
	return &Location{track: []Waypoint{place}, fixed: at}
}

// NewTrack returns a device that moves from waypoint to waypoint, in straight lines, and from the last one to the first
// again. The instants of the waypoints rise; start is when it is at the first one. Tracks may be shared.
func NewTrack(start machine.Time, track []Waypoint) *Location {
	return &Location{track: track, start: start}
}

// Loop returns a track around a place: eight waypoints, in a number of minutes, radius in degrees.
func Loop(center Waypoint, radius float64, lap time.Duration) []Waypoint {
	const h = 0.70710678
	var track []Waypoint
	for i, d := range [9][2]float64{{0, 1}, {h, h}, {1, 0}, {h, -h}, {0, -1}, {-h, -h}, {-1, 0}, {-h, h}, {0, 1}} {
		track = append(track, Waypoint{
			At:        lap * time.Duration(i) / 8,
			Latitude:  center.Latitude + float64(radius*d[0]),
			Longitude: center.Longitude + float64(radius*d[1]),
			Altitude:  center.Altitude,
		})
	}
	return track
}

// Set makes it a fixed place. Call Client.Changed for /6 afterwards.
func (l *Location) Set(at machine.Time, place Waypoint) {
	l.track, l.fixed = []Waypoint{place}, at
}

// Definition implements client.Object.
func (l *Location) Definition() *client.Definition { return &LocationDefinition }

// Instances implements client.Object.
func (l *Location) Instances(dst []uint16) []uint16 { return append(dst, 0) }

// Read implements client.Object.
func (l *Location) Read(now machine.Time, dst []lwm2m.Entry, p lwm2m.Path) ([]lwm2m.Entry, bool) {
	w, speed, at := l.position(now)
	switch p.Resource() {
	case 0:
		return value(dst, p, lwm2m.Num(w.Latitude))
	case 1:
		return value(dst, p, lwm2m.Num(w.Longitude))
	case 2:
		return value(dst, p, lwm2m.Num(w.Altitude))
	case 3:
		return value(dst, p, lwm2m.Num(0))
	case 5:
		return value(dst, p, lwm2m.TimeValue(at.Unix()))
	case 6:
		return value(dst, p, lwm2m.Num(speed))
	}
	return dst, false
}

// Change implements client.Changer: the device stays at the place that was set.
func (l *Location) Change(call client.Call, p lwm2m.Path, v lwm2m.Value) error {
	place, _, _ := l.position(call.Now)
	f, _ := v.AsFloat()
	switch p.Resource() {
	case 0:
		place.Latitude = f
	case 1:
		place.Longitude = f
	case 2:
		place.Altitude = f
	default:
		return client.NotAllowed("the resource cannot be set")
	}
	l.Set(call.Now, place)
	return nil
}

// NextChange implements client.Mover.
func (l *Location) NextChange(now machine.Time, p lwm2m.Path) machine.Time {
	if len(l.track) < 2 || p.Depth() >= 3 && p.Resource() == 3 {
		return machine.Never
	}
	_, next := step(now, fixEvery)
	return next
}

// position returns where the device is, its speed in m/s, and when it found that out.
func (l *Location) position(now machine.Time) (w Waypoint, speed float64, at machine.Time) {
	if len(l.track) < 2 {
		return l.track[0], 0, l.fixed
	}
	_, next := step(now, fixEvery)
	at = next - machine.Time(fixEvery)
	lap := l.track[len(l.track)-1].At
	t := time.Duration(at-l.start) % lap
	if t < 0 {
		t += lap
	}
	i := 1
	for l.track[i].At <= t {
		i++
	}
	a, b := l.track[i-1], l.track[i]
	part := float64(t-a.At) / float64(b.At-a.At)
	w.Latitude = round(between(a.Latitude, b.Latitude, part), 1e6)
	w.Longitude = round(between(a.Longitude, b.Longitude, part), 1e6)
	w.Altitude = round(between(a.Altitude, b.Altitude, part), 10)
	return w, round(distance(a, b)/(b.At-a.At).Seconds(), 100), at
}

func between(a, b, part float64) float64 { return a + float64(float64(b-a)*part) }

// distance returns the metres between two points that are near each other, on a sphere that is flat there.
func distance(a, b Waypoint) float64 {
	const metresPerDegree = 111195
	north := float64((b.Latitude - a.Latitude) * metresPerDegree)
	east := float64(float64((b.Longitude-a.Longitude)*metresPerDegree) * cosine(a.Latitude))
	return math.Sqrt(float64(north*north) + float64(east*east))
}

// cosine of degrees between -90 and 90, by its series: good to a millionth, and the same bits on every machine.
func cosine(degrees float64) float64 {
	x := float64(degrees * (math.Pi / 180))
	x2 := float64(x * x)
	sum, term := 1.0, 1.0
	for n := 2.0; n <= 12; n += 2 {
		term = -float64(float64(term*x2) / float64(n*(n-1)))
		sum += term
	}
	return sum
}
