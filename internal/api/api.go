// Package api is the program's REST interface with its OpenAPI document, the stream of events, and the check of who may.
package api

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"heddle.example/internal/access"
	"heddle.example/internal/bootstrap"
	"heddle.example/internal/credentials"
	"heddle.example/internal/firmware"
	"heddle.example/internal/fleet"
	"heddle.example/internal/history"
	"heddle.example/internal/notes"
	"heddle.example/internal/seat"
	"heddle.example/internal/shards"
	"heddle.example/internal/stream"
	"heddle.example/lwm2m/registry"
	"heddle.example/lwm2m/server"
)

// Devices is the door to the shards; package shards satisfies it.
type Devices interface {
	// Do sends an operation to a device and waits for its result. id names it, also where err is not nil.
	Do(ctx context.Context, endpoint string, op *server.Operation) (id string, out *server.Outcome, err error)
	Observations(endpoint string) ([]server.Observation, error)
	Forget(endpoint string) (bool, error)
	Queue(endpoint string) (shards.Queue, error)
	CancelQueue(endpoint string) (int, error)
	SetAwakeWindow(endpoint string, d time.Duration) error
	Operation(id string) (shards.Operation, bool, error)
	Cancel(id string) (bool, error)
}

// Definitions is the registry of objects, and where definitions are added.
type Definitions interface {
	Registry() *registry.Registry
	Add(ddf []byte) ([]*registry.Object, error)
	Remove(id uint16, version string) error
	Added(o *registry.Object) bool
}

// Config of the API. All fields are wanted but those that say otherwise.
type Config struct {
	Mesh        Mesh      // a mesh that is looked at; then there may be no Fleet and what belongs to it
	Seat        seat.Seat // a node of it, for the pages Commissioning and Network; nil: none
	Border      Border    // a border router; nil: none
	Traces      Traces    // exchanges that are followed; nil: none
	Fleet       *fleet.Fleet
	Hub         *stream.Hub
	Access      *access.Manager
	Credentials *credentials.Credentials
	Notes       *notes.Notes // nil: no notes
	History     *history.History
	Firmware    *firmware.Manager     // nil: no firmware updates
	Backup      func(io.Writer) error // writes all that is kept; nil: nothing is
	Devices     Devices
	Definitions Definitions
	Bootstrap   *bootstrap.Service // nil: no bootstrap server runs here
	Info        func() Info
	Failed      func() error // why nothing can be promised any more, or nil
	Metrics     http.Handler
	Web         http.Handler // the web app, for every path that is not the API's
	Leshan      func(a *API) // adds the routes of the Leshan-shaped API; nil: off
	Hosts       []string     // names that the server answers to, besides those of the loopback
	Port        int          // of the web port, for the cookie's name
	Secure      bool         // over TLS
	Demo        bool
	Version     string
	WebBuild    string
	Log         *slog.Logger
}

// API is the HTTP side of the program.
type API struct {
	c      Config
	mux    *http.ServeMux
	huma   huma.API
	routes []Route
	cookie string
	ended  chan struct{}

	knownAway knownCache
}

// New makes the API.
func New(c Config) *API {
	useProblems()
	a := &API{c: c, mux: http.NewServeMux(), cookie: fmt.Sprintf("heddle_%d", c.Port), ended: make(chan struct{})}
	hc := huma.DefaultConfig("Heddle", c.Version)
	hc.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	hc.CreateHooks = nil // no $schema members in answers
	hc.OpenAPIPath, hc.DocsPath, hc.SchemasPath = "", "", ""
	hc.Info.Description = "The REST interface of the Heddle LwM2M server. Errors are application/problem+json and say what to do. Times are RFC 3339 in UTC, durations are seconds, paths are like /3/0/9."
	hc.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token":  {Type: "http", Scheme: "bearer", Description: "an API token of `heddle token create`"},
		"cookie": {Type: "apiKey", In: "cookie", Name: a.cookie, Description: "a session of POST /api/v1/session"},
	}
	for _, name := range []string{"Clients", "Devices", "Observations", "Events", "Credentials", "Bootstrap", "Firmware", "Object definitions", "Mesh", "Border router", "Traces", "Server", "Session", "Users and tokens"} {
		hc.Tags = append(hc.Tags, &huma.Tag{Name: name}) // in this order in the viewer
	}
	a.huma = huma.NewAPI(hc, adapter{a})
	a.sessionRoutes()
	if c.Fleet != nil {
		a.deviceRoutes()
	}
	a.serverRoutes()
	if c.Mesh != nil {
		a.meshRoutes()
	}
	if c.Seat != nil {
		a.commissioningRoutes()
		a.networkRoutes()
	}
	if c.Border != nil {
		a.borderRoutes()
	}
	if c.Traces != nil {
		a.traceRoutes()
	}
	a.docsRoutes()
	if c.Leshan != nil {
		c.Leshan(a)
	}
	a.mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		writeProblem(w, r, problem(404, "There is no %s %s. /api/docs shows what there is.", r.Method, r.URL.Path))
	})
	if c.Web != nil {
		a.mux.Handle("/", c.Web)
	}
	return a
}

// deviceRoutes are all that a server of LwM2M devices has.
func (a *API) deviceRoutes() {
	a.userRoutes()
	a.clientRoutes()
	a.noteRoutes()
	a.historyRoutes()
	a.operationRoutes()
	a.queueRoutes()
	a.observationRoutes()
	a.credentialRoutes()
	a.bootstrapRoutes()
	a.registryRoutes()
	a.backupRoutes()
	a.eventRoutes()
	a.firmwareRoutes()
}

// Handler returns the whole HTTP side, with its gate.
func (a *API) Handler() http.Handler {
	return newGate(a.c.Hosts, recovered{a.c.Log, a.mux})
}

// Routes returns all operations and who may use them.
func (a *API) Routes() []Route { return a.routes }

// Handle adds a route of another package, behind the same check of who may.
func (a *API) Handle(rt Route, h http.HandlerFunc) {
	if rt.Method == http.MethodGet {
		a.handleWho(rt, h)
		return
	}
	a.handle(rt, h)
}

// Who returns who makes the request of a handler that was added with Handle.
func Who(ctx context.Context) access.Principal { return who(ctx) }

// Close ends the streams of events, so that the HTTP server can shut down.
func (a *API) Close() {
	select {
	case <-a.ended:
	default:
		close(a.ended)
	}
}

// recovered turns a panic into an answer and a line in the log: one bad request does not end the server.
type recovered struct {
	log  *slog.Logger
	next http.Handler
}

func (h recovered) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		if x := recover(); x != nil {
			if x == http.ErrAbortHandler {
				panic(x)
			}
			h.log.Error("a request made the program fail; please report it", "method", r.Method, "path", r.URL.Path, "panic", fmt.Sprint(x), "stack", stack())
			writeProblem(w, r, problem(500, "The server made a mistake. Its log has more; please report it."))
		}
	}()
	h.next.ServeHTTP(w, r)
}

// Server makes the HTTP server for a handler, with time-outs that no slow client can stretch. An operation on a device may
// take timeoutMost; a stream of events sets its own deadline with each write.
func Server(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, WriteTimeout: timeoutMost + time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
}

// Ended reports whether Close was called.
func (a *API) Ended() bool {
	select {
	case <-a.ended:
		return true
	default:
		return false
	}
}
