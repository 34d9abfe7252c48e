package firmware

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

func TestPackages(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Limit = 10_000 })
	p := w.package2(5000)
	if p.Name != "lamp" || p.Version != "2.0" || p.Format != "container" || p.Size != int64(len(pack(t, "2.0", 5000))) || len(p.ID) != 32 {
		t.Errorf("%+v", p)
	}
	raw, err := w.m.Add(strings.NewReader("raw image"), "raw", "7", "")
	if err != nil || raw.Format != "raw" || raw.Version != "7" {
		t.Errorf("%+v, %v", raw, err)
	}
	good := pack(t, "2.0", 100)
	for name, c := range map[string]struct {
		b             []byte
		name, version string
		err           error
	}{
		"too large":       {make([]byte, 10_001), "x", "", ErrTooLarge},
		"empty":           {nil, "x", "", ErrInvalid},
		"no name":         {[]byte("raw"), "", "", ErrInvalid},
		"damaged":         {append(bytes.Clone(good[:len(good)-1]), 'X'), "", "", ErrInvalid},
		"cut off":         {good[:len(good)-5], "", "", ErrInvalid},
		"another version": {good, "", "3.0", ErrInvalid},
		"a control":       {good, "a\nb", "", ErrInvalid},
	} {
		if _, err := w.m.Add(bytes.NewReader(c.b), c.name, c.version, ""); !errors.Is(err, c.err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.m.Add(io.MultiReader(strings.NewReader("half"), &broken{}), "x", "", ""); err == nil {
		t.Error("an upload that broke off was accepted")
	}
	// What is left over from a crash goes; the packages stay.
	os.WriteFile(filepath.Join(w.dir, "upload-1.part"), []byte("x"), 0o600)
	os.WriteFile(filepath.Join(w.dir, "0123.pkg"), []byte("x"), 0o600)
	w.restart()
	files, _ := os.ReadDir(w.dir)
	if list := w.m.Packages(); len(list) != 2 || len(files) != 2 || list[0].ID != raw.ID && list[1].ID != raw.ID { // of one millisecond: in either order
		t.Errorf("after a restart: %+v, %d files", list, len(files))
	}
	if err := w.m.Remove(raw.ID); err != nil {
		t.Error(err)
	}
	if err := w.m.Remove(raw.ID); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if _, err := os.Stat(w.m.file(raw.ID)); err == nil {
		t.Error("the file is there still")
	}
}

type broken struct{}

func (*broken) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

// Every way of an update that succeeds.
func TestUpdate(t *testing.T) {
	for name, c := range map[string]struct {
		method string
		device func(*thing)
		want   string
	}{
		"push":                      {Push, nil, Push},
		"pull":                      {Pull, nil, Pull},
		"auto":                      {Auto, nil, Pull},
		"auto, push only":           {Auto, func(d *thing) { d.method = 1 }, Push},
		"auto, no protocol of ours": {Auto, func(d *thing) { d.protocols = []int64{5} }, Push},
		"small blocks":              {Push, func(d *thing) { d.szx = 2 }, Push},
		"another package there":     {Push, func(d *thing) { d.state, d.got = downloaded, []byte("x") }, Push},
		"a failure before":          {Pull, func(d *thing) { d.result = 5 }, Pull},
		"a lost answer to Update":   {Push, func(d *thing) { d.lost = 0 }, Push},
		"observed by someone else":  {Push, nil, Push},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			p := w.package2(5000)
			d := w.add("dev", c.device)
			if strings.HasPrefix(name, "observed") {
				w.observed["dev"] = append(w.observed["dev"], object)
			}
			u := w.until(w.begin(Options{Package: p.ID, Endpoints: []string{"dev"}, Method: c.method}).ID, "finished", ended)
			x := u.Devices[0]
			if u.State != Finished || x.State != Done || x.Method != c.want || x.Version != "2.0" || x.Before != "1.0" || *x.Result != 1 || x.Percent != 100 || x.Sent != p.Size {
				t.Errorf("%+v", u)
			}
			if d.executed != 1 {
				t.Errorf("it was told to install the package %d times", d.executed)
			}
			for range 100 {
				if n, _ := w.Observations("dev"); len(n) == 0 || strings.HasPrefix(name, "observed") && len(n) == 1 {
					return
				}
				time.Sleep(5 * time.Millisecond)
			}
			t.Errorf("still observed: %v", w.observed["dev"])
		})
	}
}

