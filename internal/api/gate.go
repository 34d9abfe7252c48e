package api

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"heddle.example/internal/access"
)

// gate is what every request passes first: the Host header must be one of ours (a page of another site whose name was
// rebound to our address is refused), and a browser's request that changes something must come from our own page.
type gate struct {
	hosts  map[string]bool
	origin *http.CrossOriginProtection
	next   http.Handler
}

func newGate(hosts []string, next http.Handler) *gate {
	g := &gate{hosts: map[string]bool{"localhost": true, "127.0.0.1": true, "::1": true}, origin: http.NewCrossOriginProtection(), next: next}
	for _, h := range hosts {
		g.hosts[strings.ToLower(strings.Trim(h, "[]"))] = true
	}
	return g
}

// securityHeaders say that a page of ours runs only scripts and styles of our own files, talks to no other host and is
// shown in no frame.
var securityHeaders = map[string]string{
	"Content-Security-Policy":      "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
	"X-Content-Type-Options":       "nosniff",
	"Referrer-Policy":              "no-referrer",
	"X-Frame-Options":              "DENY",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Permissions-Policy":           "camera=(), microphone=(), geolocation=()",
}

// headers share their slices between answers: a header costs no allocation. Answers that no browser shows as a page need
// two of them.
var pageHeaders, dataHeaders = func() (page, data map[string][]string) {
	page, data = map[string][]string{}, map[string][]string{}
	for k, v := range securityHeaders {
		page[k] = []string{v}
	}
	for _, k := range []string{"X-Content-Type-Options", "Cross-Origin-Resource-Policy"} {
		data[k] = page[k]
	}
	return page, data
}()

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	headers := pageHeaders
	if strings.HasPrefix(r.URL.Path, prefix) {
		headers = dataHeaders
	}
	for k, v := range headers {
		h[k] = v
	}
	if !isLocal(r.Context()) {
		if !g.known(r.Host) {
			writeProblem(w, r, problem(421, "This server does not answer to the name %q. If it should, start it with --web-host %s.", r.Host, hostOnly(r.Host)))
			return
		}
		if err := g.origin.Check(r); err != nil {
			writeProblem(w, r, problem(403, "A page of another site made this request: %v.", err))
			return
		}
	}
	g.next.ServeHTTP(w, r)
}

func (g *gate) known(host string) bool {
	name := strings.ToLower(hostOnly(host))
	return g.hosts[name] || g.hosts["*"]
}

// hostOnly takes the port and brackets off.
func hostOnly(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	return strings.Trim(host, "[]")
}

type localKey struct{}

// Local marks the requests of the administration socket in the data directory: whoever may open that file may do all.
func Local(ctx context.Context) context.Context { return context.WithValue(ctx, localKey{}, true) }

func isLocal(ctx context.Context) bool { return ctx.Value(localKey{}) != nil }

// remote is the address that a request came from.
func remote(r *http.Request) string {
	if a, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		return a.Addr().Unmap().String()
	}
	return "local"
}

// principal says who makes a request. Without a valid session or token it reports false.
func (a *API) principal(r *http.Request) (access.Principal, bool) {
	if isLocal(r.Context()) {
		return access.Principal{User: "local", Role: access.Admin, Via: "local"}, true
	}
	if h := r.Header["Authorization"]; len(h) > 0 {
		if secret, ok := strings.CutPrefix(h[0], "Bearer "); ok {
			return a.c.Access.Token(strings.TrimSpace(secret))
		}
		return access.Principal{}, false
	}
	if c, err := r.Cookie(a.cookie); err == nil {
		return a.c.Access.Session(c.Value)
	}
	return access.Principal{}, false
}
