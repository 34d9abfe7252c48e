package client_test

import (
	"testing"
	"time"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/objects"
	"heddle.example/machine"
	"heddle.example/machine/machinetest"
)

// The client keeps the rules of a machine, whatever comes in.
func TestConform(t *testing.T) {
	for _, kind := range []string{"plain", "secure", "bootstrap", "sleeping"} {
		machinetest.Conform(t, machinetest.Kit{
			New: func(r machine.Rand) machine.Machine { return conformClient(t, r, kind) },
			Paths: []machine.Path{
				{Local: deviceAddr, Remote: serverAddr}, {Local: deviceAddr, Remote: otherAddr},
			},
			Datagram: conformDatagram,
			Commands: []func(machine.Machine, machine.Time, machine.Cause, machinetest.Rand){
				func(m machine.Machine, now machine.Time, cause machine.Cause, _ machinetest.Rand) {
					m.(*client.Client).Start(now, cause)
				},
				func(m machine.Machine, now machine.Time, cause machine.Cause, _ machinetest.Rand) {
					m.(*client.Client).Start(now, cause)
				},
				func(m machine.Machine, now machine.Time, cause machine.Cause, r machinetest.Rand) {
					if r.IntN(4) == 0 {
						m.(*client.Client).Stop(now, cause)
					}
				},
				func(m machine.Machine, now machine.Time, cause machine.Cause, _ machinetest.Rand) {
					m.(*client.Client).Update(now, cause, 1)
				},
				func(m machine.Machine, now machine.Time, cause machine.Cause, r machinetest.Rand) {
					c := m.(*client.Client)
					c.Set(now, cause, lwm2m.MustPath("/31024/10/1"), lwm2m.Int(int64(r.IntN(256))))
					c.Changed(now, cause, lwm2m.MustPath("/3303"), lwm2m.MustPath("/3/0"))
				},
				func(m machine.Machine, now machine.Time, cause machine.Cause, r machinetest.Rand) {
					m.(*client.Client).Send(now, cause, &client.SendRequest{Server: uint16(r.IntN(3)), Paths: []lwm2m.Path{lwm2m.MustPath("/3/0/9"), lwm2m.MustPath("/9")},
						Entries: []lwm2m.Entry{{Path: lwm2m.MustPath("/3303/0/5700"), Value: lwm2m.Num(1), Time: int64(now) - int64(r.IntN(1e9))}}})
				},
				func(m machine.Machine, now machine.Time, cause machine.Cause, r machinetest.Rand) {
					c := m.(*client.Client)
					if r.IntN(2) == 0 {
						c.RemoveObject(now, cause, 31024)
					} else {
						c.AddObject(now, cause, objects.NewTest())
					}
				},
			},
		})
	}
}

