package client_test

import (
	"testing"

	"heddle.example/lwm2m/client/objects"
)

// The cases of the enabler test specification that read and write the same thing in one format after the other.

func TestETS_212_SetCBOR(t *testing.T) {
	newScript(t, nil).registered().run(`
		> PUT /3/0/14 ct=60 : hex:662b30323a3030
		! Written{Server:123 Path:/3/0/14}
		< ACK 2.04
		> GET /3/0/14 accept=60
		< ACK 2.05 ct=60 : /3/0/14=+02:00
	`)
}

func TestETS_224_ReadResource(t *testing.T) {
	newScript(t, nil, objects.NewTest()).registered().run(`
		> GET /3/0/0 accept=0
		< ACK 2.05 ct=0 : Heddle
		> GET /3/0/6 accept=11542
		< ACK 2.05 ct=11542 : /3/0/6/0=1 /3/0/6/1=5
		> GET /3/0/99 accept=0
		< ACK 4.04 : no such resource
		> GET /3/0/4 accept=0
		< ACK 4.05 : the resource cannot be read
	`)
}

func TestETS_232_QuerySenMLCBOR(t *testing.T) {
	newScript(t, nil, objects.NewTest()).registered().run(`
		> GET /31024/10 accept=112
		< ACK 2.05 ct=112 : /31024/10/1=20 /31024/10/3=-30.0 /31024/10/5=
	`)
}

func TestETS_233_SetSenMLCBOR(t *testing.T) {
	newScript(t, nil, objects.NewTest()).registered().run(`
		> POST /31024/10 ct=112 : /31024/10/1=77 /31024/10/3=2.5
		! Written{Server:123 Path:/31024/10/1}
		! Written{Server:123 Path:/31024/10/3}
		< ACK 2.04
		> GET /31024/10 accept=112
		< ACK 2.05 ct=112 : /31024/10/1=77 /31024/10/3=2.5 /31024/10/5=
	`)
}

func TestETS_234_SetSenMLJSON(t *testing.T) {
	newScript(t, nil, objects.NewTest()).registered().run(`
		> POST /31024/11 ct=110 : /31024/11/1=78 /31024/11/3=-2.5
		! Written{Server:123 Path:/31024/11/1}
		! Written{Server:123 Path:/31024/11/3}
		< ACK 2.04
		> GET /31024/11 accept=110
		< ACK 2.05 ct=110 : /31024/11/1=78 /31024/11/3=-2.5 /31024/11/5=
	`)
}

func TestETS_204_QueryJSON(t *testing.T) {
	newScript(t, nil, objects.NewTest()).registered().run(`
		> GET /31024/10 accept=11543
		< ACK 2.05 ct=11543 : /31024/10/1=20 /31024/10/3=-30.0 /31024/10/5=
	`)
}

func TestETS_220_SetJSON(t *testing.T) {
	newScript(t, nil, objects.NewTest()).registered().run(`
		> POST /31024/10 ct=11543 : /31024/10/1=5 /31024/10/3=1.5
		! Written{Server:123 Path:/31024/10/1}
		! Written{Server:123 Path:/31024/10/3}
		< ACK 2.04
		> GET /31024/10 accept=11543
		< ACK 2.05 ct=11543 : /31024/10/1=5 /31024/10/3=1.5 /31024/10/5=
	`)
}
