package leshan

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
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

// pskDetails are those of mode psk; of mode rpk only the key, which is public and in hexadecimal digits. Mode x509 has none.
type pskDetails struct {
	Identity string `json:"identity,omitempty"`
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
			list = append(list, info{Endpoint: c.Endpoint, TLS: &tlsInfo{c.Mode.String(), details(&c.Credential, visible)}})
		}
		after = page[len(page)-1].Endpoint
	}
	reply(w, list)
}

func details(c *server.Credential, visible bool) *pskDetails {
	switch {
	case c.Mode == machine.X509:
		return nil
	case c.Mode == machine.RPK:
		return &pskDetails{Key: hex.EncodeToString(c.Key)}
	case !visible:
		return &pskDetails{c.Identity, mask}
	}
	return &pskDetails{c.Identity, hex.EncodeToString(c.Key)}
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
	c, why := in.credential()
	if why != "" {
		fail(w, 400, "Invalid request body: %s", why)
		return
	}
	_, err = l.c.Credentials.Put(c, false)
	switch {
	case errors.Is(err, credentials.ErrConflict), errors.Is(err, credentials.ErrInvalid):
		fail(w, 400, "%v", err)
	case err != nil:
		fail(w, 500, "%v", err)
	}
}

// credential makes the stored form, or says what is wrong. Without a mode it is psk, as in the older shape.
func (in *info) credential() (c server.Credential, why string) {
	mode, d := "psk", in.PSK
	if in.TLS != nil {
		mode, d = in.TLS.Mode, in.TLS.Details
	}
	if d == nil {
		d = &pskDetails{}
	}
	key, err := hex.DecodeString(d.Key)
	switch {
	case in.Endpoint == "":
		return c, "Missing endpoint"
	case mode == "x509":
		return credentials.X509(in.Endpoint, ""), ""
	case mode != "psk" && mode != "rpk":
		return c, fmt.Sprintf("mode %q is not supported", mode)
	case mode == "psk" && d.Identity == "":
		return c, "Missing PSK identity"
	case err != nil:
		return c, "key parameter must be a valid hex string"
	case mode == "rpk":
		return credentials.RPK(in.Endpoint, key), ""
	}
	return server.Credential{Endpoint: in.Endpoint, Identity: d.Identity, Key: key, Mode: machine.PSK}, ""
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
