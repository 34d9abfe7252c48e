package device

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"

	"heddle.example/lwm2m/client/objects"
)

// Limits of a track file.
const (
	maxTrackFile = 64 << 20
	maxWaypoints = 200_000
)

// untimed is how far apart the points of a track without times are.
const untimed = 10 * time.Second

// ParsePlace reads LAT,LON[,ALT] in degrees and metres.
func ParsePlace(s string) (objects.Waypoint, error) {
	f := strings.Split(s, ",")
	if len(f) < 2 || len(f) > 3 {
		return objects.Waypoint{}, fmt.Errorf("%q is not LAT,LON or LAT,LON,ALT, such as 47.3769,8.5417,408", s)
	}
	return place(f)
}

// place reads latitude, longitude and, where it is there, altitude.
func place(f []string) (w objects.Waypoint, err error) {
	for i, to := range []*float64{&w.Latitude, &w.Longitude, &w.Altitude} {
		if i >= len(f) || i == 2 && strings.TrimSpace(f[i]) == "" {
			break
		}
		if *to, err = strconv.ParseFloat(strings.TrimSpace(f[i]), 64); err != nil {
			return w, fmt.Errorf("%q is not a number", f[i])
		}
	}
	return w, checkPlace(w)
}

func checkPlace(w objects.Waypoint) error {
	switch {
	case !(math.Abs(w.Latitude) <= 90):
		return fmt.Errorf("the latitude %v is not in -90 to 90 degrees", w.Latitude)
	case !(math.Abs(w.Longitude) <= 180):
		return fmt.Errorf("the longitude %v is not in -180 to 180 degrees", w.Longitude)
	case math.IsNaN(w.Altitude) || math.IsInf(w.Altitude, 0):
		return fmt.Errorf("the altitude is %v", w.Altitude)
	}
	return nil
}

// ReadTrack reads a track file: GPX, or CSV with the columns time, latitude, longitude and perhaps altitude.
func ReadTrack(name string) ([]objects.Waypoint, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	track, err := ParseTrack(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return track, nil
}

// ParseTrack reads a track. Its first point is at 0; the instants rise; a device that comes to its end begins anew.
func ParseTrack(r io.Reader) ([]objects.Waypoint, error) {
	b := bufio.NewReader(io.LimitReader(r, maxTrackFile))
	head, _ := b.Peek(512)
	parse := parseCSV
	if head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xEF\xBB\xBF")), " \t\r\n"); len(head) > 0 && head[0] == '<' {
		parse = parseGPX
	}
	points, err := parse(b)
	if err != nil {
		return nil, err
	}
	if len(points) < 2 {
		return nil, errors.New("a track has two points at least")
	}
	return arrange(points)
}

// point is a waypoint as the file has it; time is zero where it has none.
type point struct {
	objects.Waypoint
	time time.Time
}

// arrange makes the times relative, and rising: a point that is not later than the one before is left out.
func arrange(points []point) ([]objects.Waypoint, error) {
	timed := true
	for _, p := range points {
		timed = timed && !p.time.IsZero()
	}
	var track []objects.Waypoint
	for i, p := range points {
		p.At = time.Duration(i) * untimed
		if timed {
			p.At = p.time.Sub(points[0].time)
		}
		if n := len(track); n > 0 && p.At <= track[n-1].At {
			continue
		}
		track = append(track, p.Waypoint)
	}
	if len(track) < 2 || track[0].At != 0 {
		return nil, errors.New("the times of the track do not rise")
	}
	return track, nil
}

// parseGPX reads the points of the tracks, or else of the routes, of a GPX file.
func parseGPX(r io.Reader) ([]point, error) {
	type gpxPoint struct {
		Lat  float64    `xml:"lat,attr"`
		Lon  float64    `xml:"lon,attr"`
		Ele  float64    `xml:"ele"`
		Time *time.Time `xml:"time"`
	}
	var tracks, routes []point
	d := xml.NewDecoder(r)
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		e, ok := token.(xml.StartElement)
		if !ok || e.Name.Local != "trkpt" && e.Name.Local != "rtept" {
			continue
		}
		var g gpxPoint
		if err := d.DecodeElement(&g, &e); err != nil {
			return nil, err
		}
		p := point{Waypoint: objects.Waypoint{Latitude: g.Lat, Longitude: g.Lon, Altitude: g.Ele}}
		if g.Time != nil {
			p.time = *g.Time
		}
		if err := checkPlace(p.Waypoint); err != nil {
			return nil, err
		}
		if len(tracks)+len(routes) >= maxWaypoints {
			return nil, fmt.Errorf("more than %d points", maxWaypoints)
		}
		if e.Name.Local == "trkpt" {
			tracks = append(tracks, p)
		} else {
			routes = append(routes, p)
		}
	}
	if len(tracks) > 0 {
		return tracks, nil
	}
	return routes, nil
}

// parseCSV reads lines of time,latitude,longitude[,altitude]. The time is in seconds, or as in RFC 3339, or empty. The
// first line may be a heading.
func parseCSV(r io.Reader) ([]point, error) {
	c := csv.NewReader(r)
	c.FieldsPerRecord, c.Comment, c.TrimLeadingSpace, c.ReuseRecord = -1, '#', true, true
	var points []point
	for first := true; ; first = false {
		f, err := c.Read()
		if err == io.EOF {
			return points, nil
		}
		if err != nil {
			return nil, err
		}
		line, _ := c.FieldPos(0)
		if len(f) < 3 || len(f) > 4 {
			return nil, fmt.Errorf("line %d: it has %d columns; they are time, latitude, longitude and perhaps altitude", line, len(f))
		}
		w, err := place(f[1:])
		if err != nil {
			if first && strings.Trim(f[1], "0123456789.-+ ") != "" {
				continue // a heading
			}
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		p := point{Waypoint: w}
		switch s := strings.TrimSpace(strings.TrimPrefix(f[0], "\xEF\xBB\xBF")); {
		case s == "":
		default:
			if n, err := strconv.ParseFloat(s, 64); err == nil && math.Abs(n) < 1e11 {
				p.time = time.Unix(0, int64(n*1e9)).UTC()
			} else if p.time, err = time.Parse(time.RFC3339, s); err != nil {
				return nil, fmt.Errorf("line %d: %q is neither a number of seconds nor a time like 2026-01-01T12:00:00Z", line, s)
			}
		}
		if len(points) >= maxWaypoints {
			return nil, fmt.Errorf("more than %d points", maxWaypoints)
		}
		points = append(points, p)
	}
}
