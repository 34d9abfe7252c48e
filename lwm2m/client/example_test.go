package client_test

import (
	"fmt"

	"heddle.example/host"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/objects"
	"heddle.example/machine"
)

// A device with an object of one's own: a lamp that a server switches.
func Example() {
	lamp := client.NewObject(&client.Definition{ID: 3311, Multiple: true, Resources: []client.Resource{
		{ID: 5850, Name: "On/Off", Kind: lwm2m.Boolean, Operations: lwm2m.Read | lwm2m.Write, Mandatory: true},
	}})
	lamp.Set("/3311/0/5850", lwm2m.Bool(false))
	lamp.OnWrite(5850, func(_ client.Call, w client.Writing) error {
		on, _ := w.Value().AsBool()
		fmt.Println("the lamp is on:", on)
		return nil
	})

	h := host.New(host.Options{})
	socket, err := h.Ephemeral(0, "")
	if err != nil {
		panic(err)
	}
	c, err := client.New(client.Config{
		Endpoint: "lamp", Rand: h.Rand(), Local: socket.Local(),
		Servers: []client.Account{{ShortID: 1, URI: "coaps://[::1]:5684", Identity: "lamp", Key: []byte("0123456789abcdef")}},
		Objects: []client.Object{lamp, objects.NewDevice(&objects.DeviceConfig{Manufacturer: "me"})},
	})
	if err != nil {
		panic(err)
	}
	device, err := h.Run(c, host.RunOptions{Sockets: []*host.Socket{socket}, OnAction: func(_ machine.Time, a machine.Action) {
		if s, ok := a.Value.(*client.StateChanged); ok {
			fmt.Println(s.State)
		}
	}})
	if err != nil {
		panic(err)
	}
	device.Do(func(now machine.Time) { c.Start(now, 1) })
	// Output: STATE_REGISTERING
}
