package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"heddle.example/internal/access"
)

// User is a person who may log in.
type User struct {
	Name      string    `json:"name"`
	Role      string    `json:"role" enum:"read,operate,admin"`
	CreatedAt time.Time `json:"createdAt"`
}

// Token is an API token.
type Token struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Scope     string     `json:"scope" enum:"read,operate,admin"`
	By        string     `json:"by" doc:"who made it"`
	CreatedAt time.Time  `json:"createdAt"`
	Expires   *time.Time `json:"expires,omitempty"`
	LastUsed  *time.Time `json:"lastUsed,omitempty" doc:"to the minute"`
	Token     string     `json:"token,omitempty" doc:"the secret: shown once, when it is made"`
}

// AuditEntry is one line of the audit log.
type AuditEntry struct {
	ID      uint64    `json:"id"`
	At      time.Time `json:"at"`
	User    string    `json:"user"`
	Via     string    `json:"via"`
	Address string    `json:"address"`
	Action  string    `json:"action" example:"credential.put"`
	Target  string    `json:"target,omitempty" example:"/credentials/lamp-1"`
	Outcome string    `json:"outcome" enum:"done,refused,failed"`
	Status  int       `json:"status" doc:"of the answer"`
}

// Items is a list in an object, so that something can be added beside it.
type Items[T any] struct {
	Items []T `json:"items"`
}

func view(u access.User) User { return User{u.Name, u.Role.String(), u.Created} }

func viewToken(t access.Token) Token {
	v := Token{ID: t.ID, Name: t.Name, Scope: t.Scope.String(), By: t.By, CreatedAt: t.Created}
	if !t.Expires.IsZero() {
		v.Expires = &t.Expires
	}
	if !t.Used.IsZero() {
		v.LastUsed = &t.Used
	}
	return v
}

func (a *API) userRoutes() {
	const tag = "Users and tokens"
	huma.Register(a.huma, op("GET", "/users", "user.list", access.Admin, tag, "All users"), func(context.Context, *empty) (*body[Items[User]], error) {
		list := Items[User]{Items: []User{}}
		for _, u := range a.c.Access.Users() {
			list.Items = append(list.Items, view(u))
		}
		return answer(list), nil
	})
	type addUser struct {
		Body struct {
			Name     string `json:"name" maxLength:"64"`
			Role     string `json:"role" enum:"read,operate,admin"`
			Password string `json:"password" maxLength:"256"`
		}
	}
	huma.Register(a.huma, status(op("POST", "/users", "user.add", access.Admin, tag, "Add a user"), 201, 409), func(_ context.Context, in *addUser) (*body[User], error) {
		role, err := access.ParseRole(in.Body.Role)
		if err != nil {
			return nil, problemOf(err)
		}
		u, err := a.c.Access.AddUser(in.Body.Name, in.Body.Password, role)
		if err != nil {
			return nil, problemOf(err)
		}
		return answer(view(u)), nil
	})
	type Named struct {
		Name string `path:"name" maxLength:"64"`
	}
	huma.Register(a.huma, status(op("DELETE", "/users/{name}", "user.delete", access.Admin, tag, "Remove a user"), 204, 404, 409), func(_ context.Context, in *Named) (*empty, error) {
		if err := a.c.Access.DeleteUser(in.Name); err != nil {
			return nil, problemOf(err)
		}
		return nil, nil
	})
	type setPassword struct {
		Named
		Body struct {
			Password string `json:"password" maxLength:"256"`
		}
	}
	huma.Register(a.huma, status(op("PUT", "/users/{name}/password", "user.password", access.Admin, tag, "Set a user's password; ends the user's sessions"), 204, 404), func(_ context.Context, in *setPassword) (*empty, error) {
		if err := a.c.Access.SetPassword(in.Name, in.Body.Password); err != nil {
			return nil, problemOf(err)
		}
		return nil, nil
	})
	huma.Register(a.huma, op("GET", "/tokens", "token.list", access.Admin, tag, "All API tokens, without their secrets"), func(context.Context, *empty) (*body[Items[Token]], error) {
		list := Items[Token]{Items: []Token{}}
		for _, t := range a.c.Access.Tokens() {
			list.Items = append(list.Items, viewToken(t))
		}
		return answer(list), nil
	})
	type addToken struct {
		Body struct {
			Name    string     `json:"name" maxLength:"100" doc:"what it is for"`
			Scope   string     `json:"scope" enum:"read,operate,admin"`
			Expires *time.Time `json:"expires,omitempty" doc:"absent: never"`
		}
	}
	huma.Register(a.huma, status(op("POST", "/tokens", "token.create", access.Admin, tag, "Make an API token; its secret is shown once"), 201), func(ctx context.Context, in *addToken) (*body[Token], error) {
		scope, err := access.ParseRole(in.Body.Scope)
		if err != nil {
			return nil, problemOf(err)
		}
		var expires time.Time
		if in.Body.Expires != nil {
			expires = *in.Body.Expires
		}
		secret, t, err := a.c.Access.CreateToken(in.Body.Name, scope, expires, who(ctx).User)
		if err != nil {
			return nil, problemOf(err)
		}
		v := viewToken(t)
		v.Token = secret
		return answer(v), nil
	})
	type byID struct {
		ID string `path:"id" maxLength:"64"`
	}
	huma.Register(a.huma, status(op("DELETE", "/tokens/{id}", "token.revoke", access.Admin, tag, "Revoke an API token"), 204, 404), func(_ context.Context, in *byID) (*empty, error) {
		if _, err := a.c.Access.RevokeToken(in.ID); err != nil {
			return nil, problemOf(err)
		}
		return nil, nil
	})
	type auditQuery struct {
		Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100"`
		Before uint64 `query:"before" doc:"id: only older entries"`
	}
	type auditPage struct {
		Items []AuditEntry `json:"items"`
		Next  uint64       `json:"next,omitempty" doc:"give it as before for the next page"`
	}
	huma.Register(a.huma, op("GET", "/audit", "audit.list", access.Admin, tag, "Who did what, newest first"), func(_ context.Context, in *auditQuery) (*body[auditPage], error) {
		page := auditPage{Items: []AuditEntry{}}
		for _, e := range a.c.Access.AuditLog(in.Limit, in.Before) {
			outcome := "done"
			if e.Status >= 500 {
				outcome = "failed"
			} else if e.Status >= 400 {
				outcome = "refused"
			}
			page.Items = append(page.Items, AuditEntry{e.ID, e.At, e.User, e.Via, e.Remote, e.Action, e.Target, outcome, e.Status})
		}
		if len(page.Items) == in.Limit {
			page.Next = page.Items[in.Limit-1].ID
		}
		return answer(page), nil
	})
}
