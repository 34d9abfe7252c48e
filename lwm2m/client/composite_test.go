package client_test

import (
	"testing"
	"time"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/objects"
)

// newPortfolio is an object with a multiple text, as object 16 has it.
func newPortfolio() *client.Simple {
	return client.NewObject(&client.Definition{ID: 16, Name: "Portfolio", Multiple: true, Resources: []client.Resource{
		{ID: 0, Name: "Identity", Kind: lwm2m.String, Operations: lwm2m.Read | lwm2m.Write, Multiple: true, Mandatory: true},
		{ID: 1, Name: "GetAuthData", Operations: lwm2m.Execute},
	}}).AllowCreate()
}

func TestETS_229_ReadComposite(t *testing.T) {
	newScript(t, nil).registered().run(`
		> FETCH / ct=110 accept=110 : /1 /3/0/9
		< ACK 2.05 ct=110 : /1/0/0=123 /1/0/1=300 /1/0/2=0 /1/0/3=0 /1/0/5=86400 /1/0/6=false /1/0/7=U /3/0/9=100
		> FETCH / ct=112 accept=112 : /1/0/1 /3/0/11/0
		< ACK 2.05 ct=112 : /1/0/1=300 /3/0/11/0=0
		# without Accept the answer is in the request's family
		> FETCH / ct=110 : /3/0/9
		< ACK 2.05 ct=110 : /3/0/9=100
		> FETCH / ct=320 : /3/0/9
		< ACK 2.05 ct=110 : /3/0/9=100
		> FETCH / ct=322 : /3/0/9
		< ACK 2.05 ct=112 : /3/0/9=100
		> FETCH / ct=112 accept=11544 : /3/0/9 /1/0/1
		< ACK 2.05 ct=11544 : /1/0/1=300 /3/0/9=100
		# what overlaps is told once
		> FETCH / ct=112 : /3/0/6 /3/0/6/1 /3/0/6
		< ACK 2.05 ct=112 : /3/0/6/0=1 /3/0/6/1=5
		# each of these is wrong
		> FETCH /3/0 ct=112 : /3/0/9
		< ACK 4.05 : a composite operation is for the root: its paths are in the payload
		> FETCH / : hex:80
		< ACK 4.15 : a list of paths is SenML JSON or SenML CBOR
		> FETCH / ct=11542 : hex:80
		< ACK 4.15 : this content format is not supported
		> FETCH / ct=112 : hex:80
		< ACK 4.00 : there is no path to read
		> FETCH / ct=110 : [{"n":"/3/0/9","v":1}]
		< ACK 4.00 : lwm2m/format: malformed payload: a value at /3/0/9 in a list of paths
		> FETCH / ct=112 accept=11542 : /3/0/9
		< ACK 4.06 : lwm2m/format: payload is about another path: TLV has no room for several objects
		> FETCH / ct=112 accept=0 : /3/0/9
		< ACK 4.06 : lwm2m/format: payload is about another path: text carries one value, / has 1
		> FETCH / ct=112 accept=50 : /3/0/9
		< ACK 4.06 : this content format is not supported
	`)
}

func TestETS_235_ReadCompositeOnTheRoot(t *testing.T) {
	newScript(t, nil, objects.NewTest()).registered().run(`
		> FETCH / ct=112 : /
		< ACK 2.05 ct=112 : /1/0/0=123 /1/0/1=300 /1/0/2=0 /1/0/3=0 /1/0/5=86400 /1/0/6=false /1/0/7=U /3/0/0=Heddle /3/0/1=test device /3/0/2=0001 /3/0/3=1.0 /3/0/6/0=1 /3/0/6/1=5 /3/0/7/0=4200 /3/0/7/1=5000 /3/0/8/0=41 /3/0/8/1=900 /3/0/9=100 /3/0/10=184 /3/0/11/0=0 /3/0/13=2026-01-01T00:00:00Z /3/0/14=+01:00 /3/0/15=Europe/Berlin /3/0/16=U /3/0/20=0 /3/0/21=256 /31024/10/1=20 /31024/10/3=-30.0 /31024/10/5= /31024/11/1=21 /31024/11/3=-28.99 /31024/11/5= /31024/12/1=22 /31024/12/3=-27.98 /31024/12/5=
	`)
}

