package leshan

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"

	"heddle.example/internal/access"
	"heddle.example/internal/api"
	"heddle.example/internal/credentials"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// info is a client's security, in the shape of Leshan 2: {endpoint, tls: {mode, details}}. The older shape with "psk" at
// the top is read too.
type info struct {
	Endpoint string      `json:"endpoint"`
	TLS      *tlsInfo    `json:"tls,omitempty"`
	PSK      *pskDetails `json:"psk,omitempty"`
}

type tlsInfo struct {
	Mode    string      `json:"mode"`
	Details *pskDetails `json:"details,omitempty"`
}

type pskDetails struct {
	Identity string `json:"identity"`
	Key      string `json:"key,omitempty"`
}

// mask stands for a key that the reader may not see.
const mask = "********"

func (l *Leshan) securityList(w http.ResponseWriter, r *http.Request) {
	list := []info{}
	visible := api.Who(r.Context()).Role >= access.Admin
	for after := ""; ; {
		page := l.c.Credentials.List(after, "", 1000)
		if len(page) == 0 {
			break
		}
		for _, c := range page {
			key := mask
			if visible {
				key = hex.EncodeToString(c.Key)
			}
			list = append(list, info{Endpoint: c.Endpoint, TLS: &tlsInfo{c.Mode.String(), &pskDetails{c.Identity, key}}})
		}
		after = page[len(page)-1].Endpoint
	}
	reply(w, list)
}

func (l *Leshan) securityPut(w http.ResponseWriter, r *http.Request) {
	b, err := api.ReadBody(w, r)
	var in info
	if err == nil {
		err = json.Unmarshal(b, &in)
	}
	if err != nil {
		fail(w, 400, "Invalid request body: %v", err)
		return
	}
	psk := in.PSK
	if in.TLS != nil {
		if in.TLS.Mode != "psk" {
			fail(w, 400, "Invalid request body: mode %q is not supported", in.TLS.Mode)
			return
		}
		psk = in.TLS.Details
	}
	switch {
	case in.Endpoint == "":
		fail(w, 400, "Invalid request body: Missing endpoint")
		return
	case psk == nil || psk.Identity == "":
		fail(w, 400, "Invalid request body: Missing PSK identity")
		return
	}
	key, err := hex.DecodeString(psk.Key)
	if err != nil {
		fail(w, 400, "Invalid request body: key parameter must be a valid hex string")
		return
	}
	_, err = l.c.Credentials.Put(server.Credential{Endpoint: in.Endpoint, Identity: psk.Identity, Key: key, Mode: machine.PSK}, false)
	switch {
	case errors.Is(err, credentials.ErrConflict), errors.Is(err, credentials.ErrInvalid):
		fail(w, 400, "%v", err)
	case err != nil:
		fail(w, 500, "%v", err)
	}
}

func (l *Leshan) securityDelete(w http.ResponseWriter, r *http.Request) {
	err := l.c.Credentials.Delete(r.PathValue("endpoint"))
	switch {
	case errors.Is(err, credentials.ErrNotFound):
		reply(w, map[string]string{"message": "not_found"})
	case err != nil:
		fail(w, 500, "%v", err)
	}
}
