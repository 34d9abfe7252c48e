package device

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client/objects"
)

func TestParseTrack(t *testing.T) {
	want := []objects.Waypoint{{Latitude: 47.1, Longitude: 8.2, Altitude: 400}, {At: 5 * time.Second, Latitude: 47.2, Longitude: 8.3}, {At: time.Minute, Latitude: 47.3, Longitude: -8.4, Altitude: -10}}
	spaced := []objects.Waypoint{want[0], want[1], want[2]}
	spaced[1].At, spaced[2].At = 10*time.Second, 20*time.Second
	for name, c := range map[string]struct {
		text string
		want []objects.Waypoint
	}{
		"gpx": {`<?xml version="1.0"?><gpx xmlns="http://www.topografix.com/GPX/1/1"><wpt lat="1" lon="1"/><trk><trkseg>
			<trkpt lat="47.1" lon="8.2"><ele>400</ele><time>2026-01-01T00:00:00Z</time></trkpt>
			<trkpt lat="47.2" lon="8.3"><time>2026-01-01T01:00:05+01:00</time></trkpt></trkseg><trkseg>
			<trkpt lat="47.3" lon="-8.4"><ele>-10</ele><time>2026-01-01T00:01:00Z</time></trkpt></trkseg></trk></gpx>`, want},
		"gpx route without times": {`<gpx><rte><rtept lat="47.1" lon="8.2"><ele>400</ele></rtept><rtept lat="47.2" lon="8.3"/><rtept lat="47.3" lon="-8.4"><ele>-10</ele></rtept></rte></gpx>`, spaced},
		"csv":                     {"time,latitude,longitude,altitude\n0,47.1,8.2,400\n5,47.2,8.3,\n60,47.3,-8.4,-10\n", want},
		"csv with times":          {"2026-01-01T00:00:00Z,47.1,8.2,400\n# a comment\n2026-01-01T00:00:05Z,47.2,8.3\n2026-01-01T00:01:00Z,47.3,-8.4,-10", want},
		"csv without times":       {",47.1,8.2,400\n,47.2,8.3\n,47.3,-8.4,-10", spaced},
		"a point too many":        {"0,47.1,8.2,400\n5,47.2,8.3\n5,1,1\n60,47.3,-8.4,-10", want},
	} {
		got, err := ParseTrack(strings.NewReader(c.text))
		if err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	for name, text := range map[string]string{
		"empty": "", "one point": "0,1,1", "columns": "0,1,1\n5,1", "latitude": "0,1,1\n5,91,1", "not a number": "0,1,1\n5,1,NaN", "text": "0,1,1\n5,x,1",
		"time": "0,1,1\nyesterday,1,1", "gpx": "<gpx><trk><trkpt lat='1' lon='1'/>", "gpx place": "<gpx><trkpt lat='1' lon='1'/><trkpt lat='1' lon='181'/></gpx>", "backwards": "5,1,1\n0,1,2",
	} {
		if got, err := ParseTrack(strings.NewReader(text)); err == nil {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestParsePlace(t *testing.T) {
	if w, err := ParsePlace("47.3769, 8.5417,408"); err != nil || w != (objects.Waypoint{Latitude: 47.3769, Longitude: 8.5417, Altitude: 408}) {
		t.Errorf("%v, %v", w, err)
	}
	for _, s := range []string{"", "1", "1,2,3,4", "a,b", "91,0", "0,200", "NaN,0", "0,0,Inf"} {
		if w, err := ParsePlace(s); err == nil {
			t.Errorf("%q is %v", s, w)
		}
	}
}

func FuzzParseTrack(f *testing.F) {
	f.Add("0,1,1\n5,1,2")
	f.Add("<gpx><trkpt lat='1' lon='1'/><trkpt lat='1' lon='2'><time>2026-01-01T00:00:00Z</time></trkpt></gpx>")
	f.Fuzz(func(t *testing.T, s string) {
		track, err := ParseTrack(strings.NewReader(s))
		if err != nil {
			return
		}
		for i, w := range track {
			if checkPlace(w) != nil || i > 0 && w.At <= track[i-1].At || i == 0 && w.At != 0 {
				t.Fatalf("point %d is %+v", i, w)
			}
		}
		objects.NewTrack(0, track).Read(12345678, nil, lwm2m.MustPath("/6/0/0"))
	})
}

func TestParseFirmware(t *testing.T) {
	var c objects.FirmwareConfig
	if err := ParseFirmware(&c, "version=1.1,method=pull, protocols=coap+https,size=1000,time=3s,packed=true,fail=8,fails=2"); err != nil {
		t.Fatal(err)
	}
	want := objects.FirmwareConfig{Version: lwm2m.V1_1, Delivery: objects.PullOnly, Protocols: []int64{0, 3}, MaxSize: 1000, UpdateTime: 3 * time.Second, Packed: true, Fail: 8, Fails: 2}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("%+v", c)
	}
	for _, s := range []string{"colour=red", "version=2.0", "method=mail", "protocols=ftp", "size=0", "size=big", "fail=1", "fail=10", "fail=12", "time=soon"} {
		if err := ParseFirmware(&c, s); err == nil {
			t.Errorf("%q was accepted", s)
		}
	}
}
