package client

import (
	"math"
	"time"

	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// Short names for the columns below.
const (
	ro = lwm2m.Read
	rw = lwm2m.Read | lwm2m.Write
	ex = lwm2m.Execute
)

// The resources of object 1.
const (
	serverShortID        = 0
	serverLifetime       = 1
	serverMinPeriod      = 2
	serverMaxPeriod      = 3
	serverDisable        = 4
	serverDisableTimeout = 5
	serverStoring        = 6
	serverBinding        = 7
	serverUpdate         = 8
	serverMute           = 23
)

// serverDefinition is object 1, version 1.1. Resources 13 to 20 have no operations in it: they come from the account.
var serverDefinition = Definition{ID: serverObject, Name: "LwM2M Server", Version: lwm2m.V1_1, Multiple: true, Resources: []Resource{
	{ID: serverShortID, Name: "Short Server ID", Kind: lwm2m.Integer, Operations: ro, Mandatory: true, Min: 1, Max: 65534},
	{ID: serverLifetime, Name: "Lifetime", Kind: lwm2m.Integer, Operations: rw, Mandatory: true, Max: math.MaxUint32},
	{ID: serverMinPeriod, Name: "Default Minimum Period", Kind: lwm2m.Integer, Operations: rw, Max: math.MaxUint32},
	{ID: serverMaxPeriod, Name: "Default Maximum Period", Kind: lwm2m.Integer, Operations: rw, Max: math.MaxUint32},
	{ID: serverDisable, Name: "Disable", Operations: ex},
	{ID: serverDisableTimeout, Name: "Disable Timeout", Kind: lwm2m.Integer, Operations: rw, Max: math.MaxUint32},
	{ID: serverStoring, Name: "Notification Storing When Disabled or Offline", Kind: lwm2m.Boolean, Operations: rw, Mandatory: true},
	{ID: serverBinding, Name: "Binding", Kind: lwm2m.String, Operations: rw, Mandatory: true},
	{ID: serverUpdate, Name: "Registration Update Trigger", Operations: ex, Mandatory: true},
	{ID: serverMute, Name: "Mute Send", Kind: lwm2m.Boolean, Operations: rw},
}}

// server is object 1 as an Object: its instances are the accounts.
type server struct{ c *Client }

func (s server) Definition() *Definition { return &serverDefinition }

func (s server) Instances(dst []uint16) []uint16 { return s.c.accountIDs(dst) }

func (s server) Read(_ machine.Time, dst []lwm2m.Entry, p lwm2m.Path) ([]lwm2m.Entry, bool) {
	a := &s.c.accounts[p.Instance()]
	var v lwm2m.Value
	switch p.Resource() {
	case serverShortID:
		v = lwm2m.Int(int64(a.ShortID))
	case serverLifetime:
		v = lwm2m.Int(a.lifetimeSeconds())
	case serverMinPeriod:
		v = lwm2m.Int(int64(a.MinPeriod / time.Second))
	case serverMaxPeriod:
		v = lwm2m.Int(int64(a.MaxPeriod / time.Second))
	case serverDisableTimeout:
		v = lwm2m.Int(int64(a.DisableTimeout / time.Second))
	case serverStoring:
		v = lwm2m.Bool(a.Storing)
	case serverBinding:
		b := a.binding
		if s.c.cfg.Queue && a.version == lwm2m.V1_0 {
			b |= lwm2m.BindingQueue
		}
		v = lwm2m.Str(b.String())
	case serverMute:
		if !a.hasMute {
			return dst, false
		}
		v = lwm2m.Bool(a.mute)
	case serverDisable, serverUpdate:
		return dst, true
	default:
		return dst, false
	}
	return append(dst, lwm2m.Entry{Path: p, Value: v}), true
}

func (s server) CheckWrite(_ Call, w Writing) error {
	if w.Resource.Resource() != serverBinding {
		return nil
	}
	text, _ := w.Value().AsString()
	b, err := lwm2m.ParseBinding(text)
	if err != nil {
		return BadRequest(err.Error())
	}
	if have := s.c.cfg.Binding | lwm2m.BindingQueue; !have.Has(b) {
		return BadRequest("this device has the binding " + s.c.cfg.Binding.String() + " only")
	}
	return nil
}

func (s server) Write(_ Call, w Writing) {
	a := &s.c.accounts[w.Resource.Instance()]
	v := w.Value()
	n, _ := v.AsInt()
	yes, _ := v.AsBool()
	d := time.Duration(n) * time.Second
	switch w.Resource.Resource() {
	case serverLifetime:
		if n == 0 {
			d = -1
		}
		if d != a.Lifetime {
			a.Lifetime = d
			a.dirty |= dirtLifetime
		}
	case serverMinPeriod:
		a.MinPeriod = d
	case serverMaxPeriod:
		a.MaxPeriod = d
	case serverDisableTimeout:
		a.DisableTimeout = d
	case serverStoring:
		a.Storing = yes
	case serverBinding:
		text, _ := v.AsString()
		if b, err := lwm2m.ParseBinding(text); err == nil && b != a.binding {
			a.binding = b
			a.dirty |= dirtBinding
		}
	case serverMute:
		a.mute, a.hasMute = yes, true
	}
	s.c.dirty = true
	if r := w.Resource.Resource(); r == serverMinPeriod || r == serverMaxPeriod {
		s.c.attributesChanged(int(w.Resource.Instance()), lwm2m.Root)
	}
}

func (s server) Execute(_ Call, p lwm2m.Path, _ []Argument) error {
	a := &s.c.accounts[p.Instance()]
	switch p.Resource() {
	case serverDisable:
		a.disabling = true
	case serverUpdate:
		a.dirty |= dirtForced
	default:
		return NotFound("no such resource")
	}
	return nil
}