// Every way of an update that does not.
func TestUpdateFails(t *testing.T) {
	for name, c := range map[string]struct {
		method string
		device func(*thing)
		want   string
		result int
	}{
		"storage":           {Push, func(d *thing) { d.fail = 2 }, "not enough storage", 2},
		"damaged":           {Pull, func(d *thing) { d.fail = 5 }, "damaged", 5},
		"invalid URI":       {Pull, func(d *thing) { d.fail = 7 }, "not valid", 7},
		"protocol":          {Pull, func(d *thing) { d.fail = 9 }, "protocol", 9},
		"installation":      {Push, func(d *thing) { d.installs = 8 }, "installation failed", 8},
		"put off":           {Push, func(d *thing) { d.installs = 11 }, "does not install", 11},
		"push to pull only": {Push, func(d *thing) { d.method = 0 }, "only fetches", 0},
		"pull to push only": {Pull, func(d *thing) { d.method = 1 }, "cannot fetch", 0},
		"never fetched":     {Pull, func(d *thing) { d.forgets = true }, "does not fetch", 0},
		"no object":         {Auto, func(d *thing) { d.reg = registration(t, "dev", "</1/0>,</3/0>") }, "no Firmware Update object", 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, hasty)
			p := w.package2(3000)
			w.add("dev", c.device)
			u := w.until(w.begin(Options{Package: p.ID, Endpoints: []string{"dev"}, Method: c.method}).ID, "finished", ended)
			x := u.Devices[0]
			if x.State != Failed || !strings.Contains(x.Detail, c.want) || c.result != 0 && (x.Result == nil || *x.Result != c.result) {
				t.Errorf("%+v", x)
			}
			if u.Counts[Failed] != 1 || len(x.Steps) < 2 && name != "no object" && c.result != 0 {
				t.Errorf("%+v", u)
			}
		})
	}
}

func TestUpdateIsTriedAgain(t *testing.T) {
	w := newWorld(t, nil)
	p := w.package2(3000)
	w.add("dev", func(d *thing) { d.fail, d.fails = 4, 2 })
	u := w.until(w.begin(Options{Package: p.ID, Endpoints: []string{"dev"}, Method: Pull, Retries: 2}).ID, "finished", ended)
	if x := u.Devices[0]; x.State != Done || x.Attempts != 3 {
		t.Errorf("%+v", x)
	}
}

// Where the package cannot be fetched, auto pushes it.
func TestAutoFallsBackToPush(t *testing.T) {
	for name, change := range map[string]func(*thing){
		"a URI that is not valid there": func(d *thing) { d.fail, d.fails = 7, 1 },
		"never fetched":                 func(d *thing) { d.forgets = true },
	} {
		w := newWorld(t, hasty)
		p := w.package2(3000)
		w.add("dev", change)
		u := w.until(w.begin(Options{Package: p.ID, Endpoints: []string{"dev"}, Retries: 1}).ID, "finished", ended)
		if x := u.Devices[0]; x.State != Done || x.Method != Push || x.Attempts != 2 {
			t.Errorf("%s: %+v", name, x)
		}
	}
}

// A device that has the version already is left alone, unless it is forced.
func TestUpdateOfWhatIsThere(t *testing.T) {
	w := newWorld(t, nil)
	p := w.package2(3000)
	d := w.add("dev", func(d *thing) { d.version = "2.0" })
	u := w.until(w.begin(Options{Package: p.ID, Endpoints: []string{"dev"}}).ID, "finished", ended)
	if x := u.Devices[0]; x.State != Done || d.executed != 0 {
		t.Errorf("%+v, executed %d times", x, d.executed)
	}
	u = w.until(w.begin(Options{Package: p.ID, Endpoints: []string{"dev"}, Force: true}).ID, "finished", ended)
	if x := u.Devices[0]; x.State != Done || d.executed != 1 {
		t.Errorf("%+v, executed %d times", x, d.executed)
	}
}

