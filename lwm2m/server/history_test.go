package server

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/history"
)

func keeping() Config {
	c := open
	c.History = true
	return c
}

// kept reads the newest record of an endpoint.
func (r *rig) kept(ep string) string {
	var list []string
	err := history.Split(r.disk[string(HistoryTable)+" "+ep], func(name, point []byte) {
		p, err := history.ReadPoint(point)
		path, ok := history.ParseName(name)
		if err != nil || !ok {
			r.t.Errorf("%x %x: %v", name, point, err)
		}
		list = append(list, fmt.Sprintf("%s=%s+%d", path, p.Value, p.At-int64(rigStart)/1e6))
	})
	if err != nil {
		r.t.Error(err)
	}
	return strings.Join(list, " ")
}

// The ACK of a confirmable notification says that its value is on disk; a non-confirmable one waits for nothing.
func TestHistoryBeforeTheAck(t *testing.T) {
	r := newRig(t, keeping())
	r.register(device, "dev", "", oldLinks)
	token := r.observe("dev", "/3/0/9")
	if got := r.kept("dev"); got != "/3/0/9=1+0" {
		t.Errorf("the first value: %s", got)
	}
	r.forget()
	r.auto = false
	r.notify(device, coap.CON, token, 2, "98")
	r.expect(`
		> CON 2.05 observe=2 ct=0 "98"
		= lwm2m.history "dev"
		* notified dev /3/0/9 2.05 {/3/0/9=98} err=<nil>`)
	r.commit()
	r.expect(`< ACK`)
	if got := r.kept("dev"); got != "/3/0/9=98+0" {
		t.Error(got)
	}
	r.notify(device, coap.NON, token, 3, "97")
	r.expect(`
		> NON 2.05 observe=3 ct=0 "97"
		= lwm2m.history "dev"
		* notified dev /3/0/9 2.05 {/3/0/9=97} err=<nil>`)
	// A repeated one is acknowledged again, and not kept again.
	r.auto = true
	r.commit()
	m := coap.Message{Type: coap.CON, Code: coap.Content, ID: 777, Token: token, Options: observing(4, coap.Text), Payload: []byte("96")}
	r.send(device, m)
	r.send(device, m)
	r.expect(`
		> CON 2.05 observe=4 ct=0 "96"
		= lwm2m.history "dev"
		* notified dev /3/0/9 2.05 {/3/0/9=96} err=<nil>
		< ACK
		> CON 2.05 observe=4 ct=0 "96"
		< ACK`)
	// What cannot be read has nothing to keep.
	r.notify(device, coap.CON, token, 5, "many")
	r.expect(`
		> CON 2.05 observe=5 ct=0 "many"
		* notified dev /3/0/9 2.05 {} err=lwm2m/format: value does not fit the resource's type: /3/0/9 is Integer: lwm2m: value is not of that type: "many" is no Integer
		< ACK`)
}

// Once the store has failed nothing is acknowledged any more: the device keeps the value. It is shown all the same.
func TestHistoryOnAFailedDisk(t *testing.T) {
	r := newRig(t, keeping())
	r.register(device, "dev", "", oldLinks)
	token := r.observe("dev", "/3/0/9")
	r.forget()
	r.auto = false
	r.notify(device, coap.CON, token, 2, "98")
	r.fail(errors.New("input/output error"))
	r.notify(device, coap.CON, token, 3, "97")
	r.notify(device, coap.NON, token, 4, "96")
	r.expect(`
		> CON 2.05 observe=2 ct=0 "98"
		= lwm2m.history "dev"
		* notified dev /3/0/9 2.05 {/3/0/9=98} err=<nil>
		= failed
		> CON 2.05 observe=3 ct=0 "97"
		* notified dev /3/0/9 2.05 {/3/0/9=97} err=<nil>
		> NON 2.05 observe=4 ct=0 "96"
		* notified dev /3/0/9 2.05 {/3/0/9=96} err=<nil>`)
}

// The time of a device holds, unless it cannot be; what is too long for a measurement, or a key, is left out.
func TestHistoryRecord(t *testing.T) {
	r := newRig(t, keeping())
	r.s.begin(rigStart, 0)
	second := int64(1e9)
	now := int64(rigStart)
	rec, ok := r.s.historyRecord("dev", []lwm2m.Entry{
		{Path: path("/3303/0/5700"), Value: lwm2m.Num(1), Time: now - 60*second},
		{Path: path("/3303/0/5700"), Value: lwm2m.Num(2)},
		{Path: path("/3303/0/5700"), Value: lwm2m.Num(3), Time: now + 3600*second},
		{Path: path("/3303/0/5700"), Value: lwm2m.Num(4), Time: now + 48*3600*second},
		{Path: path("/3303/0/5700"), Value: lwm2m.Num(5), Time: -7},
		{Path: path("/3303/0"), Value: lwm2m.Value{}},
		{Path: path("/3303/0/5750"), Value: lwm2m.Str(strings.Repeat("x", history.ValueMost+1))},
		{Path: path("/3/0/11/1"), Value: lwm2m.Int(0)},
		{Path: path("/0/0/5"), Value: lwm2m.Str("a key")},
	})
	r.disk[string(rec.Table)+" dev"] = rec.Value
	want := "/3303/0/5700=1.0+-60000 /3303/0/5700=2.0+0 /3303/0/5700=3.0+3600000 /3303/0/5700=4.0+0 /3303/0/5700=5.0+0 /3/0/11/1=0+0"
	if got := r.kept("dev"); !ok || string(rec.Key) != "dev" || got != want {
		t.Errorf("%q %s\nwant %s", rec.Key, got, want)
	}
	if n := r.s.Stats().NotKept; n != 1 {
		t.Errorf("%d values were not kept", n)
	}
	if _, ok := r.s.historyRecord("dev", nil); ok {
		t.Error("a record of nothing")
	}
}