func conformClient(t *testing.T, r machine.Rand, kind string) machine.Machine {
	a := client.Account{ShortID: 1, URI: "coap://192.0.2.1:5683", Lifetime: time.Minute, Unmuted: true, Storing: true, DisableTimeout: time.Minute}
	if kind == "secure" {
		a.URI, a.Identity, a.Key = "coaps://192.0.2.1:5683", "id", simKey
	}
	servers := []client.Account{a}
	if kind == "bootstrap" {
		servers = append(servers, client.Account{ShortID: 2, URI: "coap://192.0.2.66:5683", Lifetime: time.Minute},
			client.Account{Bootstrap: true, URI: "coap://192.0.2.66:5683", HoldOff: time.Second})
	}
	c, err := client.New(client.Config{
		Rand: r, Endpoint: "conform", Local: deviceAddr, Servers: servers, Durable: true, AccessControl: kind == "bootstrap", Queue: kind == "sleeping", Awake: 10 * time.Second,
		Objects: []client.Object{objects.NewDevice(&testDevice), objects.NewTest(), objects.NewTemperature(2, nil), objects.NewConnectivityStatistics()},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// conformDatagram makes an input: mostly sensible requests and answers, sometimes broken.
func conformDatagram(r machinetest.Rand, sent [][]byte) []byte {
	var m coap.Message
	if len(sent) > 0 && r.IntN(3) == 0 {
		// An answer to something that the client asked.
		if m.Decode(append([]byte(nil), sent[r.IntN(len(sent))]...)) != nil {
			return r.Bytes(64)
		}
		codes := []coap.Code{coap.Created, coap.Changed, coap.Deleted, coap.NotFound, coap.Forbidden, coap.PreconditionFailed, coap.Empty}
		answer := coap.Message{Type: coap.ACK, Code: codes[r.IntN(len(codes))], ID: m.ID, Token: m.Token}
		switch answer.Code {
		case coap.Created:
			answer.Options = answer.Options.AppendLocation("/rd/1")
		case coap.Empty:
			answer.Token = coap.Token{}
			answer.Type = []coap.Type{coap.ACK, coap.RST}[r.IntN(2)]
		}
		b, _ := answer.Append(nil)
		return b
	}
	paths := []string{"/3/0/9", "/3303/0/5700", "/3303", "/31024/10", "/31024", "/1/0/8", "/1/0/1", "/31024/10/1", "/31024/7", "/0/0", "/7/0/6", "/3/0/4", "/1/0/4", "/x", "/", "/bs", "/1/0/9", "/2/0/2", "/0/1", "/1"}
	m = coap.Message{Type: coap.Type(r.IntN(2)), Code: coap.Code(1 + r.IntN(7)), ID: uint16(r.IntN(40)), Token: coap.NewToken([]byte{byte(r.IntN(4))})}
	m.Options = m.Options.AppendPath(paths[r.IntN(len(paths))])
	formats := []coap.ContentFormat{coap.Text, coap.LinkFormat, coap.TLV, coap.SenMLCBOR, coap.SenMLJSON, coap.CBOR, 999}
	switch r.IntN(6) {
	case 0, 1:
		m.Options = m.Options.SetUint(coap.Observe, uint32(r.IntN(3)))
	case 2:
		m.Options = m.Options.AddQuery([]string{"pmin=1", "pmax=5", "gt=3", "st=1", "lt=2", "pmin", "nonsense"}[r.IntN(7)])
	case 3, 4:
		m.Options = m.Options.SetFormat(formats[r.IntN(len(formats))])
		m.Payload = [][]byte{[]byte("5"), {0xc1, 1, 5}, []byte(`[{"n":"/31024/7/1","v":5}]`), r.Bytes(20)}[r.IntN(4)]
	}
	if m.Code >= coap.FETCH && r.IntN(2) == 0 {
		m.Options = m.Options.Del(coap.URIPath).SetFormat(coap.SenMLJSON)
		m.Payload = [][]byte{[]byte(`[{"n":"/3303/0/5700"},{"n":"/3/0/9"}]`), []byte(`[{"n":"/"}]`), []byte(`[{"n":"/31024/10/1","v":5},{"n":"/1/0/6","vb":false}]`), []byte(`[{"n":"/1/0/6","vb":true}]`)}[r.IntN(4)]
	}
	if r.IntN(2) == 0 {
		m.Options = m.Options.SetAccept(formats[r.IntN(len(formats))])
	}
	b, err := m.Append(nil)
	if err != nil {
		return r.Bytes(64)
	}
	if r.IntN(5) == 0 {
		return r.Mutate(b)
	}
	return b
}

func FuzzParseArguments(f *testing.F) {
	for _, s := range []string{"", "0", "0='on',5", "2='10.3',7,0='https://www.oma.org'", "1=", "1='", "00", "0,0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		args, err := client.ParseArguments(s)
		if err != nil {
			return
		}
		text := ""
		for i, a := range args {
			if i > 0 {
				text += ","
			}
			text += string('0' + rune(a.Number))
			if a.HasValue {
				text += "='" + a.Value + "'"
			}
		}
		if text != s {
			t.Errorf("%q was read as %q", s, text)
		}
	})
}

// A registered device survives any datagram of its server, and is still a device afterwards.
func FuzzReceive(f *testing.F) {
	for _, m := range []coap.Message{
		{Code: coap.GET, Options: coap.Options(nil).AppendPath("/3/0").SetAccept(coap.TLV)},
		{Code: coap.GET, Options: coap.Options(nil).AppendPath("/3303").SetUint(coap.Observe, 0)},
		{Code: coap.PUT, Options: coap.Options(nil).AppendPath("/31024/10").SetFormat(coap.SenMLCBOR), Payload: []byte{0x81, 0xa2, 0, 0x61, '1', 2, 5}},
		{Code: coap.POST, Options: coap.Options(nil).AppendPath("/31024").SetFormat(coap.TLV), Payload: []byte{0xc1, 1, 5}},
		{Code: coap.PUT, Options: coap.Options(nil).AppendPath("/3303/0/5700").AddQuery("gt=5").AddQuery("pmin=1")},
		{Code: coap.DELETE, Options: coap.Options(nil).AppendPath("/31024/10")},
	} {
		b, _ := m.Append(nil)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := newScript(t, nil, objects.NewTest(), objects.NewTemperature(1, nil)).registered()
		for range 2 {
			s.c.Receive(s.now, 1, s.server, append([]byte(nil), b...))
			s.pass(20 * time.Second)
		}
		s.id = 40_000
		s.out = nil
		s.command("> GET /3/0/0 accept=0")
		if last := s.out[len(s.out)-1]; last != "< ACK 2.05 ct=0 : Heddle" {
			t.Errorf("after %x the device says %v", b, s.out)
		}
	})
}