// A device that sleeps or is away is waited for, and takes no worker from the others.
func TestUpdateWaitsForDevices(t *testing.T) {
	w := newWorld(t, nil)
	p := w.package2(3000)
	w.add("asleep", func(d *thing) { d.asleep = true })
	w.add("away", func(d *thing) { d.away = true })
	w.add("here", nil)
	id := w.begin(Options{Package: p.ID, Endpoints: []string{"asleep", "away", "here"}, Concurrency: 1}).ID
	u := w.until(id, "done with one", func(u Update) bool { return u.Counts[Done] == 1 && u.Counts[Waiting] == 2 })
	if x := u.Devices[0]; !x.Asleep || x.Detail != "the device is asleep" {
		t.Errorf("%+v", x)
	}
	w.heard("asleep", func(d *thing) { d.asleep = false })
	w.heard("away", func(d *thing) { d.away = false })
	w.until(id, "finished", func(u Update) bool { return u.State == Finished && u.Counts[Done] == 3 })
}

// A push that breaks off goes on where it stopped, also after a restart of the server.
func TestPushGoesOnAfterABreak(t *testing.T) {
	for _, restart := range []bool{false, true} {
		w := newWorld(t, nil)
		p := w.package2(600_000)
		d := w.add("dev", func(d *thing) { d.cutAt = 400_000 })
		id := w.begin(Options{Package: p.ID, Endpoints: []string{"dev"}, Method: Push}).ID
		w.until(id, "cut", func(Update) bool { w.mu.Lock(); defer w.mu.Unlock(); return d.away })
		if restart {
			w.restart()
		}
		w.heard("dev", func(d *thing) { d.away = false })
		u := w.until(id, "finished", ended)
		if x := u.Devices[0]; x.State != Done || x.Attempts != 1 || d.executed != 1 {
			t.Errorf("restart %v: %+v, executed %d times", restart, x, d.executed)
		}
		most := uint64(p.Size) + 3*1024
		if restart {
			most += saveEvery
		}
		if w.m.counters.PushedBytes > most {
			t.Errorf("restart %v: %d bytes for a package of %d", restart, w.m.counters.PushedBytes, p.Size)
		}
	}
}

// A device that has forgotten what it had gets the package from the start.
func TestPushToAForgetfulDevice(t *testing.T) {
	w := newWorld(t, nil)
	p := w.package2(10_000)
	d := w.add("dev", func(d *thing) { d.cutAt = 5000 })
	id := w.begin(Options{Package: p.ID, Endpoints: []string{"dev"}, Method: Push}).ID
	w.until(id, "cut", func(Update) bool { w.mu.Lock(); defer w.mu.Unlock(); return d.away })
	w.heard("dev", func(d *thing) { d.away, d.got, d.state = false, nil, idle })
	if u := w.until(id, "finished", ended); u.Devices[0].State != Done {
		t.Errorf("%+v", u.Devices[0])
	}
}

// The answer to Update gets lost, and the server is restarted: the device is looked at before it is told again.
func TestNoDeviceIsUpdatedTwice(t *testing.T) {
	for _, restart := range []bool{false, true} {
		w := newWorld(t, nil)
		p := w.package2(3000)
		d := w.add("dev", nil)
		id := w.begin(Options{Package: p.ID, Endpoints: []string{"dev"}, Method: Push}).ID
		w.until(id, "told", func(Update) bool { w.mu.Lock(); defer w.mu.Unlock(); return d.executed == 1 })
		if restart {
			w.restart()
		}
		u := w.until(id, "finished", ended)
		if x := u.Devices[0]; x.State != Done || d.executed != 1 {
			t.Errorf("restart %v: %+v, executed %d times", restart, x, d.executed)
		}
		w.restart()
		time.Sleep(30 * time.Millisecond)
		if d.executed != 1 {
			t.Errorf("after another restart it was executed %d times", d.executed)
		}
	}
}

