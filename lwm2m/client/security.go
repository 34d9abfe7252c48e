package client

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"heddle.example/dtls"
	"heddle.example/lwm2m"
	"heddle.example/machine"
)

// The objects that the client itself has to know.
const (
	securityObject = 0
	serverObject   = 1
	accessObject   = 2
	deviceObject   = 3
)

// The resources of object 0.
const (
	securityURI       = 0
	securityBootstrap = 1
	securityMode      = 2
	securityIdentity  = 3
	securityServerKey = 4
	securityKey       = 5
	securityShortID   = 10
	securityHoldOff   = 11
	securityTimeout   = 12
	securityMatching  = 13
	securitySNI       = 14
	securityUsage     = 15
	securitySuites    = 16
)

// Security modes (resource 2) that the client has.
const (
	modePSK  = 0
	modeRPK  = 1
	modeX509 = 2
	modeNone = 3
)

// modes are the numbers of the kinds of security.
var modes = map[machine.SecurityKind]int64{machine.PSK: modePSK, machine.RPK: modeRPK, machine.X509: modeX509}

// securityDefinition is object 0, version 1.1. It has no operations: only bootstrap may touch it (appendix E.1).
var securityDefinition = Definition{ID: securityObject, Name: "LWM2M Security", Version: lwm2m.V1_1, Multiple: true, Resources: []Resource{
	{ID: securityURI, Name: "LWM2M Server URI", Kind: lwm2m.String, Mandatory: true, Min: 1, Max: 255},
	{ID: securityBootstrap, Name: "Bootstrap-Server", Kind: lwm2m.Boolean, Mandatory: true},
	{ID: securityMode, Name: "Security Mode", Kind: lwm2m.Integer, Mandatory: true, Min: 0, Max: 4},
	{ID: securityIdentity, Name: "Public Key or Identity", Kind: lwm2m.Opaque, Mandatory: true},
	{ID: securityServerKey, Name: "Server Public Key", Kind: lwm2m.Opaque, Mandatory: true},
	{ID: securityKey, Name: "Secret Key", Kind: lwm2m.Opaque, Mandatory: true},
	{ID: securityShortID, Name: "Short Server ID", Kind: lwm2m.Integer, Max: 65535},
	{ID: securityHoldOff, Name: "Client Hold Off Time", Kind: lwm2m.Integer, Max: maxSeconds},
	{ID: securityTimeout, Name: "Bootstrap-Server Account Timeout", Kind: lwm2m.Integer, Max: maxSeconds},
	{ID: securityMatching, Name: "Matching Type", Kind: lwm2m.Unsigned, Max: 3},
	{ID: securitySNI, Name: "SNI", Kind: lwm2m.String, Max: 255},
	{ID: securityUsage, Name: "Certificate Usage", Kind: lwm2m.Unsigned, Max: 3},
	{ID: securitySuites, Name: "DTLS/TLS Ciphersuite", Kind: lwm2m.Unsigned, Multiple: true, Max: 65535},
}}

// maxSeconds bounds the times that a bootstrap server can give.
const maxSeconds = 1<<32 - 1

// security is object 0 as an Object: its instances are the accounts. No value ever leaves it here.
type security struct{ c *Client }

func (s security) Definition() *Definition { return &securityDefinition }

func (s security) Instances(dst []uint16) []uint16 { return s.c.securityIDs(dst) }

func (s security) Read(_ machine.Time, dst []lwm2m.Entry, _ lwm2m.Path) ([]lwm2m.Entry, bool) {
	return dst, false
}

// secureURI reports whether the URI asks for DTLS.
func (a *Account) secureURI() bool { return strings.HasPrefix(strings.ToLower(a.URI), "coaps:") }

// securityAccount makes an account of an instance of object 0.
func securityAccount(entries []lwm2m.Entry) (account, error) {
	var a Account
	mode := int64(-1)
	var identity, key, serverKey string
	for _, e := range entries {
		if e.Path.Depth() < 3 {
			continue
		}
		n, _ := e.Value.AsInt()
		switch e.Path.Resource() {
		case securityURI:
			a.URI = e.Value.Raw()
		case securityBootstrap:
			a.Bootstrap, _ = e.Value.AsBool()
		case securityMode:
			mode = n
		case securityIdentity:
			identity = e.Value.Raw()
		case securityServerKey:
			serverKey = e.Value.Raw()
		case securityKey:
			key = e.Value.Raw()
		case securityShortID:
			a.ShortID = uint16(n)
		case securityHoldOff:
			a.HoldOff = time.Duration(n) * time.Second
		case securityTimeout:
			a.AccountTimeout = time.Duration(n) * time.Second
		case securityMatching:
			a.MatchingType = dtls.Matching(n)
		case securitySNI:
			a.SNI = e.Value.Raw()
		case securityUsage:
			usage := dtls.Usage(n)
			a.CertificateUsage = &usage
		case securitySuites:
			if e.Path.Depth() == 4 {
				a.Suites = append(a.Suites, dtls.Suite(n))
			}
		}
	}
	for _, s := range a.Suites {
		if !slices.Contains(dtls.SecureSuites(), s) {
			return account{}, fmt.Errorf("cipher suite %d is not supported", s)
		}
	}
	switch secure := a.secureURI(); {
	case a.URI == "":
		return account{}, errors.New("the server's URI is missing")
	case secure && mode == modePSK:
		if len(identity) > maxSecret || len(key) > maxSecret {
			return account{}, fmt.Errorf("identity or key is longer than %d bytes", maxSecret)
		}
		a.Identity, a.Key = identity, []byte(key)
	case secure && (mode == modeRPK || mode == modeX509):
		a.Identity, a.Key, a.ServerKey = identity, []byte(key), []byte(serverKey)
		if a.Mode = machine.RPK; mode == modeX509 {
			a.Mode = machine.X509
		}
	case secure && mode == modeNone || !secure && mode >= 0 && mode != modeNone:
		return account{}, fmt.Errorf("security mode %d does not go with the URI's scheme", mode)
	case secure:
		return account{}, fmt.Errorf("security mode %d is not supported: 0 (pre-shared key), 1 (raw public key), 2 (certificate) or 3 (none)", mode)
	}
	return newAccount(a)
}

func wholeSeconds(d time.Duration) int64 { return max(0, int64(d/time.Second)) }
