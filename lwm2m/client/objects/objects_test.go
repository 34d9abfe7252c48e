package objects

import (
	"fmt"
	"math"
	"testing"
	"time"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/machine"
	"heddle.example/machine/machinetest"
)

const start = machine.Time(1_767_225_600_000_000_000) // 2026-01-01

// device returns a client with the objects, for reads.
func device(t *testing.T, seed uint64, objs ...client.Object) *client.Client {
	t.Helper()
	c, err := client.New(client.Config{
		Rand: machinetest.NewRand(seed), Servers: []client.Account{{ShortID: 1, URI: "coap://192.0.2.1"}}, Objects: objs,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func read(t *testing.T, c *client.Client, at machine.Time, path string) lwm2m.Value {
	t.Helper()
	entries, err := c.Read(at, lwm2m.MustPath(path))
	if err != nil || len(entries) == 0 {
		t.Fatalf("%s at %v: %v, %v", path, at.Sub(start), entries, err)
	}
	return entries[0].Value
}

func number(t *testing.T, c *client.Client, at machine.Time, path string) float64 {
	t.Helper()
	f, ok := read(t, c, at, path).AsFloat()
	if !ok {
		t.Fatalf("%s is no number", path)
	}
	return f
}

// everything returns one of each object.
func everything() []client.Object {
	return []client.Object{
		NewDevice(&DeviceConfig{Manufacturer: "Heddle", BatteryCycle: time.Hour}), &ConnectivityMonitoring{Bearer: BearerWLAN},
		NewTrack(start, Loop(Everest, 0.01, time.Hour)), NewConnectivityStatistics(), NewTest(),
		NewTemperature(2, nil), NewHumidity(1, nil), NewPower(1, nil), NewActuation(1), NewLight(1), NewSwitch(1),
	}
}

// Two devices from one seed are equal, whatever is looked at in between; one from another seed is not.
func TestValuesAreDeterministic(t *testing.T) {
	a, b, c := device(t, 1, everything()...), device(t, 1, everything()...), device(t, 2, everything()...)
	same := true
	for i := range 500 {
		at := start.Add(time.Duration(i) * 7 * time.Minute)
		for _, path := range []string{"/3/0", "/4/0", "/6/0", "/3303", "/3304", "/3305", "/3342", "/3311", "/3306"} {
			p := lwm2m.MustPath(path)
			x, _ := a.Read(at, p)
			var y []lwm2m.Entry
			for range 1 + i%3 {
				y, _ = b.Read(at, p)
			}
			z, _ := c.Read(at, p)
			if fmt.Sprint(x) != fmt.Sprint(y) {
				t.Fatalf("%s at %v: %v and %v", path, at.Sub(start), x, y)
			}
			same = same && fmt.Sprint(x) == fmt.Sprint(z)
		}
	}
	if same {
		t.Error("another seed gives the same values")
	}
}

// A value never changes before NextChange says so: an observer misses nothing.
func TestNextChangeIsNeverTooLate(t *testing.T) {
	objs := everything()
	c := device(t, 3, objs...)
	for _, o := range objs {
		m, ok := o.(client.Mover)
		if !ok {
			continue
		}
		for _, r := range o.Definition().Resources {
			p := lwm2m.NewPath(o.Definition().ID, 0, r.ID)
			at := start
			for range 300 {
				before, err := c.Read(at, p)
				if err != nil {
					break
				}
				next := m.NextChange(at, p)
				if next <= at {
					t.Fatalf("%s: the next change after %v is at %v", p, at, next)
				}
				next = min(next, at.Add(time.Hour))
				if after, _ := c.Read(next-1, p); fmt.Sprint(before) != fmt.Sprint(after) {
					t.Fatalf("%s changed from %v to %v before %v", p, before, after, next.Sub(start))
				}
				at = next
			}
		}
	}
}

func TestBattery(t *testing.T) {
	c := device(t, 4, NewDevice(&DeviceConfig{BatteryCycle: 200 * time.Second}))
	low, high, charging := 101.0, -1.0, false
	for i := range 400 {
		at := start.Add(time.Duration(i) * time.Second)
		level := number(t, c, at, "/3/0/9")
		low, high = min(low, level), max(high, level)
		switch status := number(t, c, at, "/3/0/20"); {
		case status == 1:
			charging = true
		case status == 4 && level > 20, status == 0 && level <= 20:
			t.Errorf("status %v at %v %%", status, level)
		}
	}
	if low != 20 || high != 100 || !charging {
		t.Errorf("the battery goes from %v to %v, charging %v", low, high, charging)
	}
}

func TestBatteryEvery(t *testing.T) {
	d := NewDevice(&DeviceConfig{BatteryEvery: 10 * time.Second})
	c := device(t, 5, d)
	c.Start(start, 1)
	levels := map[int]bool{}
	for at := start; at < start.Add(5*time.Minute); at = c.Deadline() {
		c.Expire(at)
		for {
			a, ok := c.Next()
			if !ok {
				break
			}
			if b, ok := a.Value.(*BatteryChanged); ok {
				levels[b.Level] = true
				if at.Sub(start)%(10*time.Second) != 0 || number(t, c, at, "/3/0/9") != float64(b.Level) {
					t.Errorf("level %d at %v, read as %v", b.Level, at.Sub(start), number(t, c, at, "/3/0/9"))
				}
			}
		}
	}
	if len(levels) < 20 {
		t.Errorf("%d different levels in 5 minutes", len(levels))
	}
}

func TestTimeCanBeSet(t *testing.T) {
	c := device(t, 6, NewDevice(&DeviceConfig{UTCOffset: "+01:00"}))
	if err := c.Set(start, 1, lwm2m.MustPath("/3/0/13"), lwm2m.TimeValue(1000)); err != nil {
		t.Fatal(err)
	}
	if n, _ := read(t, c, start.Add(5*time.Second), "/3/0/13").AsInt(); n != 1005 {
		t.Errorf("5 s after 1000 it is %d", n)
	}
	for s, ok := range map[string]bool{"Z": true, "+01": true, "-0330": true, "+05:45": true, "+15:00": false, "+01:60": false, "01:00": false, "+1:00": false, "": false} {
		if err := c.Set(start, 1, lwm2m.MustPath("/3/0/14"), lwm2m.Str(s)); (err == nil) != ok {
			t.Errorf("offset %q: %v", s, err)
		}
	}
}

func TestErrorCodes(t *testing.T) {
	c := device(t, 7, NewDevice(&DeviceConfig{}))
	for _, n := range []int64{1, 3, 3} {
		if err := c.Set(start, 1, lwm2m.MustPath("/3/0/11"), lwm2m.Int(n)); err != nil {
			t.Fatal(err)
		}
	}
	if e, _ := c.Read(start, lwm2m.MustPath("/3/0/11")); len(e) != 2 || e[1].Path != lwm2m.MustPath("/3/0/11/1") {
		t.Errorf("error codes: %v", e)
	}
}

// The curve of the day is lowest at 4 h and highest at 16 h, and its day is whole.
func TestDaily(t *testing.T) {
	for hour, want := range map[int]float64{4: -1, 10: 0, 16: 1, 22: 0} {
		at := machine.Time(time.Duration(24*20_000+hour) * time.Hour)
		if got := daily(at); math.Abs(got-want) > 1e-12 {
			t.Errorf("at %d h the curve is %v, want %v", hour, got, want)
		}
	}
}

func TestSensorExtremes(t *testing.T) {
	c := device(t, 8, NewTemperature(1, nil))
	low, high := math.Inf(1), math.Inf(-1)
	for i := range 2000 {
		at := start.Add(time.Duration(i) * 10 * time.Second)
		v := number(t, c, at, "/3303/0/5700")
		low, high = min(low, v), max(high, v)
		if i == 0 {
			number(t, c, at, "/3303/0/5601") // the extremes count from the first look
		}
		if v < 15 || v > 28 {
			t.Fatalf("%v degrees in a room", v)
		}
	}
	at := start.Add(1999 * 10 * time.Second)
	if l, h := number(t, c, at, "/3303/0/5601"), number(t, c, at, "/3303/0/5602"); l != low || h != high {
		t.Errorf("extremes %v and %v, want %v and %v", l, h, low, high)
	}
	if err := c.Set(at, 1, lwm2m.MustPath("/3303/0/5700"), lwm2m.Num(60)); err != nil {
		t.Fatal(err)
	}
	later := at.Add(time.Hour)
	if v, h := number(t, c, later, "/3303/0/5700"), number(t, c, later, "/3303/0/5602"); v != 60 || h != 60 {
		t.Errorf("set to 60 it is %v, the highest %v", v, h)
	}
	if err := c.Set(at, 1, lwm2m.MustPath("/3303/0/5700"), lwm2m.Num(86)); err == nil {
		t.Error("86 degrees are out of the sensor's range")
	}
}

func TestMeterCountsEnergy(t *testing.T) {
	flat := Wave{Base: 1000, Low: 0, High: 5000, Every: 5 * time.Second}
	c := device(t, 9, NewPower(1, &flat))
	number(t, c, start, "/3305/0/5805")
	if e := number(t, c, start.Add(time.Hour), "/3305/0/5805"); math.Abs(e-1000) > 1e-6 {
		t.Errorf("1000 W for an hour are %v Wh", e)
	}
	if e := number(t, c, start.Add(1000*time.Hour), "/3305/0/5805"); math.Abs(e-1e6) > 1e-3 {
		t.Errorf("1000 W for 1000 hours are %v Wh", e)
	}
}

func TestLight(t *testing.T) {
	c := device(t, 10, NewLight(1))
	set := func(at machine.Time, path string, v lwm2m.Value) {
		t.Helper()
		if err := c.Set(at, 1, lwm2m.MustPath(path), v); err != nil {
			t.Fatal(err)
		}
	}
	at := func(d time.Duration) machine.Time { return start.Add(d) }
	set(at(0), "/3311/0/5850", lwm2m.Bool(true))
	set(at(time.Hour), "/3311/0/5851", lwm2m.Int(50))
	set(at(3*time.Hour), "/3311/0/5850", lwm2m.Bool(false))
	if n := number(t, c, at(9*time.Hour), "/3311/0/5852"); n != 3*3600 {
		t.Errorf("it was on for %v s", n)
	}
	if e := number(t, c, at(9*time.Hour), "/3311/0/5805"); e != lampPower+lampPower {
		t.Errorf("an hour at 100 %% and two at 50 %% are %v Wh", e)
	}
	set(at(10*time.Hour), "/3311/0/5852", lwm2m.Int(0))
	if n := number(t, c, at(11*time.Hour), "/3311/0/5852"); n != 0 {
		t.Errorf("after a reset it was on for %v s", n)
	}
	if err := c.Set(at(0), 1, lwm2m.MustPath("/3311/0/5852"), lwm2m.Int(5)); err == nil {
		t.Error("the on time was set to 5")
	}
}

func TestSwitchIsTurned(t *testing.T) {
	c := device(t, 11, NewSwitch(1))
	var turns, ups float64
	last := false
	for i := range 400 {
		at := start.Add(time.Duration(i) * switchEvery)
		on, _ := read(t, c, at, "/3342/0/5500").AsBool()
		if on != last {
			if turns++; on {
				ups++
			}
		}
		last = on
	}
	if turns < 60 || turns > 140 {
		t.Errorf("%v turns in 400 steps, want about 100", turns)
	}
	if n := number(t, c, start.Add(399*switchEvery), "/3342/0/5501"); n != ups {
		t.Errorf("counted %v, switched on %v times", n, ups)
	}
}

func TestTrack(t *testing.T) {
	lap := 8 * time.Minute
	c := device(t, 12, NewTrack(start, Loop(Waypoint{Latitude: 50, Longitude: 10, Altitude: 100}, 0.008, lap)))
	place := func(d time.Duration) [2]float64 {
		return [2]float64{number(t, c, start.Add(d), "/6/0/0"), number(t, c, start.Add(d), "/6/0/1")}
	}
	if a, b := place(0), place(lap); a != b || a != [2]float64{50, 10.008} {
		t.Errorf("it starts at %v and is at %v after a lap", a, b)
	}
	if p := place(2 * time.Minute); p != [2]float64{50.008, 10} {
		t.Errorf("after a quarter of a lap it is at %v", p)
	}
	// A side of the octagon in a minute: some hundred metres, so some metres a second.
	if s := number(t, c, start, "/6/0/6"); s < 3 || s > 20 {
		t.Errorf("it moves at %v m/s", s)
	}
	if err := c.Set(start, 1, lwm2m.MustPath("/6/0/0"), lwm2m.Num(48)); err != nil {
		t.Fatal(err)
	}
	if p := place(time.Hour); p != [2]float64{48, 10.008} {
		t.Errorf("a device that was put at a place is at %v", p)
	}
	if err := c.Set(start, 1, lwm2m.MustPath("/6/0/0"), lwm2m.Num(91)); err == nil {
		t.Error("latitude 91")
	}
}

func TestCosine(t *testing.T) {
	for d := -90.0; d <= 90; d += 7.5 {
		if got, want := cosine(d), math.Cos(d*math.Pi/180); math.Abs(got-want) > 1e-6 {
			t.Errorf("cosine of %v is %v, want %v", d, got, want)
		}
	}
}