func TestETS_236_ReadCompositePartialPresence(t *testing.T) {
	newScript(t, nil).registered().run(`
		> FETCH / ct=110 : /1/0/1 /3/0/11/0 /3339/0/5522 /3353/0/6030 /3/0/11/9 /3/7
		< ACK 2.05 ct=110 : /1/0/1=300 /3/0/11/0=0
		> FETCH / ct=110 : /3339/0/5522 /3353
		< ACK 4.04 : none of these paths can be read
		# the Security object is not there for anybody
		> FETCH / ct=110 : /0 /0/0/5
		< ACK 4.04 : none of these paths can be read
		> FETCH / ct=110 : /0/0/0 /1/0/1
		< ACK 2.05 ct=110 : /1/0/1=300
	`)
}

func TestETS_280_281_ReadComposite(t *testing.T) {
	newScript(t, nil).registered().run(`
		> FETCH / ct=112 : /3/0/16 /3/0/11/0 /1/0
		< ACK 2.05 ct=112 : /1/0/0=123 /1/0/1=300 /1/0/2=0 /1/0/3=0 /1/0/5=86400 /1/0/6=false /1/0/7=U /3/0/11/0=0 /3/0/16=U
		# 1/0/8 is there, but only to be executed
		> FETCH / ct=112 : /1/0/1 /1/0/7 /1/0/8
		< ACK 2.05 ct=112 : /1/0/1=300 /1/0/7=U
	`)
}

// An empty object is read as one that has nothing.
func TestReadCompositeOfNothing(t *testing.T) {
	newScript(t, nil, newPortfolio()).registered().run(`
		> FETCH / ct=110 : /16
		< ACK 2.05 ct=110 :
		> FETCH / ct=110 : /16 /16/0 /3/0/9
		< ACK 2.05 ct=110 : /3/0/9=100
	`)
}

func TestETS_230_257_WriteComposite(t *testing.T) {
	newScript(t, nil, objects.NewTest(), newPortfolio().Set("/16/0/0/0", lwm2m.Str("a"))).registered().run(`
		> IPATCH / ct=112 : /1/0/2=102 /1/0/6=1 /16/0/0/0=aa /16/0/0/1=bb /16/0/0/2=cc /31024/11/1=7
		! Written{Server:123 Path:/1/0/2}
		! Written{Server:123 Path:/1/0/6}
		! Written{Server:123 Path:/16/0/0}
		! Written{Server:123 Path:/31024/11/1}
		< ACK 2.04
		> FETCH / ct=112 : /1/0/2 /1/0/6 /16 /31024/11
		< ACK 2.05 ct=112 : /1/0/2=102 /1/0/6=true /16/0/0/0=aa /16/0/0/1=bb /16/0/0/2=cc /31024/11/1=7 /31024/11/3=-28.99 /31024/11/5=
		> IPATCH / ct=110 : /3/0/14=+02:00 /31024/12/1=8
		! Written{Server:123 Path:/3/0/14}
		! Written{Server:123 Path:/31024/12/1}
		< ACK 2.04
		# SenML-ETCH: null takes a resource instance away
		> IPATCH / ct=320 : [{"bn":"/16/0/0/","n":"1","v":null},{"n":"2","vs":"dd"},{"n":"3","vs":"ee"}]
		! Written{Server:123 Path:/16/0/0}
		< ACK 2.04
		> GET /16/0/0 accept=112
		< ACK 2.05 ct=112 : /16/0/0/0=aa /16/0/0/2=dd /16/0/0/3=ee
		> IPATCH / ct=11544 : /31024/10/1=9
		! Written{Server:123 Path:/31024/10/1}
		< ACK 2.04
	`)
}

