package client_test

import (
	"bytes"
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/objects"
	"heddle.example/machine"
	"heddle.example/machine/machinetest"
)

// FuzzFirmwareBlocks: whatever blocks come, in whatever order, of whatever size: what the device takes for a package is
// what a server has sent in one piece, it is never larger than allowed, and each request has one answer at most. Four bytes of the input are one
// block: its number and size, whether more follow, how it lies about its length, and where its bytes come from.
func FuzzFirmwareBlocks(f *testing.F) {
	f.Add([]byte{0x02, 1, 0, 0, 0x12, 1, 0, 0, 0x22, 0, 0, 0})
	f.Add([]byte{0x00, 1, 0, 0, 0x00, 1, 0, 0, 0x30, 1, 0, 0, 0x10, 1, 5, 0})
	f.Add([]byte{0xF6, 1, 0, 7, 0x06, 0, 0, 0})
	f.Fuzz(func(t *testing.T, in []byte) {
		const most = 500
		d := objects.NewDevice(&testDevice)
		fw := objects.NewFirmware(&objects.FirmwareConfig{MaxSize: most}, d)
		c, err := client.New(client.Config{Rand: machinetest.NewRand(1), Endpoint: "fuzz", Local: deviceAddr, Durable: true,
			Servers: []client.Account{{ShortID: 123, URI: "coap://192.0.2.1", Lifetime: 24 * time.Hour}}, Objects: []client.Object{d, fw}})
		if err != nil {
			t.Fatal(err)
		}
		now, path := scriptTime, machine.Path{Local: deviceAddr, Remote: serverAddr}
		answers := 0
		var last coap.Message
		drain := func() {
			for {
				a, ok := c.Next()
				if !ok {
					return
				}
				if a.Kind == machine.Send && last.Decode(bytes.Clone(a.Data)) == nil && last.Code.IsResponse() {
					answers++
				}
			}
		}
		send := func(m coap.Message) {
			b, err := m.Append(nil)
			if err != nil {
				return
			}
			c.Receive(now, 1, path, b)
			drain()
		}
		c.Start(now, 1)
		drain()
		send(coap.Message{Type: coap.ACK, Code: coap.Created, ID: last.ID, Token: last.Token, Options: coap.Options{}.AppendLocation("/rd/1")})
		pkg := bytes.Repeat(testPackage(), 8)
		for id := uint16(1); len(in) >= 4; id++ {
			b := coap.Block{Num: uint32(in[0] >> 4), SZX: in[0] & 7, More: in[1]&1 != 0}
			from := min(b.Offset()+int(in[3]), len(pkg))
			payload := pkg[from:min(from+b.Size()-int(in[2]%3), len(pkg))]
			in = in[4:]
			answers = 0
			send(coap.Message{Type: coap.CON, Code: coap.PUT, ID: id, Token: coap.NewToken([]byte{1}), Payload: payload,
				Options: coap.Options{}.AppendPath("/5/0/0").SetFormat(coap.Opaque).AddUint(coap.Block1, b.Uint())})
			if answers != 1 {
				t.Fatalf("%d answers to one block", answers)
			}
			s := fw.Status()
			if s.Received > most || s.State == objects.FirmwareDownloaded && s.Name == "lamp" && s.Received != 160 {
				t.Fatalf("%+v", s)
			}
			now = now.Add(time.Second)
			if c.Deadline() <= now {
				c.Expire(now)
				drain()
			}
		}
	})
}
