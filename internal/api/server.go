package api

import (
	"context"
	"encoding/json"
	"net/http"
	"runtime/debug"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"heddle.example/internal/access"
	"heddle.example/internal/fleet"
)

// Info is what the program says of itself.
type Info struct {
	Version       string            `json:"version"`
	Roles         []string          `json:"roles" enum:"server,bootstrap,simulation,mesh,node,border,traces" doc:"what runs in this program, and what can be looked at"`
	StartedAt     fleet.Time        `json:"startedAt" format:"date-time"`
	Addresses     []Address         `json:"addresses"`
	Web           string            `json:"web" example:"http://127.0.0.1:8080"`
	Registrations int               `json:"registrations"`
	Sessions      int               `json:"sessions" doc:"DTLS sessions"`
	Observations  int               `json:"observations"`
	Counters      map[string]uint64 `json:"counters" doc:"since the start"`
	Store         StoreInfo         `json:"store"`
	History       HistoryInfo       `json:"history"`
	PublicKey     string            `json:"publicKey,omitempty" doc:"what devices with raw public keys know this server by: SubjectPublicKeyInfo, base64"`
	Certificate   string            `json:"certificate,omitempty" doc:"the server's certificate for devices: DER, base64"`
	Demo          bool              `json:"demo"`
	Unknown       string            `json:"unknown" enum:"accept,refuse" doc:"what becomes of endpoints without credentials on plain CoAP"`
	Formats       []string          `json:"formats"`
	Versions      []string          `json:"versions" doc:"of LwM2M"`
}

// Address is one that devices reach the server at.
type Address struct {
	URI           string `json:"uri" example:"coap://[::]:5683"`
	Protocol      string `json:"protocol" enum:"coap,coaps"`
	Role          string `json:"role" enum:"server,bootstrap"`
	Received      uint64 `json:"received"`
	Sent          uint64 `json:"sent"`
	KernelDrops   uint64 `json:"kernelDrops" doc:"datagrams that the system dropped because the receive buffer was full"`
	ReceiveBuffer int    `json:"receiveBuffer" doc:"bytes"`
	LastError     string `json:"lastError,omitempty"`
}

// HistoryInfo is what is kept of observed and sent values.
type HistoryInfo struct {
	On       bool  `json:"on"`
	Days     int   `json:"days" doc:"older values go; 0: however old"`
	MaxBytes int64 `json:"maxBytes" doc:"beyond it the oldest values go"`
	Bytes    int64 `json:"bytes" doc:"what is there, without what came in the last seconds"`
}

// StoreInfo is how the store is.
type StoreInfo struct {
	Dir     string `json:"dir" doc:"empty: nothing is kept over a restart"`
	Commits uint64 `json:"commits"`
	Records uint64 `json:"records"`
	Pending int    `json:"pending"`
	Failed  string `json:"failed,omitempty" doc:"why nothing is promised any more"`
}

func (a *API) serverRoutes() {
	huma.Register(a.huma, op("GET", "/server", "server.get", access.Read, "Server", "Addresses, versions and counters"), func(context.Context, *empty) (*body[Info], error) {
		info := a.c.Info()
		info.Roles = a.withRoles(info.Roles)
		return answer(info), nil
	})
	a.handle(Route{"GET", "/metrics", access.Read, "metrics"}, func(w http.ResponseWriter, r *http.Request) {
		if a.c.Metrics == nil {
			http.NotFound(w, r)
			return
		}
		a.c.Metrics.ServeHTTP(w, r)
	})
	a.handle(Route{"GET", "/healthz", access.None, "health"}, func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Cache-Control"] = noStore
		if err := a.c.Failed(); err != nil {
			writeProblem(w, r, problem(503, "%v", err))
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Write([]byte("ok\n"))
	})
}

// withRoles adds what else can be looked at.
func (a *API) withRoles(roles []string) []string {
	for _, r := range []struct {
		role  string
		there bool
	}{{"mesh", a.c.Mesh != nil}, {"node", a.c.Seat != nil}, {"border", a.c.Border != nil}, {"traces", a.c.Traces != nil}} {
		if r.there && !slices.Contains(roles, r.role) {
			roles = append(roles[:len(roles):len(roles)], r.role)
		}
	}
	return roles
}

// jsonOf marshals what we made ourselves.
func jsonOf(v any) []byte {
	b, _ := json.Marshal(v)
	return b
}

func stack() string { return string(debug.Stack()) }
