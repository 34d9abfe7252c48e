package client_test

import (
	"fmt"
	"testing"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/objects"
)

func TestETS_201_QueryPlainText(t *testing.T) {
	newScript(t, nil).registered().run(`
		> GET /3/0/0 accept=0
		< ACK 2.05 ct=0 : Heddle
		> GET /3/0/13 accept=0
		< ACK 2.05 ct=0 : 1767225600
		> GET /3/0/9 accept=0
		< ACK 2.05 ct=0 : 100
		> GET /3/0 accept=0
		< ACK 4.06 : lwm2m/format: payload is about another path: text carries one value, /3/0 has 19
	`)
}

func TestETS_203_QueryTLV(t *testing.T) {
	newScript(t, nil).registered().run(`
		> GET /3/0 accept=11542
		< ACK 2.05 ct=11542 : /3/0/0=Heddle /3/0/1=test device /3/0/2=0001 /3/0/3=1.0 /3/0/6/0=1 /3/0/6/1=5 /3/0/7/0=4200 /3/0/7/1=5000 /3/0/8/0=41 /3/0/8/1=900 /3/0/9=100 /3/0/10=184 /3/0/11/0=0 /3/0/13=2026-01-01T00:00:00Z /3/0/14=+01:00 /3/0/15=Europe/Berlin /3/0/16=U /3/0/20=0 /3/0/21=256
		> GET /3/0/11 accept=11542
		< ACK 2.05 ct=11542 : /3/0/11/0=0
	`)
}

func TestETS_205_SetPlainText(t *testing.T) {
	newScript(t, nil).registered().run(`
		> PUT /3/0/14 ct=0 : +02:00
		! Written{Server:123 Path:/3/0/14}
		< ACK 2.04
		> GET /3/0/14 accept=0
		< ACK 2.05 ct=0 : +02:00
	`)
}

func TestETS_211_QueryCBOR(t *testing.T) {
	newScript(t, nil).registered().run(`
		> GET /3/0/9 accept=60
		< ACK 2.05 ct=60 : /3/0/9=100
	`)
}

func TestETS_215_SetTLV(t *testing.T) {
	newScript(t, nil).registered().run(`
		> POST /1/0 ct=11542 : /1/0/2=5 /1/0/6=1
		! Written{Server:123 Path:/1/0/2}
		! Written{Server:123 Path:/1/0/6}
		< ACK 2.04
		> GET /1/0 accept=11542
		< ACK 2.05 ct=11542 : /1/0/0=123 /1/0/1=300 /1/0/2=5 /1/0/3=0 /1/0/5=86400 /1/0/6=true /1/0/7=U
	`)
}

func TestETS_261_WriteAttributes(t *testing.T) {
	newScript(t, nil).registered().run(`
		> PUT /3?pmin=10
		< ACK 2.04
		> PUT /3/0?pmin=1&pmax=60
		< ACK 2.04
		> PUT /3/0/9?gt=50&lt=20&st=5
		< ACK 2.04
		> GET /3/0 accept=40
		< ACK 2.05 ct=40 : </3/0>;pmin=1;pmax=60,</3/0/0>,</3/0/1>,</3/0/2>,</3/0/3>,</3/0/4>,</3/0/5>,</3/0/6>;dim=2,</3/0/7>;dim=2,</3/0/8>;dim=2,</3/0/9>;gt=50;lt=20;st=5,</3/0/10>,</3/0/11>;dim=1,</3/0/12>,</3/0/13>,</3/0/14>,</3/0/15>,</3/0/16>,</3/0/20>,</3/0/21>
		> GET /3/0/9 accept=40
		< ACK 2.05 ct=40 : </3/0/9>;pmin=1;pmax=60;gt=50;lt=20;st=5
		> PUT /3/0/9?gt&lt&st
		< ACK 2.04
		> PUT /3/0?pmin
		< ACK 2.04
		> GET /3/0/9 accept=40
		< ACK 2.05 ct=40 : </3/0/9>;pmin=10;pmax=60
		# each of these is wrong
		> PUT /3/0/9?lt=30&gt=20
		< ACK 4.00 : lwm2m: bad attribute: lt=30 is not below gt=20
		> PUT /3/0/9?lt=10&gt=20&st=5
		< ACK 4.00 : lwm2m: bad attribute: lt + 2 st is not below gt (lt=10, st=5, gt=20)
		> PUT /3/0?gt=5
		< ACK 4.00 : lwm2m: bad attribute: gt belongs to a resource, not to /3/0
		> PUT /3/0/0?gt=5
		< ACK 4.00 : lwm2m: bad attribute: gt on a resource of type String
		> PUT /3/0/9?colour=red
		< ACK 4.00 : lwm2m: bad attribute: "colour" is not one of pmin, pmax, gt, lt, st, epmin, epmax, edge, con, hqmax
		> PUT /3/7?pmin=1
		< ACK 4.04 : no such object instance
		> PUT /?pmin=1
		< ACK 4.05 : attributes belong to an object or something in it
		> PUT /3/0/9?pmin=-1
		< ACK 4.00 : lwm2m: bad attribute: pmin="-1"
	`)
}

