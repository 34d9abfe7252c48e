package bootstrap

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"heddle.example/internal/credentials"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/bootstrap"
	"heddle.example/lwm2m/registry"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
	"heddle.example/store"
)

// local is this program's LwM2M server: it is at lwm2m.example.
type local struct{ *credentials.Credentials }

func (local) IsLocal(uri string) bool { return strings.Contains(uri, "//lwm2m.example") }

type rig struct {
	t     *testing.T
	disk  *disk
	creds *credentials.Credentials
	table *Configurations
	told  []string
}

// disk is a store that can fail.
type disk struct {
	store.Store
	err error
}

func (d *disk) Append(records []machine.Record, done func(error)) {
	if d.err != nil {
		done(d.err)
		return
	}
	d.Store.Append(records, done)
}

func now() time.Time { return time.Unix(1_790_000_000, 0) }

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, disk: &disk{Store: store.Memory()}}
	t.Cleanup(func() { r.disk.Close() })
	r.open()
	return r
}

// open starts over on the same disk.
func (r *rig) open() {
	r.t.Helper()
	var err error
	if r.creds, err = credentials.Open(r.disk, now); err != nil {
		r.t.Fatal(err)
	}
	if r.table, err = Open(Options{Store: r.disk, Registry: registry.Builtin, Local: local{r.creds}, Now: now}); err != nil {
		r.t.Fatal(err)
	}
	r.table.OnChange(func(ids []string) { r.told = append(r.told, ids...) })
}

var key16 = []byte("0123456789abcdef")

// demo is a good configuration.
func demo(endpoint string) *Configuration {
	return &Configuration{Endpoint: endpoint, Reach: Reach{Mode: machine.PSK, Identity: "BS-" + endpoint, Key: key16},
		Servers: []Server{{ShortID: 123, URI: "coaps://lwm2m.example", Mode: machine.PSK, Identity: endpoint, Key: []byte("fedcba9876543210"), Lifetime: 300, Binding: "U",
			SecurityInstance: lwm2m.NoID, ServerInstance: lwm2m.NoID}},
		Delete: []lwm2m.Path{lwm2m.NewPath(0), lwm2m.NewPath(1)}}
}

