package api

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"heddle.example/internal/access"
)

// TestWhoMayWhat walks over every route with every scope: a small scope gets 403 and nobody gets 401 before anything else
// is looked at, and a sufficient one gets neither.
func TestWhoMayWhat(t *testing.T) {
	r := newRig(t)
	r.register("lamp", thermometer)
	r.do = noAnswer
	fill := strings.NewReplacer("{endpoint}", "lamp", "{object}", "3", "{instance}", "0", "{resource}", "9", "{resourceInstance}", "0", "{id}", "1", "{name}", "nobody", "{version}", "1.0")
	n := map[access.Role]int{}
	for _, rt := range r.api.Routes() {
		if strings.HasSuffix(rt.Path, "/events") && rt.Method == "GET" {
			continue // never ends; TestEvents has it
		}
		n[rt.Role]++
		for _, as := range []access.Role{access.None, access.Read, access.Operate, access.Admin} {
			w := r.request(as, rt.Method, fill.Replace(rt.Path), "{}")
			want := ""
			switch {
			case rt.Role == access.None:
			case as == access.None:
				want = "401"
			case as < rt.Role:
				want = "403"
			}
			got := ""
			if w.Code == 401 && rt.Role != access.None {
				got = "401"
			} else if w.Code == 403 {
				got = "403"
			}
			if got != want {
				t.Errorf("%s %s as %v: status %d, want %q", rt.Method, rt.Path, as, w.Code, want)
			}
			if got != "" && w.Header().Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s %s as %v: refused with %q", rt.Method, rt.Path, as, w.Header().Get("Content-Type"))
			}
		}
	}
	for _, role := range []access.Role{access.None, access.Read, access.Operate, access.Admin} {
		if n[role] < 4 {
			t.Errorf("only %d routes with role %v", n[role], role)
		}
	}
}

// What changes something is never open to read.
func TestReadScopeChangesNothing(t *testing.T) {
	for _, rt := range newRig(t).api.Routes() {
		open := strings.HasPrefix(rt.Path, "/api/v1/session")
		if rt.Method != "GET" && rt.Role < access.Operate && !open {
			t.Errorf("%s %s needs only %v", rt.Method, rt.Path, rt.Role)
		}
		if strings.HasSuffix(rt.Path, "/key") && rt.Role != access.Admin {
			t.Errorf("%s %s: keys are for administrators, not %v", rt.Method, rt.Path, rt.Role)
		}
	}
}

func TestGate(t *testing.T) {
	r := newRig(t)
	for _, tt := range []struct {
		name, method, host, path string
		header                   [2]string
		want                     int
	}{
		{"our name", "GET", "localhost:8080", "/healthz", [2]string{}, 200},
		{"loopback", "GET", "127.0.0.1:8080", "/healthz", [2]string{}, 200},
		{"IPv6 loopback", "GET", "[::1]:8080", "/healthz", [2]string{}, 200},
		{"rebound name", "GET", "evil.example:8080", "/healthz", [2]string{}, 421},
		{"rebound name, page", "GET", "evil.example", "/", [2]string{}, 421},
		{"page", "GET", "localhost", "/", [2]string{}, 200},
		{"other site's form", "POST", "localhost:8080", "/api/v1/session", [2]string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"other site's script, old browser", "POST", "localhost:8080", "/api/v1/session", [2]string{"Origin", "https://evil.example"}, 403},
		{"our page", "DELETE", "localhost:8080", "/api/v1/session", [2]string{"Sec-Fetch-Site", "same-origin"}, 401},
		{"no such path", "GET", "localhost:8080", "/api/v1/nothing", [2]string{}, 404},
		{"wrong token", "GET", "localhost:8080", "/api/v1/clients", [2]string{"Authorization", "Bearer heddle_x"}, 401},
		{"wrong cookie", "GET", "localhost:8080", "/api/v1/clients", [2]string{"Cookie", "heddle_8080=x"}, 401},
		{"basic is not offered", "GET", "localhost:8080", "/api/v1/clients", [2]string{"Authorization", "Basic YTpi"}, 401},
	} {
		req := httptest.NewRequest(tt.method, "http://"+tt.host+tt.path, nil)
		if tt.header[0] != "" {
			req.Header.Set(tt.header[0], tt.header[1])
		}
		w := httptest.NewRecorder()
		r.h.ServeHTTP(w, req)
		if w.Code != tt.want {
			t.Errorf("%s: status %d, want %d: %s", tt.name, w.Code, tt.want, w.Body)
		}
		if w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers %v", tt.name, w.Header())
		}
		if csp := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(tt.path, "/api/v1") && (!strings.HasPrefix(csp, "default-src 'self'") || strings.Contains(csp, "unsafe")) {
			t.Errorf("%s: content security policy %q", tt.name, csp)
		}
	}
}

func TestSessions(t *testing.T) {
	r := newRig(t)
	link, _ := r.access.FirstRunLink()
	w := r.request(access.None, "POST", "/api/v1/session/first-run", `{"token":"`+link+`","user":"ada","password":"short"}`)
	if w.Code != 422 || !strings.Contains(w.Body.String(), "at least 10 characters") {
		t.Fatalf("short password: %d %s", w.Code, w.Body)
	}
	w = r.request(access.None, "POST", "/api/v1/session/first-run", `{"token":"`+link+`","user":"ada","password":"long enough"}`)
	if w.Code != 201 || !strings.Contains(w.Body.String(), `"role":"admin"`) {
		t.Fatalf("first run: %d %s", w.Code, w.Body)
	}
	c := w.Result().Cookies()[0]
	if c.Name != "heddle_8080" || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Secure {
		t.Errorf("cookie %+v", c)
	}
	with := func(method, path string) *httptest.ResponseRecorder {
		req := httptest.NewRequest(method, "http://localhost:8080"+path, nil)
		req.AddCookie(c)
		w := httptest.NewRecorder()
		r.h.ServeHTTP(w, req)
		return w
	}
	if w := with("GET", "/api/v1/session"); w.Code != 200 || !strings.Contains(w.Body.String(), `"user":"ada"`) {
		t.Errorf("session: %d %s", w.Code, w.Body)
	}
	w = r.request(access.None, "POST", "/api/v1/session", `{"user":"ada","password":"wrong password"}`)
	if w.Code != 401 || strings.Contains(w.Body.String(), "wrong password") || len(w.Result().Cookies()) != 0 {
		t.Errorf("wrong password: %d %s", w.Code, w.Body)
	}
	if w := with("DELETE", "/api/v1/session"); w.Code != 204 || w.Result().Cookies()[0].MaxAge >= 0 {
		t.Errorf("log out: %d %v", w.Code, w.Result().Cookies())
	}
	if w := with("GET", "/api/v1/session"); w.Code != 401 {
		t.Errorf("after logging out: %d", w.Code)
	}
	for range 5 {
		w = r.request(access.None, "POST", "/api/v1/session", `{"user":"ada","password":"guess"}`)
	}
	if w.Code != 429 || w.Header().Get("Retry-After") == "" {
		w = r.request(access.None, "POST", "/api/v1/session", `{"user":"ada","password":"guess"}`)
	}
	if w.Code != 429 {
		t.Errorf("after six wrong passwords: %d", w.Code)
	}
	log := r.access.AuditLog(100, 0)
	var got []string
	for i := len(log) - 1; i >= 0; i-- {
		got = append(got, log[i].Action+" "+log[i].User)
	}
	if s := strings.Join(got[:4], ", "); s != "session.firstRun -, session.firstRun -, session.login -, session.logout ada" {
		t.Errorf("audit log: %s", s)
	}
}
