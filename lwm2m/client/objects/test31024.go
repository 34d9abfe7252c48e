package objects

import (
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
)

// TestDefinition is object 31024, which client implementations use to try every operation.
var TestDefinition = client.Definition{ID: 31024, Name: "Test object", Multiple: true, Version: lwm2m.V1_0, Resources: []client.Resource{
	{ID: 1, Name: "test", Kind: lwm2m.Integer, Operations: rw, Max: 255},
	{ID: 2, Name: "exec", Operations: ex},
	{ID: 3, Name: "dec", Kind: lwm2m.Float, Operations: rw},
	{ID: 5, Name: "data", Kind: lwm2m.Opaque, Operations: rw},
}}

// NewTest returns object 31024 with the instances 10, 11 and 12.
func NewTest() *client.Simple {
	o := client.NewObject(&TestDefinition).AllowCreate()
	o.OnExecute(2, func(client.Call, lwm2m.Path, []client.Argument) error { return nil })
	for i, dec := range []float64{-30, -28.99, -27.98} {
		p := lwm2m.NewPath(31024, uint16(10+i)).String()
		o.Set(p+"/1", lwm2m.Int(int64(20+i))).Set(p+"/3", lwm2m.Num(dec)).Set(p+"/5", lwm2m.Bytes(nil))
	}
	return o
}