// A Write-Composite is carried out as a whole or not at all.
func TestWriteCompositeIsAtomic(t *testing.T) {
	newScript(t, nil, objects.NewTest(), newPortfolio().Set("/16/0/0/0", lwm2m.Str("a"))).registered().run(`
		> IPATCH / ct=112 : /1/0/2=102 /31024/10/1=256
		< ACK 4.00 : the value is out of the resource's range
		> IPATCH / ct=112 : /1/0/2=102 /31024/13/1=1
		< ACK 4.04 : no such object instance
		> IPATCH / ct=112 : /1/0/2=102 /5/0/1=x
		< ACK 4.04 : no such object
		> IPATCH / ct=112 : /1/0/2=102 /3/0/0=other
		< ACK 4.05 : the resource /3/0/0 cannot be written
		> IPATCH / ct=112 : /1/0/2=102 /1/0/7=T
		< ACK 4.00 : this device has the binding U only
		> IPATCH / ct=112 : /1/0/2=102 /31024/10/4=1
		< ACK 4.04 : no such resource
		> IPATCH / ct=112 : /1/0/2=102 /0/0/5=00
		< ACK 4.01 : keys are for bootstrap only
		> IPATCH / ct=110 : [{"n":"/1/0/2","v":102},{"n":"/16/0/0","vs":"x"}]
		< ACK 4.00 : single and multiple resource mixed up at /16/0/0
		> IPATCH / ct=110 : [{"n":"/1/0/2","v":102},{"n":"/1/0/2","v":103}]
		< ACK 4.00 : lwm2m/format: malformed payload: /1/0/2 stands there twice
		> IPATCH / ct=320 : [{"n":"/1/0/2","v":102},{"n":"/16/0/0/7","v":null}]
		< ACK 4.04 : no resource instance /16/0/0/7
		> IPATCH / ct=320 : [{"n":"/1/0/2","v":102},{"n":"/3/0/11/0","v":null}]
		< ACK 4.05 : instances of /3/0/11 cannot be deleted
		> IPATCH / ct=110 : [{"n":"/1/0/2"}]
		< ACK 4.00 : lwm2m/format: malformed payload: no value at /1/0/2
		> IPATCH / ct=110 : []
		< ACK 4.00 : there is no value to write
		> IPATCH / ct=11542 : hex:00
		< ACK 4.15 : values of several objects are SenML JSON or SenML CBOR
		> IPATCH / : 1
		< ACK 4.15 : values of several objects are SenML JSON or SenML CBOR
		> IPATCH /1/0 ct=112 : /1/0/2=102
		< ACK 4.05 : a composite operation is for the root: its paths are in the payload
		> GET /1/0/2 accept=0
		< ACK 2.05 ct=0 : 0
	`)
}

// The body of a Write-Composite that is longer than a block takes effect with its last block, once.
func TestWriteCompositeInBlocks(t *testing.T) {
	newScript(t, nil, objects.NewTest()).registered().run(`
		> IPATCH / ct=110 block1=0/true/32 : [{"n":"/31024/10/1","v":7},{"n":
		< ACK 2.31 Block1=0/true/32
		> IPATCH / ct=110 block1=1/false/32 : "/31024/11/1","v":8}]
		! Written{Server:123 Path:/31024/10/1}
		! Written{Server:123 Path:/31024/11/1}
		< ACK 2.04 Block1=1/false/32
		> IPATCH / ct=110 block1=1/false/32 : "/31024/11/1","v":8}]
		< ACK 4.08 : a block is missing
	`)
}