func TestETS_222_ReadObject(t *testing.T) {
	newScript(t, nil).registered().run(`
		> GET /1 accept=110
		< ACK 2.05 ct=110 : /1/0/0=123 /1/0/1=300 /1/0/2=0 /1/0/3=0 /1/0/5=86400 /1/0/6=false /1/0/7=U
	`)
}

func TestETS_223_ReadInstance(t *testing.T) {
	newScript(t, nil).registered().run(`
		> GET /1/0 accept=112
		< ACK 2.05 ct=112 : /1/0/0=123 /1/0/1=300 /1/0/2=0 /1/0/3=0 /1/0/5=86400 /1/0/6=false /1/0/7=U
	`)
}

func TestETS_225_ReadResourceInstance(t *testing.T) {
	newScript(t, nil).registered().run(`
		> GET /3/0/11/0 accept=0
		< ACK 2.05 ct=0 : 0
		> GET /3/0/6/1 accept=112
		< ACK 2.05 ct=112 : /3/0/6/1=5
		> GET /3/0/6/9 accept=112
		< ACK 4.04 : no such resource instance
		> GET /3/0/9/0 accept=112
		< ACK 4.04 : the resource has no instances
	`)
}

func TestETS_226_WritePartialUpdate(t *testing.T) {
	newScript(t, nil, objects.NewTest()).registered().run(`
		> POST /31024/10 ct=112 : /31024/10/1=99
		! Written{Server:123 Path:/31024/10/1}
		< ACK 2.04
		> GET /31024/10 accept=112
		< ACK 2.05 ct=112 : /31024/10/1=99 /31024/10/3=-30.0 /31024/10/5=
	`)
}

func TestETS_227_WriteReplace(t *testing.T) {
	newScript(t, nil, objects.NewTest()).registered().run(`
		> PUT /31024/10/1 ct=112 : /31024/10/1=7
		! Written{Server:123 Path:/31024/10/1}
		< ACK 2.04
		# replacing the instance takes away what is optional and was not written
		> PUT /31024/10 ct=11542 : /31024/10/1=8
		! Written{Server:123 Path:/31024/10/1}
		< ACK 2.04
		> GET /31024/10 accept=112
		< ACK 2.05 ct=112 : /31024/10/1=8
	`)
}