// A device that never comes back is reported.
func TestDeviceThatDoesNotComeBack(t *testing.T) {
	w := newWorld(t, hasty)
	p := w.package2(3000)
	w.add("dev", func(d *thing) { d.stuck = true })
	u := w.until(w.begin(Options{Package: p.ID, Endpoints: []string{"dev"}, Method: Push}).ID, "finished", ended)
	if x := u.Devices[0]; x.State != Failed || !strings.Contains(x.Detail, "did not come back") {
		t.Errorf("%+v", x)
	}
}

func TestStopAfterFailures(t *testing.T) {
	w := newWorld(t, nil)
	p := w.package2(3000)
	var endpoints []string
	for i := range 20 {
		e := fmt.Sprintf("dev-%02d", i)
		w.add(e, func(d *thing) { d.fail = 2 })
		endpoints = append(endpoints, e)
	}
	u := w.until(w.begin(Options{Package: p.ID, Endpoints: endpoints, Method: Pull, Concurrency: 2, StopAfter: 3}).ID, "ended", ended)
	if u.State != Stopped || u.Counts[Failed] < 3 || u.Counts[Failed] > 5 || u.Counts[Cancelled]+u.Counts[Failed] != 20 {
		t.Errorf("%s %v", u.State, u.Counts)
	}
}

func TestCancelAndRetry(t *testing.T) {
	w := newWorld(t, nil)
	p := w.package2(3000)
	d := w.add("dev", func(d *thing) { d.forgets = true })
	w.add("away", func(d *thing) { d.away = true })
	id := w.begin(Options{Package: p.ID, Endpoints: []string{"dev", "away"}, Method: Pull}).ID
	w.until(id, "downloading", func(u Update) bool { return u.Counts[Downloading] == 1 })
	if _, err := w.m.Begin(Options{Package: p.ID, Endpoints: []string{"dev"}}); !errors.Is(err, ErrInUse) {
		t.Errorf("a device is in two updates: %v", err)
	}
	if err := w.m.Remove(p.ID); !errors.Is(err, ErrInUse) {
		t.Errorf("a package in use was removed: %v", err)
	}
	if _, err := w.m.Cancel(id); err != nil {
		t.Fatal(err)
	}
	u := w.until(id, "cancelled", func(u Update) bool { return u.State == Cancelled && u.Counts[Cancelled] == 2 })
	// The device was told to forget the package.
	w.until(id, "clean", func(Update) bool { w.mu.Lock(); defer w.mu.Unlock(); return d.state == idle && d.uri == "" })
	w.mu.Lock()
	d.forgets = false
	w.mu.Unlock()
	if _, err := w.m.Retry(id); err != nil {
		t.Fatal(err)
	}
	u = w.until(id, "done with one", func(u Update) bool { return u.Counts[Done] == 1 })
	if u.State != Running {
		t.Errorf("%+v", u)
	}
	w.heard("away", func(d *thing) { d.away = false })
	w.until(id, "finished", func(u Update) bool { return u.State == Finished && u.Counts[Done] == 2 })
	if _, err := w.m.Retry(id); !errors.Is(err, ErrInvalid) {
		t.Errorf("nothing to try again: %v", err)
	}
	// Cancel of one that has ended removes its record.
	if _, err := w.m.Cancel(id); err != nil {
		t.Fatal(err)
	}
	w.restart()
	if list := w.m.Updates(); len(list) != 0 {
		t.Errorf("%+v", list)
	}
}

func TestManyDevices(t *testing.T) {
	w := newWorld(t, nil)
	p := w.package2(2000)
	var endpoints []string
	for i := range 200 {
		e := fmt.Sprintf("dev-%03d", i)
		w.add(e, func(d *thing) { d.method = i % 3 })
		endpoints = append(endpoints, e)
	}
	id := w.begin(Options{Package: p.ID, Endpoints: endpoints, Concurrency: 20}).ID
	w.until(id, "under way", func(u Update) bool { return u.Counts[Done] > 20 })
	w.restart()
	u := w.until(id, "finished", ended)
	if u.Counts[Done] != 200 {
		t.Errorf("%v", u.Counts)
	}
	for e, d := range w.things {
		if d.executed != 1 {
			t.Errorf("%s was told to install the package %d times", e, d.executed)
		}
	}
	page, err := w.m.Update(id, "dev-099", 50)
	if err != nil || len(page.Devices) != 50 || page.Devices[0].Endpoint != "dev-100" || page.Next != "dev-149" {
		t.Errorf("%d devices, next %q, %v", len(page.Devices), page.Next, err)
	}
}