func TestDeleteResourceInstance(t *testing.T) {
	newScript(t, nil, newPortfolio().Set("/16/0/0/0", lwm2m.Str("a")).Set("/16/0/0/1", lwm2m.Str("b"))).registered().run(`
		> PUT /16/0/0/1?pmin=5
		< ACK 2.04
		> DELETE /16/0/0/1
		! Written{Server:123 Path:/16/0/0}
		< ACK 2.02
		> GET /16/0/0 accept=112
		< ACK 2.05 ct=112 : /16/0/0/0=a
		> GET /16/0/0 accept=40
		< ACK 2.05 ct=40 : </16/0/0>;dim=1,</16/0/0/0>
		> DELETE /16/0/0/1
		< ACK 4.04 : no resource instance /16/0/0/1
		> DELETE /3/0/11/0
		< ACK 4.05 : instances of /3/0/11 cannot be deleted
		> DELETE /16/0/0
		< ACK 4.05 : only an object instance can be deleted
	`)
}

func TestETS_304_305_ObserveComposite(t *testing.T) {
	d := newDial()
	s := newScript(t, nil, d).registered()
	s.run(`
		> PUT /1/0/1?pmin=30&pmax=45
		< ACK 2.04
		> FETCH / ct=112 observe=0 token=A : /1/0/1 /3/0/11/0 /3303/0/5700
		! Observed{Server:123 Path:/ Began:true}
		< ACK 2.05 observe ct=112 : /1/0/1=300 /3/0/11/0=0 /3303/0/5700=0.0
	`)
	d.number = 1
	s.run(`
		+1s
		changed /3303/0/5700
		# the notification has the values of all paths, and waits for the longest pmin
		+80s
		< @30s NON 2.05 token=A observe ct=112 : /1/0/1=300 /3/0/11/0=0 /3303/0/5700=1.0
		< @1m15s NON 2.05 token=A observe ct=112 : /1/0/1=300 /3/0/11/0=0 /3303/0/5700=1.0
		> FETCH / ct=112 observe=1 token=A : /1/0/1 /3/0/11/0 /3303/0/5700
		! Observed{Server:123 Path:/ Began:false}
		< ACK 2.05 ct=112 : /1/0/1=300 /3/0/11/0=0 /3303/0/5700=1.0
	`)
	d.number = 2
	s.run(`
		changed /3303/0/5700
		+60s
	`)
}

func TestETS_308_309_ObserveCompositeOfInstancesThatComeAndGo(t *testing.T) {
	s := newScript(t, nil, newPortfolio().Set("/16/0/0/0", lwm2m.Str("aa"))).registered()
	s.run(`
		> FETCH / ct=110 observe=0 token=A : /16/0 /16/1
		! Observed{Server:123 Path:/ Began:true}
		< ACK 2.05 observe ct=110 : /16/0/0/0=aa
		> POST /16 ct=112 : /16/1/0/0=11
		! InstanceChanged{Server:123 Path:/16/1 Created:true}
		< ACK 2.01
		< NON 2.05 token=A observe ct=110 : /16/0/0/0=aa /16/1/0/0=11
		< CON POST /rd/1 ct=40 : (links),</16/0>,</16/1>
		> 2.04
		! Updated{Server:123}
		> DELETE /16/1
		! InstanceChanged{Server:123 Path:/16/1 Created:false}
		< ACK 2.02
		< NON 2.05 token=A observe ct=110 : /16/0/0/0=aa
		< CON POST /rd/1 ct=40 : (links),</16/0>
		> 2.04
		! Updated{Server:123}
		# with the last one gone the list is empty, and the observation goes on
		> DELETE /16/0
		! InstanceChanged{Server:123 Path:/16/0 Created:false}
		< ACK 2.02
		< NON 2.05 token=A observe ct=110 :
		< CON POST /rd/1 ct=40 : (links),</16>
	`)
}

