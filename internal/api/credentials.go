package api

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"heddle.example/internal/access"
	"heddle.example/internal/credentials"
	"heddle.example/internal/fleet"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// Credential is what a device must prove. Keys are never in it.
type Credential struct {
	Endpoint    string         `json:"endpoint"`
	Mode        string         `json:"mode" enum:"psk,rpk,x509"`
	Identity    string         `json:"identity" doc:"PSK identity; SHA-256 of a raw public key; name in the certificate"`
	HasKey      bool           `json:"hasKey" doc:"there is a secret key"`
	PublicKey   string         `json:"publicKey,omitempty" doc:"of mode rpk: SubjectPublicKeyInfo, base64"`
	CreatedAt   time.Time      `json:"createdAt"`
	State       string         `json:"state" enum:"registered,seen,never,refused" doc:"how the device is: registered; seen: it was; never: not yet; refused: its last attempt failed"`
	LastRefusal *fleet.Refusal `json:"lastRefusal,omitempty"`
}

// CredentialInput is a credential to store.
type CredentialInput struct {
	Mode      string `json:"mode,omitempty" enum:"psk,rpk,x509" default:"psk"`
	Identity  string `json:"identity,omitempty" maxLength:"128" doc:"psk: the identity; x509: the name in the certificate, the endpoint's where it is left out"`
	Key       string `json:"key,omitempty" doc:"psk: hexadecimal, 16 to 128 digits" writeOnly:"true"`
	PublicKey string `json:"publicKey,omitempty" maxLength:"1024" doc:"rpk: PEM, or SubjectPublicKeyInfo as base64 or hexadecimal digits; P-256"`
}

// BulkItem is one of many.
type BulkItem struct {
	Endpoint string `json:"endpoint"`
	CredentialInput
}

// BulkResult says what became of many.
type BulkResult struct {
	Added    int         `json:"added"`
	Replaced int         `json:"replaced"`
	Skipped  int         `json:"skipped"`
	Errors   []BulkError `json:"errors"`
}

// BulkError says what is wrong with one of many.
type BulkError struct {
	Index  int    `json:"index" doc:"place in items, from 0"`
	Detail string `json:"detail"`
}

// credential makes the stored form. The error never holds the key.
func (in *CredentialInput) credential(endpoint string) (server.Credential, error) {
	var c server.Credential
	switch {
	case in.Mode != "rpk" && in.PublicKey != "":
		return c, fmt.Errorf("%w: only mode rpk takes publicKey", credentials.ErrInvalid)
	case (in.Mode == "rpk" || in.Mode == "x509") && in.Key != "":
		return c, fmt.Errorf("%w: only mode psk takes key", credentials.ErrInvalid)
	}
	switch in.Mode {
	case "", "psk":
		key, err := hex.DecodeString(in.Key)
		if err != nil {
			return c, fmt.Errorf("%w: the key must be an even number of hexadecimal digits", credentials.ErrInvalid)
		}
		c = server.Credential{Endpoint: endpoint, Identity: in.Identity, Key: key, Mode: machine.PSK}
	case "rpk":
		if in.Identity != "" {
			return c, fmt.Errorf("%w: mode rpk takes no identity: it is the key's", credentials.ErrInvalid)
		}
		key, err := credentials.ParsePublicKey(in.PublicKey)
		if err != nil {
			return c, err
		}
		c = credentials.RPK(endpoint, key)
	case "x509":
		c = credentials.X509(endpoint, in.Identity)
	default:
		return c, fmt.Errorf("%w: mode %q is not supported; use psk, rpk or x509", credentials.ErrInvalid, in.Mode)
	}
	return c, credentials.Check(c)
}

func (a *API) viewCredential(c credentials.Credential) Credential {
	v := Credential{Endpoint: c.Endpoint, Mode: c.Mode.String(), Identity: c.Identity, HasKey: c.Mode == machine.PSK, CreatedAt: c.CreatedAt, State: "never"}
	if c.Mode == machine.RPK {
		v.PublicKey = base64.StdEncoding.EncodeToString(c.Key)
	}
	refusal, refused := a.c.Fleet.LastRefusal(c.Endpoint, c.Identity)
	if refused {
		v.LastRefusal = &refusal
	}
	switch {
	case a.c.Fleet.Registration(c.Endpoint) != nil:
		v.State = "registered"
	case refused:
		v.State = "refused"
	case a.c.Fleet.Seen(c.Endpoint):
		v.State = "seen"
	}
	return v
}

func (a *API) tellCredential(endpoint, change string) {
	a.c.Hub.Publish("credential", endpoint, func() []byte {
		return jsonOf(struct {
			Endpoint string `json:"endpoint"`
			Change   string `json:"change"`
		}{endpoint, change})
	})
}