func TestETS_228_WriteResourceInstance(t *testing.T) {
	def := client.Definition{ID: 33333, Multiple: true, Resources: []client.Resource{
		{ID: 0, Kind: lwm2m.Integer, Operations: lwm2m.Read | lwm2m.Write, Multiple: true},
	}}
	o := client.NewObject(&def).Set("/33333/0/0/0", lwm2m.Int(1)).Set("/33333/0/0/1", lwm2m.Int(2))
	newScript(t, nil, o).registered().run(`
		> PUT /33333/0/0/1 ct=0 : 20
		! Written{Server:123 Path:/33333/0/0}
		< ACK 2.04
		> GET /33333/0/0 accept=112
		< ACK 2.05 ct=112 : /33333/0/0/0=1 /33333/0/0/1=20
		> POST /33333/0/0 ct=112 : /33333/0/0/5=50
		! Written{Server:123 Path:/33333/0/0}
		< ACK 2.04
		> GET /33333/0/0 accept=112
		< ACK 2.05 ct=112 : /33333/0/0/0=1 /33333/0/0/1=20 /33333/0/0/5=50
		> PUT /33333/0/0 ct=112 : /33333/0/0/7=70
		! Written{Server:123 Path:/33333/0/0}
		< ACK 2.04
		> GET /33333/0/0 accept=112
		< ACK 2.05 ct=112 : /33333/0/0/7=70
		> PUT /33333/0 ct=11542 : /33333/0/0/3=30 /33333/0/0/4=40
		! Written{Server:123 Path:/33333/0/0}
		< ACK 2.04
		> GET /33333/0/0 accept=11542
		< ACK 2.05 ct=11542 : /33333/0/0/3=30 /33333/0/0/4=40
		# a multiple resource is not text, and a text no multiple resource
		> GET /33333/0/0 accept=0
		< ACK 4.06 : lwm2m/format: payload is about another path: text carries one value, /33333/0/0 has 2
		> PUT /33333/0/0 ct=0 : 20
		< ACK 4.00 : single and multiple resource mixed up at /33333/0/0
	`)
}

func TestETS_237_ReadWithoutAccept(t *testing.T) {
	newScript(t, nil).registered().run(`
		> GET /3/0/9
		< ACK 2.05 ct=112 : /3/0/9=100
		> GET /31024
		< ACK 4.04 : no such object
	`)
}

func TestETS_241_Reboot(t *testing.T) {
	newScript(t, nil).registered().run(`
		> POST /3/0/4
		! Executed{Server:123 Path:/3/0/4}
		< ACK 2.04
		+3s
		? @2s Reboot{Factory:false}
		> POST /3/0/5 : 0='now'
		! Executed{Server:123 Path:/3/0/5}
		< ACK 2.04
		+2s
		? @5s Reboot{Factory:true}
	`)
}

func TestExecute(t *testing.T) {
	o := client.NewObject(&client.Definition{ID: 33333, Resources: []client.Resource{
		{ID: 1, Operations: lwm2m.Execute}, {ID: 2, Operations: lwm2m.Execute}, {ID: 3, Kind: lwm2m.String, Operations: lwm2m.Read},
	}}).Add(0)
	var got []client.Argument
	o.OnExecute(1, func(_ client.Call, _ lwm2m.Path, args []client.Argument) error {
		got = args
		if len(args) > 2 {
			return client.BadRequest("too many arguments for me")
		}
		return nil
	})
	newScript(t, nil, o).registered().run(`
		> POST /33333/0/1 ct=0 : 0='on',5
		! Executed{Server:123 Path:/33333/0/1}
		< ACK 2.04
		> POST /33333/0/1
		! Executed{Server:123 Path:/33333/0/1}
		< ACK 2.04
		> POST /33333/0/1 : 0,1,2
		< ACK 4.00 : too many arguments for me
		> POST /33333/0/1 : on
		< ACK 4.00 : an argument begins with one digit
		> POST /33333/0/1 : 0='on
		< ACK 4.00 : the value of an argument has no end
		> POST /33333/0/1 : 0,0
		< ACK 4.00 : an argument stands there twice
		> POST /33333/0/1 ct=11542 : hex:00
		< ACK 4.15 : arguments are text/plain
		> POST /33333/0/2
		< ACK 4.04 : no such resource
		> POST /33333/0/3
		< ACK 4.05 : the resource cannot be executed
		> POST /33333/0/9
		< ACK 4.04 : no such resource
		> POST /33333/1/1
		< ACK 4.04 : no such object instance
		> GET /33333/0/1
		< ACK 4.05 : the resource cannot be read
		> PUT /33333/0/1 ct=0 : 1
		< ACK 4.05 : the resource cannot be written
	`)
	if len(got) != 3 {
		t.Errorf("the handler saw %v last", got)
	}
}