func TestETS_310_ObserveCompositeAndAttributes(t *testing.T) {
	newScript(t, nil).registered().run(`
		> FETCH / ct=112 observe=0 token=A : /1/0/1 /3/0/16
		! Observed{Server:123 Path:/ Began:true}
		< ACK 2.05 observe ct=112 : /1/0/1=300 /3/0/16=U
		+2s
		> PUT /3?pmax=5
		< ACK 2.04
		+9s
		< @5s NON 2.05 token=A observe ct=112 : /1/0/1=300 /3/0/16=U
		< @10s NON 2.05 token=A observe ct=112 : /1/0/1=300 /3/0/16=U
		> PUT /1?con=1
		< ACK 2.04
		+5s
		< @15s CON 2.05 token=A observe ct=112 : /1/0/1=300 /3/0/16=U
		> ACK
		# each path has its own thresholds
		> PUT /3?pmax
		< ACK 2.04
		> PUT /1/0/1?gt=400
		< ACK 2.04
		> PUT /1/0/1 ct=0 : 350
		! Written{Server:123 Path:/1/0/1}
		< ACK 2.04
		< CON POST /rd/1?lt=350
		> 2.04
		! Updated{Server:123}
		> PUT /1/0/1 ct=0 : 500
		! Written{Server:123 Path:/1/0/1}
		< ACK 2.04
		< CON 2.05 token=A observe ct=112 : /1/0/1=500 /3/0/16=U
		> ACK
		< CON POST /rd/1?lt=500
	`)
}

// An Observe-Composite of the same paths takes the first one's place; of others it stands beside it. Its single paths
// are observed by themselves.
func TestObserveCompositeAgain(t *testing.T) {
	d := newDial()
	s := newScript(t, nil, d).registered()
	s.run(`
		> FETCH / ct=112 observe=0 token=A : /3303/0/5700 /3/0/9
		! Observed{Server:123 Path:/ Began:true}
		< ACK 2.05 observe ct=112 : /3/0/9=100 /3303/0/5700=0.0
		> FETCH / ct=112 observe=0 token=B : /3/0/9 /3303/0/5700
		! Observed{Server:123 Path:/ Began:false}
		! Observed{Server:123 Path:/ Began:true}
		< ACK 2.05 observe ct=112 : /3/0/9=100 /3303/0/5700=0.0
		> FETCH / ct=112 observe=0 token=C : /3303/0/5700
		! Observed{Server:123 Path:/ Began:true}
		< ACK 2.05 observe ct=112 : /3303/0/5700=0.0
		> GET /3303/0/5700 accept=0 observe=0 token=D
		! Observed{Server:123 Path:/3303/0/5700 Began:true}
		< ACK 2.05 observe ct=0 : 0.0
	`)
	if got := s.c.Observations(); len(got) != 3 || len(got[0].Paths) != 2 || got[2].Paths != nil {
		t.Errorf("observations: %+v", got)
	}
	d.number = 1
	s.run(`
		changed /3303
		< NON 2.05 token=B observe ct=112 : /3/0/9=100 /3303/0/5700=1.0
		< NON 2.05 token=C observe ct=112 : /3303/0/5700=1.0
		< NON 2.05 token=D observe ct=0 : 1.0
		> RST
		! Observed{Server:123 Path:/3303/0/5700 Began:false}
	`)
}

// The root can be observed as a whole; values that move by themselves are told too.
func TestObserveCompositeOfTheRoot(t *testing.T) {
	s := newScript(t, nil, objects.NewTemperature(1, nil)).registered()
	s.run(`
		> PUT /1/0/2 ct=0 : 10
		! Written{Server:123 Path:/1/0/2}
		< ACK 2.04
	`)
	s.out = nil
	s.command("> FETCH / ct=110 observe=0 token=A : /")
	var n int
	for end := s.now.Add(65 * time.Second); s.c.Deadline() <= end; {
		s.now = s.c.Deadline()
		s.c.Expire(s.now)
		n += len(s.notifications())
	}
	if n < 1 || n > 6 {
		t.Errorf("%d notifications in 65 s, pmin is 10 s", n)
	}
}