func (a *API) credentialRoutes() {
	const tag = "Credentials"
	type query struct {
		Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
		After string `query:"after" maxLength:"256" doc:"endpoint: only rows after it"`
		Q     string `query:"q" maxLength:"256" doc:"text in endpoint or identity"`
	}
	type page struct {
		Total int          `json:"total"`
		Items []Credential `json:"items"`
		Next  string       `json:"next,omitempty" doc:"give it as after for the next page"`
	}
	huma.Register(a.huma, op("GET", "/credentials", "credential.list", access.Read, tag, "Device credentials, without keys, sorted by endpoint"), func(_ context.Context, in *query) (*body[page], error) {
		p := page{Total: a.c.Credentials.Len(), Items: []Credential{}}
		list := a.c.Credentials.List(in.After, in.Q, in.Limit+1)
		for i, c := range list {
			if i == in.Limit {
				p.Next = list[i-1].Endpoint
				break
			}
			p.Items = append(p.Items, a.viewCredential(c))
		}
		return answer(p), nil
	})
	none := func(endpoint string) *Problem {
		return problem(404, "%q has no credentials. PUT /api/v1/credentials/%s adds them.", endpoint, endpoint)
	}
	huma.Register(a.huma, status(op("GET", "/credentials/{endpoint}", "credential.get", access.Read, tag, "The credentials of one device, without the key"), 200, 404), func(_ context.Context, in *EndpointInput) (*body[Credential], error) {
		c, ok := a.c.Credentials.Get(in.Endpoint)
		if !ok {
			return nil, none(in.Endpoint)
		}
		return answer(a.viewCredential(c)), nil
	})
	type key struct {
		Key string `json:"key" doc:"hexadecimal"`
	}
	huma.Register(a.huma, status(op("GET", "/credentials/{endpoint}/key", "credential.key", access.Admin, tag, "The key of a device; noted in the audit log"), 200, 404), func(ctx context.Context, in *keyInput) (*body[key], error) {
		c, ok := a.c.Credentials.Get(in.Endpoint)
		secret := ok && c.Mode == machine.PSK
		p := who(ctx)
		a.c.Access.Audit(access.Entry{User: p.User, Via: p.Via, Remote: in.remote, Action: "credential.key", Target: "/credentials/" + in.Endpoint, Status: map[bool]int{true: 200, false: 404}[secret]})
		switch {
		case !ok:
			return nil, none(in.Endpoint)
		case !secret:
			return nil, problem(404, "%q has no secret key here: its mode is %s.", in.Endpoint, c.Mode)
		}
		return answer(key{hex.EncodeToString(c.Key)}), nil
	})
	type put struct {
		EndpointInput
		Body CredentialInput
	}
	type putOutput struct {
		Status int
		Body   Credential
	}
	huma.Register(a.huma, status(op("PUT", "/credentials/{endpoint}", "credential.put", access.Admin, tag, "Add or replace the credentials of a device"), 200, 409), func(_ context.Context, in *put) (*putOutput, error) {
		c, err := in.Body.credential(in.Endpoint)
		if err != nil {
			return nil, problemOf(err)
		}
		created, err := a.c.Credentials.Put(c, false)
		if err != nil {
			return nil, problemOf(err)
		}
		code := map[bool]int{true: http.StatusCreated, false: http.StatusOK}[created]
		a.tellCredential(in.Endpoint, map[bool]string{true: "added", false: "replaced"}[created])
		stored, _ := a.c.Credentials.Get(in.Endpoint)
		return &putOutput{code, a.viewCredential(stored)}, nil
	})
	huma.Register(a.huma, status(op("DELETE", "/credentials/{endpoint}", "credential.delete", access.Admin, tag, "Remove the credentials of a device; its session ends"), 204, 404), func(_ context.Context, in *EndpointInput) (*empty, error) {
		if err := a.c.Credentials.Delete(in.Endpoint); err != nil {
			return nil, problemOf(err)
		}
		a.tellCredential(in.Endpoint, "removed")
		return nil, nil
	})
	type bulk struct {
		Body struct {
			Items      []BulkItem `json:"items" maxItems:"200000"`
			OnConflict string     `json:"onConflict,omitempty" enum:"fail,replace,skip" default:"fail" doc:"what becomes of an endpoint that has credentials already"`
		}
	}
	many := status(op("POST", "/credentials/bulk", "credential.bulk", access.Admin, tag, "Add many credentials in one commit; a bad item is reported and keeps no other out"), 200)
	many.MaxBodyBytes = 64 << 20
	many.SkipValidateBody = true // each item is checked below, and reported by its place
	huma.Register(a.huma, many, func(_ context.Context, in *bulk) (*body[BulkResult], error) {
		on, err := credentials.ParseOnConflict(in.Body.OnConflict)
		if err != nil {
			return nil, problemOf(err)
		}
		res := BulkResult{Errors: []BulkError{}}
		good := make([]server.Credential, 0, len(in.Body.Items))
		place := make([]int, 0, len(in.Body.Items))
		for i := range in.Body.Items {
			c, err := in.Body.Items[i].credential(in.Body.Items[i].Endpoint)
			if err != nil {
				res.Errors = append(res.Errors, BulkError{i, sentence(err)})
				continue
			}
			good, place = append(good, c), append(place, i)
		}
		r, err := a.c.Credentials.PutAll(good, on)
		if err != nil {
			return nil, problemOf(err)
		}
		res.Added, res.Replaced, res.Skipped = r.Added, r.Replaced, r.Skipped
		for _, e := range r.Errors {
			res.Errors = append(res.Errors, BulkError{place[e.Index], sentence(e.Err)})
		}
		a.tellCredential("", "bulk")
		return answer(res), nil
	})
	type generated struct {
		Identity string `json:"identity"`
		Key      string `json:"key" doc:"hexadecimal, 16 bytes"`
	}
	huma.Register(a.huma, status(op("POST", "/credentials/generate", "credential.generate", access.Admin, tag, "A random identity and key; nothing is stored"), 200), func(context.Context, *empty) (*body[generated], error) {
		var b [24]byte
		rand.Read(b[:])
		return answer(generated{hex.EncodeToString(b[:8]), hex.EncodeToString(b[8:])}), nil
	})
}

type keyInput struct {
	EndpointInput
	Source
}