func TestWhoMayFetch(t *testing.T) {
	w := newWorld(t, nil)
	p := w.package2(3000)
	w.add("dev", func(d *thing) { d.forgets = true })
	w.add("other", nil)
	id := w.begin(Options{Package: p.ID, Endpoints: []string{"dev"}, Method: Pull}).ID
	w.until(id, "downloading", func(u Update) bool { return u.Counts[Downloading] == 1 })
	uri := ""
	w.until(id, "told", func(Update) bool { w.mu.Lock(); defer w.mu.Unlock(); uri = w.things["dev"].uri; return uri != "" })
	name := strings.TrimPrefix(uri, "coap://192.0.2.1/fw/")
	ask := func(name, identity string) coap.Code {
		r := &server.FileRequest{Name: name, Block: coap.Block{SZX: 6}}
		if identity != "" {
			r.Path.Security = &machine.Identity{Name: identity}
		}
		answer := make(chan server.FilePart, 1)
		w.m.TakeFile(r, func(p server.FilePart) { answer <- p })
		return (<-answer).Code
	}
	for _, c := range []struct {
		name, identity string
		want           coap.Code
	}{
		{name, "", 0}, {name, "dev", 0}, {name, "other", coap.Forbidden}, {name, "stranger", coap.Forbidden},
		{p.ID, "other", 0}, {p.ID, "", coap.Forbidden}, {p.ID + "/0000", "", coap.NotFound}, {"nothing", "dev", coap.NotFound},
	} {
		if got := ask(c.name, c.identity); got != c.want {
			t.Errorf("%q for %q is answered %v, want %v", c.name, c.identity, got, c.want)
		}
	}
	w.m.c.Plain = false
	if got := ask(name, ""); got != coap.Forbidden {
		t.Errorf("over plain coap, which is not allowed: %v", got)
	}
	// Over http the address is the secret, and parts can be had.
	web := httptest.NewServer(w.m)
	defer web.Close()
	get := func(path, ranges string) (int, string) {
		r, _ := http.NewRequest("GET", web.URL+"/fw/"+path, nil)
		if ranges != "" {
			r.Header.Set("Range", ranges)
			r.Header.Set("If-Range", `"`+p.SHA256+`"`)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b)
	}
	whole := string(pack(t, "2.0", 3000))
	if code, b := get(name, ""); code != 200 || b != whole {
		t.Errorf("%d, %d bytes", code, len(b))
	}
	if code, b := get(name, "bytes=1000-"); code != 206 || b != whole[1000:] {
		t.Errorf("%d, %d bytes", code, len(b))
	}
	for _, path := range []string{"", "x", p.ID + "/0000", "../" + p.ID} {
		if code, _ := get(path, ""); code == 200 {
			t.Errorf("%q is served", path)
		}
	}
	u, _ := w.m.Update(id, "", 10)
	if u.Devices[0].Sent != p.Size || u.Devices[0].Percent != 100 {
		t.Errorf("%+v", u.Devices[0])
	}
}

func TestBeginErrors(t *testing.T) {
	w := newWorld(t, nil)
	p := w.package2(100)
	for name, o := range map[string]Options{
		"no package": {Package: "x", Endpoints: []string{"a"}},
		"no device":  {Package: p.ID},
		"method":     {Package: p.ID, Endpoints: []string{"a"}, Method: "mail"},
		"too many":   {Package: p.ID, Endpoints: make([]string, 0)},
	} {
		if _, err := w.m.Begin(o); err == nil {
			t.Errorf("%s: it began", name)
		}
	}
	if _, err := w.m.Update("x", "", 1); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if _, err := w.m.Cancel("x"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}