func TestETS_256_WriteFails(t *testing.T) {
	newScript(t, nil, objects.NewTest()).registered().run(`
		> PUT /3/0/0 ct=0 : other
		< ACK 4.05 : the resource cannot be written
		> PUT /31024/10/1 ct=0 : 256
		< ACK 4.00 : the value is out of the resource's range
		> PUT /31024/10/1 ct=0 : eleven
		< ACK 4.00 : lwm2m/format: value does not fit the resource's type: /31024/10/1 is Integer: lwm2m: value is not of that type: "eleven" is no Integer
		> PUT /31024/10/1 ct=60 : hex:6161
		< ACK 4.00 : lwm2m/format: value does not fit the resource's type: /31024/10/1 is Integer: lwm2m: value is not of that type: String "a" is no Integer
		> PUT /31024/10/1 ct=11542 : hex:ff
		< ACK 4.00 : lwm2m/format: malformed payload: TLV cut off at byte 0 of 1
		> PUT /31024/10/1 ct=50 : 1
		< ACK 4.15 : this content format is not supported
		> PUT /31024/13/1 ct=0 : 1
		< ACK 4.04 : no such object instance
		> PUT /31024/10/4 ct=0 : 1
		< ACK 4.04 : no such resource
		> PUT /31024 ct=112 : /31024/10/1=1
		< ACK 4.05 : Write is for an object instance or a resource
		> PUT /3/0/14 ct=0 : late
		< ACK 4.00 : the UTC offset must be like +01:00 (ISO 8601)
		> PUT /1/0/7 ct=0 : T
		< ACK 4.00 : this device has the binding U only
		# all or nothing: 3 is fine, 1 is not
		> POST /31024/10 ct=112 : /31024/10/1=300 /31024/10/3=5
		< ACK 4.00 : the value is out of the resource's range
		> GET /31024/10/3 accept=0
		< ACK 2.05 ct=0 : -30.0
		> PUT /zero ct=0 : 1
		< ACK 4.04 : no such path
		> PUT /70000/0/0 ct=0 : 1
		< ACK 4.04 : no such path
		> GET /.well-known/core
		< ACK 4.04 : no such path
		> GET /5/0/3
		< ACK 4.04 : no such object
		> GET /
		< ACK 4.05 : the root cannot be read
		> PATCH / ct=112 : hex:80
		< ACK 4.05 : this method is not supported
	`)
}

func TestETS_260_Discover(t *testing.T) {
	newScript(t, nil, objects.NewTest()).registered().run(`
		> GET /3 accept=40
		< ACK 2.05 ct=40 : </3>;ver=1.1,</3/0>,</3/0/0>,</3/0/1>,</3/0/2>,</3/0/3>,</3/0/4>,</3/0/5>,</3/0/6>;dim=2,</3/0/7>;dim=2,</3/0/8>;dim=2,</3/0/9>,</3/0/10>,</3/0/11>;dim=1,</3/0/12>,</3/0/13>,</3/0/14>,</3/0/15>,</3/0/16>,</3/0/20>,</3/0/21>
		> GET /31024/10 accept=40
		< ACK 2.05 ct=40 : </31024/10>,</31024/10/1>,</31024/10/2>,</31024/10/3>,</31024/10/5>
		> GET /3/0/6 accept=40
		< ACK 2.05 ct=40 : </3/0/6>;dim=2,</3/0/6/0>,</3/0/6/1>
		> GET / accept=40
		< ACK 4.05 : Discover is for an object, an object instance or a resource
		> GET /3/0/22 accept=40
		< ACK 4.04 : no such resource
	`)
}