func (r *rig) put(c *Configuration) *Configuration {
	r.t.Helper()
	c, _, err := r.table.Put(c, false)
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// Each mistake is found, and found where it is.
func TestCheck(t *testing.T) {
	entry := func(p string, v lwm2m.Value) lwm2m.Entry { return lwm2m.Entry{Path: lwm2m.MustPath(p), Value: v} }
	write := func(p string, e ...lwm2m.Entry) bootstrap.Write {
		return bootstrap.Write{Path: lwm2m.MustPath(p), Entries: e}
	}
	big := uint32(1 << 31)
	for _, c := range []struct {
		where  string
		change func(c *Configuration)
	}{
		{"", func(c *Configuration) {}},
		{"endpoint", func(c *Configuration) { c.Endpoint = "a*b" }},
		{"endpoint", func(c *Configuration) { c.Endpoint = "a\n" }},
		{"endpoint", func(c *Configuration) { c.Endpoint = strings.Repeat("x", 193) }},
		{"endpoint", func(c *Configuration) { c.Endpoint = "x{endpoint}" }},
		{"account.identity", func(c *Configuration) { c.Reach.Identity = "" }},
		{"account.identity", func(c *Configuration) { c.Reach.Identity = strings.Repeat("x", 129) }},
		{"account.identity", func(c *Configuration) { c.Reach.Identity = "{endpoint}" }},
		{"account.key", func(c *Configuration) { c.Reach.Key = nil }},
		{"account.key", func(c *Configuration) { c.Reach.Key = []byte("short") }},
		{"account.mode", func(c *Configuration) { c.Reach.Mode = machine.NoSecurity }},
		{"account.mode", func(c *Configuration) { c.Reach.Mode = machine.RPK }},
		{"account.uri", func(c *Configuration) { c.Reach.URI = "coap://h" }},
		{"account.holdOff", func(c *Configuration) { c.Reach.HoldOff = &big }},
		{"servers", func(c *Configuration) { c.Servers, c.Delete = nil, nil }},
		{"servers", func(c *Configuration) { c.Servers = make([]Server, 17) }},
		{"servers[0].uri", func(c *Configuration) { c.Servers[0].URI = "" }},
		{"servers[0].uri", func(c *Configuration) { c.Servers[0].URI = "coap://h" }},
		{"servers[0].uri", func(c *Configuration) { c.Servers[0].URI = "coaps://" }},
		{"servers[0].uri", func(c *Configuration) { c.Servers[0].URI = "coaps://h:0" }},
		{"servers[0].uri", func(c *Configuration) { c.Servers[0].URI = "coaps://h:" }},
		{"servers[0].uri", func(c *Configuration) { c.Servers[0].URI = "coaps://h:65536" }},
		{"servers[0].uri", func(c *Configuration) { c.Servers[0].URI = "coaps://h/x" }},
		{"servers[0].uri", func(c *Configuration) { c.Servers[0].URI = "coaps://u@h" }},
		{"servers[0].uri", func(c *Configuration) { c.Servers[0].URI = "coaps://h?x" }},
		{"servers[0].uri", func(c *Configuration) { c.Servers[0].URI = "coaps://[::1" }},
		{"servers[0].uri", func(c *Configuration) { c.Servers[0].URI = "coaps://[h]" }},
		{"servers[0].uri", func(c *Configuration) { c.Servers[0].URI = "coaps://-h" }},
		{"servers[0].uri", func(c *Configuration) { c.Servers[0].URI = "http://h" }},
		{"servers[0].uri", func(c *Configuration) { c.Servers[0].URI = "h:5684" }},
		{"servers[0].uri", func(c *Configuration) { c.Servers[0].URI = "coaps://" + strings.Repeat("a.", 130) }},
		{"", func(c *Configuration) { c.Servers[0].URI = "coaps://[2001:db8::1]:5684/" }},
		{"servers[0].identity", func(c *Configuration) { c.Servers[0].Identity = "" }},
		{"servers[0].identity", func(c *Configuration) {
			c.Servers[0].Identity = strings.Repeat("{endpoint}", 12)
			c.Endpoint = strings.Repeat("x", 20)
		}},
		{"servers[0].key", func(c *Configuration) { c.Servers[0].Key = nil }},
		{"servers[0].mode", func(c *Configuration) { c.Servers[0].Mode, c.Servers[0].URI = machine.NoSecurity, "coap://h" }},
		{"servers[0].mode", func(c *Configuration) { c.Servers[0].Mode = 9 }},
		{"servers[0].identity", func(c *Configuration) { c.Servers[0].Mode = machine.X509 }},
		{"servers[0].publicKey", func(c *Configuration) { c.Servers[0].Public = []byte{1} }},
		{"servers[0].shortServerId", func(c *Configuration) { c.Servers[0].ShortID = 0 }},
		{"servers[0].shortServerId", func(c *Configuration) { c.Servers[0].ShortID = 65535 }},
		{"servers[0].lifetime", func(c *Configuration) { c.Servers[0].Lifetime = big }},
		{"servers[0].binding", func(c *Configuration) { c.Servers[0].Binding = "X" }},
		{"servers[0].resources.0", func(c *Configuration) { c.Servers[0].Server = []bootstrap.Resource{{ID: 0, Value: lwm2m.Int(1)}} }},
		{"servers[0].resources.4", func(c *Configuration) { c.Servers[0].Server = []bootstrap.Resource{{ID: 4, Value: lwm2m.Int(1)}} }},
		{"servers[0].resources.17", func(c *Configuration) { c.Servers[0].Server = []bootstrap.Resource{{ID: 17, Value: lwm2m.Str("x")}} }},
		{"servers[0].resources.999", func(c *Configuration) { c.Servers[0].Server = []bootstrap.Resource{{ID: 999, Value: lwm2m.Int(1)}} }},
		{"servers[0].securityResources.13", func(c *Configuration) { c.Servers[0].Security = []bootstrap.Resource{{ID: 13, Value: lwm2m.Int(4)}} }},
		{"servers[0].securityResources.16", func(c *Configuration) { c.Servers[0].Security = []bootstrap.Resource{{ID: 16, Value: lwm2m.Int(4)}} }},
		{"servers[1].shortServerId", func(c *Configuration) { c.Servers = append(c.Servers, c.Servers[0]); c.Servers[1].Local = false }},
		{"servers[1].securityInstance", func(c *Configuration) {
			c.Servers[0].SecurityInstance = 1
			c.Servers = append(c.Servers, c.Servers[0])
			c.Servers[1].ShortID = 5
		}},
		{"delete[0]", func(c *Configuration) { c.Delete[0] = lwm2m.MustPath("/3/0/1") }},
		{"read[0]", func(c *Configuration) { c.Read = []lwm2m.Path{lwm2m.MustPath("/0")} }},
		{"read[0]", func(c *Configuration) { c.Read = []lwm2m.Path{lwm2m.MustPath("/1/0/1")} }},
		{"objects./0/1", func(c *Configuration) { c.Objects = []bootstrap.Write{write("/0/1", entry("/0/1/0", lwm2m.Str("x")))} }},
		{"objects./", func(c *Configuration) { c.Objects = []bootstrap.Write{write("/", entry("/3/0/1", lwm2m.Str("x")))} }},
		{"objects./3/0", func(c *Configuration) { c.Objects = []bootstrap.Write{write("/3/0")} }},
		{"objects./65000/0", func(c *Configuration) {
			c.Objects = []bootstrap.Write{write("/65000/0", entry("/65000/0/1", lwm2m.Str("x")))}
		}},
		{"objects./3/0/4", func(c *Configuration) { c.Objects = []bootstrap.Write{write("/3/0/4", entry("/3/0/4", lwm2m.Int(1)))} }},
		{"objects./3/1/15", func(c *Configuration) {
			c.Objects = []bootstrap.Write{write("/3/1", entry("/3/1/15", lwm2m.Str("UTC")))}
		}},
		{"objects./3/0/15", func(c *Configuration) {
			c.Objects = []bootstrap.Write{write("/3/0/15", entry("/3/0/15", lwm2m.Int(1)))}
		}},
		{"objects./3/0/15", func(c *Configuration) {
			c.Objects = []bootstrap.Write{write("/3/0", entry("/3/0/14", lwm2m.Str("x"))), write("/3/0/15", entry("/3/0/15", lwm2m.Str("x")))}
		}},
		{"objects./31024/1/1", func(c *Configuration) {
			c.Objects = []bootstrap.Write{write("/31024/1", entry("/31024/1/1", lwm2m.Int(256)))}
		}},
		{"objects./21/0", func(c *Configuration) {
			c.Objects = []bootstrap.Write{write("/21/0", entry("/21/0/1", lwm2m.Bytes([]byte("x"))))}
		}},
		{"objects./2/0/3", func(c *Configuration) {
			c.Objects = []bootstrap.Write{write("/2/0", entry("/2/0/0", lwm2m.Int(3)), entry("/2/0/1", lwm2m.Int(0)), entry("/2/0/3", lwm2m.Int(7)))}
		}},
		{"objects./2/0/2/9", func(c *Configuration) {
			c.Objects = []bootstrap.Write{write("/2/0", entry("/2/0/0", lwm2m.Int(3)), entry("/2/0/1", lwm2m.Int(0)), entry("/2/0/2/9", lwm2m.Int(1)), entry("/2/0/3", lwm2m.Int(123)))}
		}},
		{"", func(c *Configuration) {
			c.Objects = []bootstrap.Write{write("/2/0", entry("/2/0/0", lwm2m.Int(3)), entry("/2/0/1", lwm2m.Int(0)), entry("/2/0/2/0", lwm2m.Int(1)), entry("/2/0/3", lwm2m.Int(65535)))}
		}},
		{"format", func(c *Configuration) { c.Format, c.HasFormat = 0, true }},
	} {
		conf := demo("demo")
		c.change(conf)
		err := Check(conf, registry.Builtin())
		var invalid *Invalid
		got := ""
		if errors.As(err, &invalid) {
			got = invalid.Items[0].Where
		}
		if got != c.where || c.where != "" && invalid.Items[0].What == "" {
			t.Errorf("want %q, got %v", c.where, err)
		}
	}
}

// What is stored comes back, whatever it holds.
func TestStored(t *testing.T) {
	r := newRig(t)
	c := demo("demo")
	n := uint32(7)
	c.Reach.URI, c.Reach.HoldOff, c.Reach.Timeout, c.Reach.Update, c.GoOn, c.Disabled = "coaps://bs.example", &n, &n, true, true, true
	c.Read = []lwm2m.Path{lwm2m.NewPath(1)}
	c.Format, c.HasFormat = 112, true
	c.Servers[0].Server = []bootstrap.Resource{{ID: 16, Value: lwm2m.Bool(true)}, {ID: 22, Value: lwm2m.Str("U{endpoint}")}, {ID: 10, Value: lwm2m.ObjectLink(11, 0)}}
	c.Servers[0].Security = []bootstrap.Resource{{ID: 16, Multiple: true, Instance: 3, Value: lwm2m.Uint(49320)}, {ID: 11, Value: lwm2m.Int(1)}}
	c.Objects = []bootstrap.Write{{Path: lwm2m.MustPath("/3/0"), Entries: []lwm2m.Entry{{Path: lwm2m.MustPath("/3/0/13"), Value: lwm2m.TimeValue(5)}, {Path: lwm2m.MustPath("/3/0/15"), Value: lwm2m.Str("ü")}}},
		{Path: lwm2m.MustPath("/31024/10"), Entries: []lwm2m.Entry{{Path: lwm2m.MustPath("/31024/10/3"), Value: lwm2m.Num(-30)}, {Path: lwm2m.MustPath("/31024/10/5"), Value: lwm2m.Bytes([]byte{0, 255})}}}}
	stored := r.put(c)
	r.put(demo("other"))
	r.open()
	again, ok := r.table.Get("demo")
	if !ok || !reflect.DeepEqual(stored, again) {
		t.Fatalf("\n%+v\n%+v", stored, again)
	}
	if _, ok := r.table.Key([]byte("BS-demo")); ok {
		t.Error("a configuration that is off lets a device in")
	}
	if k, ok := r.table.Key([]byte("BS-other")); !ok || string(k) != string(key16) {
		t.Error("the key is lost")
	}
	if r.table.Len() != 2 {
		t.Error(r.table.Len())
	}
}

// Who asks, and what for.
func TestResolve(t *testing.T) {
	r := newRig(t)
	r.put(demo("demo"))
	plainly := demo("plain")
	plainly.Reach = Reach{}
	r.put(plainly)
	group := demo("light-*")
	r.put(group)
	longer := demo("light-hall-*")
	longer.Reach = Reach{}
	r.put(longer)
	off := demo("light-off")
	off.Disabled = true
	r.put(off)
	who := func(name string) *machine.Identity { return &machine.Identity{Name: name, Kind: machine.PSK} }
	for _, c := range []struct {
		ep     string
		who    *machine.Identity
		name   string
		by     string
		secret string
	}{
		{"demo", who("BS-demo"), "demo", "demo", ""},
		{"", who("BS-demo"), "demo", "demo", ""},
		{"demo", nil, "", "", "must use its identity"},
		{"other", who("BS-demo"), "", "", "not to this endpoint"},
		{"plain", nil, "plain", "plain", ""},
		{"plain", who("BS-demo"), "", "", "not to this endpoint"},
		{"light-7", who("BS-light-*"), "light-7", "light-*", ""},
		{"light-off", who("BS-light-*"), "light-off", "light-*", ""},
		{"light-hall-1", nil, "light-hall-1", "light-hall-*", ""},
		{"light-hall-1", who("BS-light-*"), "", "", "not to this endpoint"},
		{"light-*", who("BS-light-*"), "", "", "not to this endpoint"},
		{"light-hall-*", nil, "", "", "ends in *"},
		{"", who("BS-light-*"), "", "", ""},
		{"nobody", nil, "", "", "no configuration"},
		{"demo", who("BS-nobody"), "", "", "belongs to no configuration"},
		{"demo", &machine.Identity{Name: "BS-demo", Kind: machine.RPK}, "", "", "belongs to no configuration"},
	} {
		name, conf, no := r.table.Resolve(c.ep, c.who)
		switch {
		case c.by == "":
			if no == nil || !strings.Contains(no.Secret, c.secret) || strings.Contains(no.Why, "identity") {
				t.Errorf("%q %v: %q, %+v", c.ep, c.who, name, no)
			}
		case no != nil || name != c.name || conf.Endpoint != c.by:
			t.Errorf("%q %v: %q %v %+v", c.ep, c.who, name, conf, no)
		}
	}
	def := demo(Default)
	def.Reach = Reach{}
	r.put(def)
	if name, conf, no := r.table.Resolve("nobody", nil); no != nil || name != "nobody" || conf.Endpoint != Default {
		t.Error(name, conf, no)
	}
}

// The device's credentials on this program's own server come with its configuration.
func TestLocalCredentials(t *testing.T) {
	r := newRig(t)
	r.put(demo("demo"))
	if c, ok := r.creds.Get("demo"); !ok || c.Identity != "demo" || string(c.Key) != "fedcba9876543210" {
		t.Fatalf("%+v %v", c, ok)
	}
	// A key that is changed there is what the device gets.
	r.creds.Put(server.Credential{Endpoint: "demo", Identity: "demo", Key: key16, Mode: machine.PSK}, false)
	conf, _ := r.table.Get("demo")
	p, err := r.table.Give("demo", conf)
	if err != nil || p.Accounts[0].Security[5].Value.Raw() != string(key16) {
		t.Fatalf("%+v, %v", p, err)
	}
	// Removed credentials come back when the device asks.
	r.creds.Delete("demo")
	if r.table.Ready("demo", conf) {
		t.Error("nothing to store")
	}
	if p, err = r.table.Give("demo", conf); err != nil || p.Accounts[0].Security[5].Value.Raw() != "fedcba9876543210" {
		t.Fatalf("%+v, %v", p, err)
	}
	if c, ok := r.creds.Get("demo"); !ok || string(c.Key) != "fedcba9876543210" {
		t.Fatalf("%+v %v", c, ok)
	}
	// An identity that somebody else has.
	thief := demo("thief")
	thief.Servers[0].Identity = "demo"
	if _, _, err := r.table.Put(thief, false); !errors.Is(err, ErrConflict) {
		t.Errorf("%v", err)
	}
	if _, ok := r.table.Get("thief"); ok {
		t.Error("it is stored all the same")
	}
}

// Each device of a group has a key of its own, the same each time, also after a restart.
func TestGroupKeys(t *testing.T) {
	r := newRig(t)
	group := demo("light-*")
	group.Servers[0].Identity, group.Servers[0].Key = "", nil
	r.put(group)
	give := func(ep string) string {
		t.Helper()
		conf, _ := r.table.Get("light-*")
		p, err := r.table.Give(ep, conf)
		if err != nil {
			t.Fatal(err)
		}
		sec := p.Accounts[0].Security
		if sec[3].Value.Raw() != ep {
			t.Errorf("identity %q", sec[3].Value.Raw())
		}
		return sec[5].Value.Raw()
	}
	a, b := give("light-a"), give("light-b")
	if len(a) != 16 || a == b {
		t.Fatalf("%x %x", a, b)
	}
	r.creds.Delete("light-a")
	r.open()
	r.put(group) // stored anew: the secret stays
	if again := give("light-a"); again != a {
		t.Errorf("%x, then %x", a, again)
	}
	if c, ok := r.creds.Get("light-a"); !ok || string(c.Key) != a {
		t.Error("its credentials are not stored")
	}
	// Credentials that came from elsewhere are not the group's to give, though their name and identity would do.
	r.creds.Put(server.Credential{Endpoint: "light-x", Identity: "light-x", Key: key16, Mode: machine.PSK}, false)
	if conf, _ := r.table.Get("light-*"); !r.table.Ready("light-x", conf) {
		t.Error("nothing is to be stored for a device that gets nothing")
	} else if _, err := r.table.Give("light-x", conf); !errors.Is(err, ErrConflict) {
		t.Errorf("a key of somebody else's is given away: %v", err)
	}
	// A name of the group whose identity somebody else has.
	r.creds.Put(server.Credential{Endpoint: "thief", Identity: "light-c", Key: key16, Mode: machine.PSK}, false)
	conf, _ := r.table.Get("light-*")
	if _, err := r.table.Give("light-c", conf); !errors.Is(err, ErrConflict) {
		t.Errorf("%v", err)
	}
}

// Strangers choose their names: a group has room for so many. Devices that are gone make room.
func TestGroupIsBounded(t *testing.T) {
	r := newRig(t)
	group := demo("light-*")
	group.MaxDevices = 2
	conf := r.put(group)
	for ep, want := range map[string]error{"light-a": nil, "light-b": nil} {
		if _, err := r.table.Give(ep, conf); !errors.Is(err, want) {
			t.Fatal(err)
		}
	}
	if _, err := r.table.Give("light-c", conf); !errors.Is(err, ErrTooMany) {
		t.Fatal(err)
	}
	if _, err := r.table.Give("light-a", conf); err != nil {
		t.Fatal(err)
	}
	r.creds.Delete("light-b")
	if _, err := r.table.Give("light-c", conf); err != nil {
		t.Fatal(err)
	}
	// All of it after a restart, and when the group is stored anew.
	r.table.Delete("light-*")
	r.open()
	conf = r.put(group)
	if _, err := r.table.Give("light-c", conf); err != nil {
		t.Fatal(err)
	}
	if _, err := r.table.Give("light-d", conf); !errors.Is(err, ErrTooMany) {
		t.Fatal(err)
	}
	// A device whose note is not on disk is given nothing.
	r.creds.Delete("light-a")
	r.disk.err = store.ErrFull
	if _, err := r.table.Give("light-e", conf); !errors.Is(err, store.ErrFull) {
		t.Fatal(err)
	}
	if _, ok := r.creds.Get("light-e"); ok || r.table.counts["light-*"] != 1 {
		t.Fatalf("%v", r.table.counts)
	}
}

// A key that is changed or removed ends sessions; one that stays does not. A left-out key stays.
func TestChange(t *testing.T) {
	r := newRig(t)
	r.put(demo("demo"))
	same := demo("demo")
	same.Reach.Key, same.Servers[0].Key = nil, nil
	if c := r.put(same); string(c.Reach.Key) != string(key16) || string(c.Servers[0].Key) != "fedcba9876543210" || len(r.told) != 0 {
		t.Fatalf("%+v %v", c, r.told)
	}
	other := demo("demo")
	other.Reach.Key = []byte("another-key-1234")
	r.put(other)
	if err := r.table.Delete("demo"); err != nil || strings.Join(r.told, " ") != "BS-demo BS-demo" {
		t.Fatal(err, r.told)
	}
	if err := r.table.Delete("demo"); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
}

// What is not on disk does not hold.
func TestDiskFull(t *testing.T) {
	r := newRig(t)
	far := demo("demo")
	far.Servers[0].URI = "coaps://far.example"
	r.disk.err = store.ErrFull
	if _, _, err := r.table.Put(far, false); !errors.Is(err, store.ErrFull) {
		t.Fatal(err)
	}
	if _, err := r.table.PutAll([]*Configuration{far}, credentials.Fail); !errors.Is(err, store.ErrFull) {
		t.Fatal(err)
	}
	if _, ok := r.table.Get("demo"); ok || r.table.Match("demo") != nil {
		t.Fatal("it holds all the same")
	}
	r.disk.err = nil
	r.put(far)
	r.open()
	if r.table.Len() != 1 {
		t.Fatal("it is not stored")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(encode(demo("demo")))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := decode(b)
		if err != nil {
			return
		}
		Check(c, registry.Builtin())
		again, err := decode(encode(c))
		if err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		if string(encode(again)) != string(encode(c)) {
			t.Fatalf("%s\n%s", encode(c), encode(again))
		}
	})
}
