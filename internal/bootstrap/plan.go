package bootstrap

import (
	"strings"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/bootstrap"
)

// PlanOptions say what a dry run assumes of the device.
type PlanOptions struct {
	Device     string // its name, for a group
	Discovered string // what it says that it has, in link format; empty: its account of this server, at /0/0
	Prefers    string // the format that it prefers
}

// factoryLinks is a device of version 1.1 as it comes out of the factory.
const factoryLinks = "</>;lwm2m=1.1,</0/0>"

// Plan checks a configuration as Put does and returns the messages of a session with it. Nothing is stored.
func (t *Configurations) Plan(c *Configuration, o PlanOptions) ([]Step, error) {
	c, _, err := t.prepare(c, false)
	if err != nil {
		return nil, err
	}
	name := o.Device
	if name == "" {
		if name = c.Endpoint; c.Group() {
			name = strings.TrimSuffix(name, "*") + "NAME"
		}
	}
	if o.Discovered == "" {
		o.Discovered = factoryLinks
	}
	found, err := bootstrap.ParseFound([]byte(o.Discovered))
	if err != nil {
		return nil, &Invalid{[]Item{{"discovered", "is not in link format"}}}
	}
	ct, _, err := FormatOf(o.Prefers)
	if err != nil {
		return nil, &Invalid{[]Item{{"prefers", "is none of tlv, senml-json, senml-cbor"}}}
	}
	if ct == 0 {
		ct = coap.TLV
	}
	request := coap.Options{}.AppendPath("bs").AddQuery("ep=" + name).AddQuery("pct=" + number(ct))
	steps := []Step{{Op: bootstrap.Request.String(), Code: "POST", Path: "/bs?ep=" + name + "&pct=" + number(ct), What: "Request", Size: size(coap.POST, request, nil)}}
	if c.HasFormat {
		ct = c.Format
	}
	p := c.Provision(name, nil)
	list := append([]bootstrap.Message{bootstrap.First()}, p.Messages(&found)...)
	for i := range list {
		s, err := t.planned(&list[i], i+1, ct)
		if err != nil {
			return nil, err
		}
		steps = append(steps, s)
	}
	return steps, nil
}

// planned makes the view of a message that is not sent.
func (t *Configurations) planned(m *bootstrap.Message, n int, ct coap.ContentFormat) (Step, error) {
	step := bootstrap.Step{Number: n, Op: m.Op, Method: m.Method, URI: m.URI(), Note: m.Note, Skipped: m.Skipped}
	step.Entries, step.Lengths = bootstrap.Mask(m.Entries)
	options := coap.Options{}.AppendPath(m.URI())
	var payload []byte
	switch m.Op {
	case bootstrap.Discover:
		options = options.SetAccept(coap.LinkFormat)
		step.Accept, step.HasAccept = coap.LinkFormat, true
	case bootstrap.Read:
		options = options.SetAccept(ct)
		step.Accept, step.HasAccept = ct, true
	case bootstrap.WriteOp:
		var err error
		if payload, err = m.Encode(ct); err != nil {
			return Step{}, &Invalid{[]Item{{"objects." + m.Path.String(), err.Error()}}}
		}
		options = options.SetFormat(ct)
		step.Format, step.HasFormat = ct, true
	}
	v := View(&step, t.registry())
	if v.State = ""; m.Skipped {
		v.State = "skipped"
		return v, nil
	}
	v.Size = size(m.Method, options, payload)
	return v, nil
}

// size is the bytes of a CoAP message with a token of 8 bytes, as ours have.
func size(code coap.Code, options coap.Options, payload []byte) int {
	b, err := (&coap.Message{Type: coap.CON, Code: code, Token: coap.NewToken(make([]byte, 8)), Options: options, Payload: payload}).Append(nil)
	if err != nil {
		return 0
	}
	return len(b)
}

func number(ct coap.ContentFormat) string { return lwm2m.Uint(uint64(ct)).String() }