func TestETS_221_SecurityObjectIsHidden(t *testing.T) {
	newScript(t, nil).registered().run(`
		> GET /0
		< ACK 4.01 : the Security object is for bootstrap only
		> GET /0/0/5 accept=0
		< ACK 4.01 : the Security object is for bootstrap only
		> GET /0 accept=40
		< ACK 4.01 : the Security object is for bootstrap only
		> PUT /0/0/0 ct=0 : coap://evil
		< ACK 4.01 : the Security object is for bootstrap only
		> DELETE /0/0
		< ACK 4.01 : the Security object is for bootstrap only
		> POST /0
		< ACK 4.01 : the Security object is for bootstrap only
		> PUT /0?pmin=1
		< ACK 4.01 : the Security object is for bootstrap only
	`)
}

func TestCreateAndDelete(t *testing.T) {
	newScript(t, nil, objects.NewTest()).registered().run(`
		# the client chooses the instance
		> POST /31024 ct=11542 : hex:c10105
		! InstanceChanged{Server:123 Path:/31024/0 Created:true}
		< ACK 2.01 /31024/0
		< CON POST /rd/1 ct=40 : (links),</31024/0>,</31024/10>,</31024/11>,</31024/12>
		> 2.04
		! Updated{Server:123}
		# the server chooses
		> POST /31024 ct=112 : /31024/40/1=6 /31024/40/3=1.5
		! InstanceChanged{Server:123 Path:/31024/40 Created:true}
		< ACK 2.01
		< CON POST /rd/1 ct=40 : (links),</31024/0>,</31024/10>,</31024/11>,</31024/12>,</31024/40>
		> 2.04
		! Updated{Server:123}
		> GET /31024/40 accept=112
		< ACK 2.05 ct=112 : /31024/40/1=6 /31024/40/3=1.5
		# there already; out of range; unknown; two at once
		> POST /31024 ct=112 : /31024/40/1=6
		< ACK 4.00 : the instance exists already
		> POST /31024 ct=112 : /31024/41/1=256
		< ACK 4.00 : the value is out of the resource's range
		> POST /31024 ct=112 : /31024/41/1=1 /31024/41/9=1
		< ACK 4.00 : no resource /31024/41/9
		> POST /31024 ct=112 : /31024/41/1=1 /31024/42/1=1
		< ACK 4.00 : one instance at a time can be created
		> POST /3 ct=112 : /3/1/13=1
		< ACK 4.05 : instances of this object cannot be created
		> POST /99 ct=112 : /99/1/13=1
		< ACK 4.04 : no such object
		> DELETE /31024/40
		! InstanceChanged{Server:123 Path:/31024/40 Created:false}
		< ACK 2.02
		< CON POST /rd/1 ct=40 : (links),</31024/0>,</31024/10>,</31024/11>,</31024/12>
		> 2.04
		! Updated{Server:123}
		> DELETE /31024/40
		< ACK 4.04 : no such object instance
		> DELETE /31024
		< ACK 4.05 : only an object instance can be deleted
		> DELETE /31024/10/3
		< ACK 4.05 : only an object instance can be deleted
		> DELETE /3/0
		< ACK 4.05 : instances of this object cannot be deleted
		> DELETE /
		< ACK 4.05 : only an object instance can be deleted
	`)
}

func TestStrangerIsRefused(t *testing.T) {
	s := newScript(t, nil).registered()
	s.server.Remote = otherAddr
	s.run(`
		> GET /3/0/0 accept=0
		< to 192.0.2.66:5683 ACK 4.01 : not one of this device's servers
	`)
}

func TestAlternateRoot(t *testing.T) {
	newScript(t, func(c *client.Config) { c.Root = "/lwm2m" }).run(`
		start
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=300 ct=40 : </lwm2m>;rt="oma.lwm2m";ct="0 42 60 110 112 11542",</lwm2m/1>;ver=1.1,</lwm2m/1/0>,</lwm2m/3>;ver=1.1,</lwm2m/3/0>
		! STATE_REGISTERING
		> 2.01 /rd/1
		! registered at 123: /rd/1, version 1.1
		! STATE_READY
		> GET /lwm2m/3/0/0 accept=0
		< ACK 2.05 ct=0 : Heddle
		> GET /3/0/0 accept=0
		< ACK 4.04 : no such path
		> GET /lwm2m/3/0/0 accept=40
		< ACK 2.05 ct=40 : </lwm2m/3/0/0>
		> GET /lwm2mm/3/0/0 accept=0
		< ACK 4.04 : no such path
	`)
}

