package server

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

func TestRegistrationRecord(t *testing.T) {
	links := []byte(`</>;rt="oma.lwm2m",</3/0>,</3303>;ver=1.1,</3303/0>`)
	for name, reg := range map[string]*Registration{
		"plain": {ID: RegistrationID{1, 1 << 63}, Endpoint: "a", Version: lwm2m.V1_0, Binding: lwm2m.BindingUDP, Lifetime: time.Minute,
			Path: machine.Path{Local: netip.MustParseAddrPort("127.0.0.1:5683"), Remote: netip.MustParseAddrPort("127.0.0.1:9")}},
		"secure": {ID: RegistrationID{0, 7}, Endpoint: "b", Version: lwm2m.V1_1, Binding: lwm2m.BindingUDP, Queue: true, SMS: "+1", Params: "x=y",
			RegisteredAt: 5, UpdatedAt: 9,
			Path: machine.Path{Local: netip.MustParseAddrPort("[::1]:5684"), Remote: netip.MustParseAddrPort("[fe80::1%eth0]:9"), Link: 3,
				Security: &machine.Identity{Session: 1 << 60, Name: "id", Kind: machine.PSK, CID: true, Resumed: true}}},
	} {
		reg.Objects = &Objects{text: string(links)}
		rec := registrationRecord(new(machine.Nest), reg)
		got, objects, err := readRegistration(rec.Key, rec.Value)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if string(objects) != string(links) {
			t.Errorf("%s: links %q", name, objects)
		}
		got.Objects = reg.Objects
		if !reflect.DeepEqual(got, reg) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, reg)
		}
		for i := range rec.Value {
			if _, _, err := readRegistration(rec.Key, rec.Value[:i]); err == nil {
				t.Errorf("%s: a record cut at %d of %d bytes is accepted", name, i, len(rec.Value))
			}
		}
	}
}

func TestObservationRecord(t *testing.T) {
	o := &observation{endpoint: "a/b c", token: coap.NewToken([]byte{1, 2, 3, 4, 5}), stored: true, hasFormat: true, format: coap.TLV}
	o.Observation = Observation{ID: 77, Path: lwm2m.MustPath("/3303/0/5700"), State: Waiting, Since: 1, LastAt: 2, Sequence: 1<<24 - 1, Count: 9}
	rec := observationRecord(o)
	got, err := readObservation(rec.Key, rec.Value)
	if err != nil || !reflect.DeepEqual(got, o) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, o)
	}
	for i := range rec.Value {
		if _, err := readObservation(rec.Key, rec.Value[:i]); err == nil {
			t.Errorf("a record cut at %d of %d bytes is accepted", i, len(rec.Value))
		}
	}
	o.Path, o.Paths = lwm2m.Root, []lwm2m.Path{lwm2m.Root, lwm2m.MustPath("/3/0/9"), lwm2m.MustPath("/3303/0/5700")}
	rec = observationRecord(o)
	if got, err := readObservation(rec.Key, rec.Value); err != nil || !reflect.DeepEqual(got, o) {
		t.Errorf("a composite: got %+v, %v\nwant %+v", got, err, o)
	}
	for _, key := range []string{"a\x00", "a\x00 ", "a\x00 /3/0/9 ", "a\x00 /3/0/9  /1", "a\x00/3/0/9 /1"} {
		if got, err := readObservation([]byte(key), rec.Value); err == nil {
			t.Errorf("the key %q is accepted: %+v", key, got)
		}
	}
	if _, err := readObservation([]byte("no path"), rec.Value); err == nil {
		t.Error("a key without a path is accepted")
	}
}

// Records come from a disk: whatever is there, reading it does not panic.
func FuzzRecords(f *testing.F) {
	reg := &Registration{Endpoint: "a", Objects: &Objects{text: "</3/0>"}}
	rec := registrationRecord(new(machine.Nest), reg)
	f.Add(rec.Key, rec.Value)
	rec = observationRecord(&observation{endpoint: "a"})
	f.Add(rec.Key, rec.Value)
	f.Fuzz(func(t *testing.T, key, value []byte) {
		readRegistration(key, value)
		readObservation(key, value)
	})
}
