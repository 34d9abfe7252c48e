package meshcop

import (
	"encoding/binary"
	"strings"
)

// NetworkKey is the secret that all nodes of a network share.
type NetworkKey [16]byte

// SecurityPolicy is what a network allows and how often it rotates its key (Thread 1.3 section 8.10.1.15).
type SecurityPolicy struct {
	RotationHours           uint16
	ObtainNetworkKey        bool // o
	NativeCommissioning     bool // n
	Routers                 bool // r
	ExternalCommissioning   bool // c
	CommercialCommissioning bool // C
	AutonomousEnrollment    bool // e
	NetworkKeyProvisioning  bool // p
	TobleLink               bool
	NonCCMRouters           bool // R
	RoutingVersionThreshold uint8
}

// The bounds of a rotation time, in hours.
const (
	DefaultRotation = 672
	MinRotation     = 2
)

// DefaultPolicy is the policy of a network that has none.
func DefaultPolicy() SecurityPolicy {
	return SecurityPolicy{RotationHours: DefaultRotation, ObtainNetworkKey: true, NativeCommissioning: true, Routers: true,
		ExternalCommissioning: true, TobleLink: true}
}

// flags are those with a letter on OpenThread's command line, in the order in which it prints them.
func (p *SecurityPolicy) flags() []policyFlag {
	return []policyFlag{{'o', &p.ObtainNetworkKey}, {'n', &p.NativeCommissioning}, {'r', &p.Routers}, {'c', &p.ExternalCommissioning},
		{'C', &p.CommercialCommissioning}, {'e', &p.AutonomousEnrollment}, {'p', &p.NetworkKeyProvisioning}, {'R', &p.NonCCMRouters}}
}

type policyFlag struct {
	letter byte
	on     *bool
}

// Letters are those of the flags that are set.
func (p SecurityPolicy) Letters() (s string) {
	for _, f := range p.flags() {
		if *f.on {
			s += string(f.letter)
		}
	}
	return s
}

// SetLetters sets the flags whose letters are in s and clears the other ones, and reports whether all letters are known.
func (p *SecurityPolicy) SetLetters(s string) (known bool) {
	all := ""
	for _, f := range p.flags() {
		*f.on = strings.IndexByte(s, f.letter) >= 0
		all += string(f.letter)
	}
	return strings.Trim(s, all) == ""
}

// Bits of the flags. Some say that something is not allowed.
const (
	flagObtain       = 1 << 7
	flagNative       = 1 << 6
	flagRouters      = 1 << 5
	flagExternal     = 1 << 4
	flagNoCommercial = 1 << 2
	flagNoEnrollment = 1 << 1
	flagNoProvision  = 1 << 0

	flagToble    = 1 << 7
	flagNoNonCCM = 1 << 6
	flagReserved = 0x38
)

// ParsePolicy reads the value of a Security Policy TLV: rotation time and one or two bytes of flags.
func ParsePolicy(v []byte) (p SecurityPolicy, ok bool) {
	if len(v) < 3 {
		return p, false
	}
	p = DefaultPolicy()
	p.RotationHours = binary.BigEndian.Uint16(v)
	f := v[2]
	p.ObtainNetworkKey, p.NativeCommissioning = f&flagObtain != 0, f&flagNative != 0
	p.Routers, p.ExternalCommissioning = f&flagRouters != 0, f&flagExternal != 0
	p.CommercialCommissioning, p.AutonomousEnrollment = f&flagNoCommercial == 0, f&flagNoEnrollment == 0
	p.NetworkKeyProvisioning = f&flagNoProvision == 0
	if len(v) > 3 {
		f = v[3]
		p.TobleLink, p.NonCCMRouters, p.RoutingVersionThreshold = f&flagToble != 0, f&flagNoNonCCM == 0, f&7
	}
	return p, true
}

// Append appends the value of a Security Policy TLV in its form of 4 bytes. Bit 3 of the first byte of flags, the old
// "beacons" bit, stays clear as in OpenThread.
func (p SecurityPolicy) Append(dst []byte) []byte {
	set := func(on bool, bit byte) byte {
		if on {
			return bit
		}
		return 0
	}
	a := set(p.ObtainNetworkKey, flagObtain) | set(p.NativeCommissioning, flagNative) | set(p.Routers, flagRouters) |
		set(p.ExternalCommissioning, flagExternal) | set(!p.CommercialCommissioning, flagNoCommercial) |
		set(!p.AutonomousEnrollment, flagNoEnrollment) | set(!p.NetworkKeyProvisioning, flagNoProvision)
	b := set(p.TobleLink, flagToble) | set(!p.NonCCMRouters, flagNoNonCCM) | flagReserved | p.RoutingVersionThreshold&7
	return append(binary.BigEndian.AppendUint16(dst, p.RotationHours), a, b)
}
