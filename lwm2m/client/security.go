package client

import (
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// The objects that the client itself has to know.
const (
	securityObject = 0
	serverObject   = 1
	deviceObject   = 3
)

// securityDefinition is object 0, version 1.1. It has no operations: only bootstrap may touch it (appendix E.1).
var securityDefinition = Definition{ID: securityObject, Name: "LWM2M Security", Version: lwm2m.V1_1, Multiple: true, Resources: []Resource{
	{ID: 0, Name: "LWM2M Server URI", Kind: lwm2m.String, Mandatory: true},
	{ID: 1, Name: "Bootstrap-Server", Kind: lwm2m.Boolean, Mandatory: true},
	{ID: 2, Name: "Security Mode", Kind: lwm2m.Integer, Mandatory: true},
	{ID: 3, Name: "Public Key or Identity", Kind: lwm2m.Opaque, Mandatory: true},
	{ID: 4, Name: "Server Public Key", Kind: lwm2m.Opaque, Mandatory: true},
	{ID: 5, Name: "Secret Key", Kind: lwm2m.Opaque, Mandatory: true},
	{ID: 10, Name: "Short Server ID", Kind: lwm2m.Integer},
	{ID: 11, Name: "Client Hold Off Time", Kind: lwm2m.Integer},
}}

// security is object 0 as an Object: its instances are the accounts. No value ever leaves it here.
type security struct{ c *Client }

func (s security) Definition() *Definition { return &securityDefinition }

func (s security) Instances(dst []uint16) []uint16 { return s.c.accountIDs(dst) }

func (s security) Read(_ machine.Time, dst []lwm2m.Entry, _ lwm2m.Path) ([]lwm2m.Entry, bool) {
	return dst, false
}

func (c *Client) accountIDs(dst []uint16) []uint16 {
	for i := range c.accounts {
		dst = append(dst, uint16(i))
	}
	return dst
}
