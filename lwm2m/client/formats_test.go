package client_test

import (
	"testing"

	"heddle.example/lwm2m/client/objects"
)

const ets3 = "/3/0/0=Heddle /3/0/1=test device /3/0/2=0001 /3/0/3=1.0 /3/0/6/0=1 /3/0/6/1=5 /3/0/7/0=4200 /3/0/7/1=5000 /3/0/8/0=41 /3/0/8/1=900 /3/0/9=100 /3/0/10=184 /3/0/11/0=0 /3/0/13=2026-01-01T00:00:00Z /3/0/14=+01:00 /3/0/15=Europe/Berlin /3/0/16=U /3/0/20=0 /3/0/21=256"

func TestCBORFloats(t *testing.T) {
	newScript(t, nil, objects.NewTest()).registered().run(`
		# half, single and double floats, and an integer for a float
		> PUT /31024/10/3 ct=60 : hex:f94d00
		! Written{Server:123 Path:/31024/10/3}
		< ACK 2.04
		> GET /31024/10/3 accept=0
		< ACK 2.05 ct=0 : 20.0
		> PUT /31024/10/3 ct=60 : hex:fa3fc00000
		! Written{Server:123 Path:/31024/10/3}
		< ACK 2.04
		> PUT /31024/10/3 ct=60 : hex:fb3fb999999999999a
		! Written{Server:123 Path:/31024/10/3}
		< ACK 2.04
		> GET /31024/10/3 accept=0
		< ACK 2.05 ct=0 : 0.1
		> PUT /31024/10/3 ct=60 : hex:14
		! Written{Server:123 Path:/31024/10/3}
		< ACK 2.04
		> GET /31024/10/3 accept=60
		< ACK 2.05 ct=60 : /31024/10/3=20.0
	`)
}

func TestETS_231_QuerySenMLJSON(t *testing.T) {
	newScript(t, nil).registered().run(`
		> GET /3/0 accept=110
		< ACK 2.05 ct=110 : ` + ets3 + `
		> GET /3/0 accept=112
		< ACK 2.05 ct=112 : ` + ets3 + `
		> GET /3/0/11/0 accept=110
		< ACK 2.05 ct=110 : /3/0/11/0=0
	`)
}

// TLV under the number of the drafts, SenML-ETCH, and the CBOR of 1.2: understood, and answered in kind.
func TestOtherNumbers(t *testing.T) {
	newScript(t, nil, objects.NewTest()).registered().run(`
		> GET /3/0/6 accept=1542
		< ACK 2.05 ct=1542 : /3/0/6/0=1 /3/0/6/1=5
		> PUT /31024/10/1 ct=1542 : /31024/10/1=7
		! Written{Server:123 Path:/31024/10/1}
		< ACK 2.04
		> GET /3/0/6 accept=11544
		< ACK 2.05 ct=11544 : /3/0/6/0=1 /3/0/6/1=5
		> POST /31024/10 ct=11544 : /31024/10/1=8 /31024/10/3=1.5
		! Written{Server:123 Path:/31024/10/1}
		! Written{Server:123 Path:/31024/10/3}
		< ACK 2.04
		> POST /31024 ct=11544 : /31024/20/1=9
		! InstanceChanged{Server:123 Path:/31024/20 Created:true}
		< ACK 2.01
		< CON POST /rd/1 ct=40 : (links),</31024/10>,</31024/11>,</31024/12>,</31024/20>
	`)
}

func TestETS_261_AttributesOnAMultipleResource(t *testing.T) {
	newScript(t, nil).registered().run(`
		> GET /3/0/11 accept=40
		< ACK 2.05 ct=40 : </3/0/11>;dim=1,</3/0/11/0>
		> PUT /3?pmin=10&pmax=200
		< ACK 2.04
		> PUT /3/0?pmax=320
		< ACK 2.04
		> PUT /3/0/11/0?pmax=100&epmin=1&epmax=20
		< ACK 2.04
		> GET /3/0/11 accept=40
		< ACK 2.05 ct=40 : </3/0/11>;dim=1;pmin=10;pmax=320,</3/0/11/0>;pmax=100;epmin=1;epmax=20
		> PUT /3/0/7?lt=1&gt=6&st=1
		< ACK 2.04
		> GET /3/0/7 accept=40
		< ACK 2.05 ct=40 : </3/0/7>;dim=2;pmin=10;pmax=320;gt=6;lt=1;st=1,</3/0/7/0>,</3/0/7/1>
	`)
}
