package server

import (
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// Composites wait for a sleeping device like anything else, over a restart too, and a Send wakes it.
func TestQueueKeepsComposites(t *testing.T) {
	r := newRig(t, open)
	r.register(device, "dev", "&lwm2m=1.1&Q", jsonLinks)
	r.wait(94 * time.Second)
	r.do("dev", &Operation{Kind: WriteComposite, Entries: append(entry1("/3/0/14", lwm2m.Str("+02:00")), entry1("/1/0/1", lwm2m.Int(60))...)})
	r.do("dev", &Operation{Kind: ReadComposite, Paths: paths("/3/0/14", "/1/0/1")})
	r.do("dev", &Operation{Kind: ObserveComposite, Paths: paths("/3/0/9")})
	r.restart(open)
	r.result = map[machine.OpID]*Outcome{}
	r.forget()
	if l := r.s.Queue("dev"); len(l) != 3 || l[0].Op != WriteComposite || l[1].Op != ReadComposite || l[2].Op != ObserveComposite {
		t.Fatalf("the queue has %+v", l)
	}
	r.sendValues(device, coap.SenMLJSON, `[{"n":"/3/0/9","v":1}]`)
	r.answer(coap.Changed, nil, nil)
	r.answer(coap.Content, in(coap.SenMLJSON), []byte(`[{"n":"/1/0/1","v":60},{"n":"/3/0/14","vs":"+02:00"}]`))
	r.answer(coap.Content, observing(1, coap.SenMLJSON), []byte(`[{"n":"/3/0/9","v":2}]`))
	r.expect(`
		> CON POST /dp ct=110 "[{\"n\":\"/3/0/9\",\"v\":1}]"
		* sent dev {/3/0/9=1}
		* awake dev for 1m33s
		< ACK 2.04
		< CON iPATCH / ct=110 "[{\"n\":\"/1/0/1\",\"v\":60},{\"n\":\"/3/0/14\",\"vs\":\"+02:00\"}]"
		> ACK 2.04
		= lwm2m.result 1
		= lwm2m.queue "dev" 1 removed
		< CON FETCH / accept=110 ct=110 "[{\"n\":\"/1/0/1\"},{\"n\":\"/3/0/14\"}]"
		# 1 dev write-composite / 2.04
		> ACK 2.05 ct=110 "[{\"n\":\"/1/0/1\",\"v\":60},{\"n\":\"/3/0/14\",\"vs\":\"+02:00\"}]"
		= lwm2m.result 2
		= lwm2m.queue "dev" 2 removed
		< CON FETCH / observe=0 accept=110 ct=110 "[{\"n\":\"/3/0/9\"}]"
		# 2 dev read-composite / 2.05 {/1/0/1=60 /3/0/14=+02:00}
		> ACK 2.05 observe=1 ct=110 "[{\"n\":\"/3/0/9\",\"v\":2}]"
		= lwm2m.observation "dev\x00 /3/0/9"
		* observation dev / active err=<nil>
		= lwm2m.result 3
		= lwm2m.queue "dev" 3 removed
		# 3 dev observe-composite / 2.05 {/3/0/9=2}`)
	if l := r.s.Observations("dev"); len(l) != 1 || len(l[0].Paths) != 1 {
		t.Errorf("%+v", l)
	}
}