func TestBlocks(t *testing.T) {
	newScript(t, func(c *client.Config) { c.CoAP.BlockSize = 64 }, objects.NewTest()).registered().run(`
		> PUT /31024/10/5 ct=42 block1=0/true/64 : big:64
		< ACK 2.31 Block1=0/true/64
		> PUT /31024/10/5 ct=42 block1=1/false/64 : big:10
		! Written{Server:123 Path:/31024/10/5}
		< ACK 2.04 Block1=1/false/64
		> GET /31024/10/5 accept=42
		< ACK 2.05 Block2=0/true/64 ct=42 : 78787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878
		> GET /31024/10/5 accept=42 block2=1/false/64
		< ACK 2.05 Block2=1/false/64 ct=42 : 78787878787878787878
	`)
}

func TestCreateNeedsMandatoryResources(t *testing.T) {
	o := client.NewObject(&client.Definition{ID: 33333, Multiple: true, Resources: []client.Resource{
		{ID: 0, Kind: lwm2m.Integer, Operations: lwm2m.Read | lwm2m.Write, Mandatory: true},
		{ID: 1, Kind: lwm2m.Integer, Operations: lwm2m.Read, Mandatory: true},
		{ID: 2, Kind: lwm2m.Integer, Operations: lwm2m.Read | lwm2m.Write},
	}}).AllowCreate()
	newScript(t, nil, o).registered().run(`
		> POST /33333 ct=112 : /33333/1/2=6
		< ACK 4.00 : the mandatory resource /33333/1/0 is missing
		> POST /33333
		< ACK 4.00 : the mandatory resource /33333/0/0 is missing
		> POST /33333 ct=112 : /33333/1/0=6 /33333/1/1=5
		< ACK 4.00 : the resource /33333/1/1 cannot be written
		> POST /33333 ct=112 : /33333/1/0=6
		! InstanceChanged{Server:123 Path:/33333/1 Created:true}
		< ACK 2.01
		< CON POST /rd/1 ct=40 : (links),</33333/1>
		> 2.04
		! Updated{Server:123}
		# replacing keeps what is mandatory
		> PUT /33333/1 ct=112 : /33333/1/2=5
		! Written{Server:123 Path:/33333/1/2}
		< ACK 2.04
		> GET /33333 accept=112
		< ACK 2.05 ct=112 : /33333/1/0=6 /33333/1/2=5
	`)
}

func TestServersCannotFillTheDevice(t *testing.T) {
	def := client.Definition{ID: 33333, Multiple: true, Resources: []client.Resource{
		{ID: 0, Kind: lwm2m.Integer, Operations: lwm2m.Read | lwm2m.Write, Multiple: true},
		{ID: 1, Kind: lwm2m.String, Operations: lwm2m.Read | lwm2m.Write},
	}}
	s := newScript(t, func(c *client.Config) { c.MaxAttributes = 1 }, client.NewObject(&def).AllowCreate().Add(0)).registered()
	s.out = nil
	for range 80 {
		s.command("> POST /33333 ct=11542 : hex:c10178")
		s.command("> 2.04")
	}
	if n := len(s.c.Inventory()[3].Instances); n != 64 {
		t.Errorf("servers have made %d instances", n)
	}
	for i := range 600 {
		s.command(fmt.Sprintf("> POST /33333/0/0 ct=112 : /33333/0/0/%d=1", i))
	}
	entries, err := s.c.Read(s.now, lwm2m.MustPath("/33333/0/0"))
	if err != nil || len(entries) > 512 {
		t.Errorf("servers have made %d resource instances, %v", len(entries), err)
	}
	s.run(`
		> PUT /3/0/0?pmin=1
		< ACK 2.04
		> PUT /3/0/1?pmin=1
		< ACK 5.03 : no room for more attributes
	`)
}
