package client

import (
	"math"

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
	serverShortID         = 0
	serverLifetime        = 1
	serverMinPeriod       = 2
	serverMaxPeriod       = 3
	serverDisable         = 4
	serverDisableTimeout  = 5
	serverStoring         = 6
	serverBinding         = 7
	serverUpdate          = 8
	serverBootstrap       = 9
	serverPriority        = 13
	serverInitialDelay    = 14
	serverFailureBlock    = 15
	serverBootstrapOnFail = 16
	serverRetryCount      = 17
	serverRetryTimer      = 18
	serverSequenceDelay   = 19
	serverSequenceCount   = 20
	serverMute            = 23
)

// serverDefinition is object 1, version 1.1. Resources 13 to 20 have no operations in it: bootstrap alone writes them.
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
	{ID: serverBootstrap, Name: "Bootstrap-Request Trigger", Operations: ex},
	{ID: serverPriority, Name: "Registration Priority Order", Kind: lwm2m.Integer, Max: math.MaxUint32},
	{ID: serverInitialDelay, Name: "Initial Registration Delay Timer", Kind: lwm2m.Integer, Max: math.MaxUint32},
	{ID: serverFailureBlock, Name: "Registration Failure Block", Kind: lwm2m.Boolean},
	{ID: serverBootstrapOnFail, Name: "Bootstrap on Registration Failure", Kind: lwm2m.Boolean},
	{ID: serverRetryCount, Name: "Communication Retry Count", Kind: lwm2m.Integer, Max: math.MaxUint32},
	{ID: serverRetryTimer, Name: "Communication Retry Timer", Kind: lwm2m.Integer, Max: math.MaxUint32},
	{ID: serverSequenceDelay, Name: "Communication Sequence Delay Timer", Kind: lwm2m.Integer, Max: math.MaxUint32},
	{ID: serverSequenceCount, Name: "Communication Sequence Retry Count", Kind: lwm2m.Integer, Max: math.MaxUint32},
	{ID: serverMute, Name: "Mute Send", Kind: lwm2m.Boolean, Operations: rw},
}}

// server is object 1 as an Object: its instances are the accounts.
type server struct{ c *Client }

func (s server) Definition() *Definition { return &serverDefinition }

func (s server) Instances(dst []uint16) []uint16 { return s.c.serverIDs(dst) }

func (s server) Read(_ machine.Time, dst []lwm2m.Entry, p lwm2m.Path) ([]lwm2m.Entry, bool) {
	i := s.c.serverInstance(p.Instance())
	if i < 0 {
		return dst, false
	}
	a := &s.c.accounts[i]
	v, ok := a.value(p.Resource())
	switch r := p.Resource(); {
	case r == serverBootstrap:
		return dst, s.c.bootstrapAccount() >= 0
	case r == serverBinding && s.c.cfg.Queue && a.version == lwm2m.V1_0:
		v = lwm2m.Str((a.binding | lwm2m.BindingQueue).String())
	}
	if !ok || v.IsNone() {
		return dst, ok
	}
	return append(dst, lwm2m.Entry{Path: p, Value: v}), true
}

func (s server) CheckWrite(_ Call, w Writing) error {
	if w.Resource.Resource() != serverBinding {
		return nil
	}
	text, _ := w.Value().AsString()
	_, err := s.c.checkBinding(text)
	return err
}

// checkBinding reads a binding, and reports whether the device has it.
func (c *Client) checkBinding(text string) (lwm2m.Binding, error) {
	b, err := lwm2m.ParseBinding(text)
	if err != nil {
		return 0, BadRequest(err.Error())
	}
	if have := c.cfg.Binding | lwm2m.BindingQueue; !have.Has(b) {
		return 0, BadRequest("this device has the binding " + c.cfg.Binding.String() + " only")
	}
	return b, nil
}

func (s server) Write(_ Call, w Writing) {
	i := s.c.serverInstance(w.Resource.Instance())
	if i < 0 {
		return
	}
	a := &s.c.accounts[i]
	lifetime, binding := a.Lifetime, a.binding
	a.set(w.Resource.Resource(), w.Value())
	if a.Lifetime != lifetime {
		a.dirty |= dirtLifetime
	}
	if a.binding != binding {
		a.dirty |= dirtBinding
	}
	s.c.dirty = true
	if r := w.Resource.Resource(); r == serverMinPeriod || r == serverMaxPeriod {
		s.c.attributesChanged(i, lwm2m.Root)
	}
}

func (s server) Execute(call Call, p lwm2m.Path, _ []Argument) error {
	i := s.c.serverInstance(p.Instance())
	if i < 0 {
		return NotFound("no such object instance")
	}
	a := &s.c.accounts[i]
	switch p.Resource() {
	case serverDisable:
		a.disabling, a.disabled, s.c.dirty = true, call.Now.Add(a.DisableTimeout), true
	case serverUpdate:
		a.dirty |= dirtForced
	case serverBootstrap:
		return s.c.triggerBootstrap()
	default:
		return NotFound("no such resource")
	}
	return nil
}
