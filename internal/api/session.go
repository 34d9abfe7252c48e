package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"heddle.example/internal/access"
)

// Session says who is logged in.
type Session struct {
	User     string `json:"user"`
	Role     string `json:"role" enum:"read,operate,admin"`
	Via      string `json:"via" enum:"cookie,token,open,local"`
	Version  string `json:"version" doc:"of the server"`
	WebBuild string `json:"webBuild" doc:"of the web app; empty: it is not built in"`
	FirstRun bool   `json:"firstRun,omitempty" doc:"there is no administrator yet"`
	Demo     bool   `json:"demo,omitempty"`
}

type loginInput struct {
	Source
	Body struct {
		User     string `json:"user" maxLength:"64"`
		Password string `json:"password" maxLength:"256"`
	}
}

type firstRunInput struct {
	Source
	Body struct {
		Token    string `json:"token" maxLength:"100" doc:"the last part of the link that the server printed"`
		User     string `json:"user" maxLength:"64"`
		Password string `json:"password" maxLength:"256" doc:"at least 10 characters"`
	}
}

type linkInput struct {
	Source
	Body struct {
		Token string `json:"token" maxLength:"100"`
	}
}

type sessionOutput struct {
	SetCookie http.Cookie `header:"Set-Cookie"`
	Body      Session
}

// secretKey is where the session's secret stands in a request's context, for logging out.
type secretKey struct{}

// Source gives a handler what huma hides: where the request came from and its cookie.
type Source struct {
	remote string
	secret string
}

// Resolve implements huma.Resolver.
func (q *Source) Resolve(ctx huma.Context) []error {
	r, _ := humago.Unwrap(ctx)
	q.remote = remote(r)
	q.secret, _ = r.Context().Value(secretKey{}).(string)
	return nil
}

func (a *API) session(p access.Principal) Session {
	return Session{User: p.User, Role: p.Role.String(), Via: p.Via, Version: a.c.Version, WebBuild: a.c.WebBuild, FirstRun: !a.c.Access.HasAdmin(), Demo: a.c.Demo}
}

func (a *API) loggedIn(secret string, p access.Principal, err error) (*sessionOutput, error) {
	if err != nil {
		return nil, problemOf(err)
	}
	return &sessionOutput{SetCookie: a.newCookie(secret, 30*24*time.Hour), Body: a.session(p)}, nil
}

// newCookie names the port, since cookies ignore ports: two servers on one host would log each other out.
func (a *API) newCookie(secret string, age time.Duration) http.Cookie {
	c := http.Cookie{Name: a.cookie, Value: secret, Path: "/", HttpOnly: true, Secure: a.c.Secure, SameSite: http.SameSiteStrictMode, MaxAge: int(age / time.Second)}
	if age < 0 {
		c.MaxAge = -1
	}
	return c
}

func (a *API) sessionRoutes() {
	const tag = "Session"
	huma.Register(a.huma, op("GET", "/session", "session.get", access.Read, tag, "Who is logged in"), func(ctx context.Context, _ *empty) (*body[Session], error) {
		return answer(a.session(who(ctx))), nil
	})
	huma.Register(a.huma, status(op("POST", "/session", "session.login", access.None, tag, "Log in"), 201, 401, 429), func(_ context.Context, in *loginInput) (*sessionOutput, error) {
		return a.loggedIn(a.c.Access.Login(in.Body.User, in.Body.Password, in.remote))
	})
	huma.Register(a.huma, status(op("POST", "/session/first-run", "session.firstRun", access.None, tag, "Make the first administrator with the printed link"), 201, 401), func(_ context.Context, in *firstRunInput) (*sessionOutput, error) {
		return a.loggedIn(a.c.Access.FirstRun(in.Body.Token, in.Body.User, in.Body.Password))
	})
	huma.Register(a.huma, status(op("POST", "/session/link", "session.link", access.None, tag, "Log in with a one-time link"), 201, 401), func(_ context.Context, in *linkInput) (*sessionOutput, error) {
		return a.loggedIn(a.c.Access.Enter(in.Body.Token))
	})
	type logoutOutput struct {
		SetCookie http.Cookie `header:"Set-Cookie"`
	}
	huma.Register(a.huma, status(op("DELETE", "/session", "session.logout", access.Read, tag, "Log out"), 204), func(_ context.Context, in *Source) (*logoutOutput, error) {
		if in.secret != "" {
			if err := a.c.Access.Logout(in.secret); err != nil {
				return nil, problemOf(err)
			}
		}
		return &logoutOutput{a.newCookie("", -1)}, nil
	})
}
