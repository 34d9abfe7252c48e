package load

import (
	"context"
	"net/url"
)

// leshanAPI is the interface of Leshan 2's demo server under /api.
type leshanAPI struct{ *client }

func (*leshanAPI) name() string { return "leshan" }

func (a *leshanAPI) addCredentials(ctx context.Context, endpoints []string, key func(i int) []byte) error {
	// One call each: there is no other way there.
	index := make(map[string]int, len(endpoints))
	for i, e := range endpoints {
		index[e] = i
	}
	return each(ctx, 16, endpoints, func(ctx context.Context, e string) error {
		type details struct {
			Identity string `json:"identity"`
			Key      string `json:"key"`
		}
		type tls struct {
			Mode    string  `json:"mode"`
			Details details `json:"details"`
		}
		return a.do(ctx, "PUT", "/api/security/clients", struct {
			Endpoint string `json:"endpoint"`
			TLS      tls    `json:"tls"`
		}{e, tls{"psk", details{e, hexKey(key(index[e]))}}}, nil)
	})
}

func (a *leshanAPI) removeCredentials(ctx context.Context, endpoints []string) error {
	return each(ctx, 16, endpoints, func(ctx context.Context, e string) error {
		return a.do(ctx, "DELETE", "/api/security/clients/"+url.PathEscape(e), nil, nil)
	})
}

func (a *leshanAPI) reader() (func(context.Context, string) error, func()) {
	return a.readOver(func(endpoint string) string {
		return "/api/clients/" + url.PathEscape(endpoint) + readPath + "?timeout=5"
	}, `"success":true`)
}

func (a *leshanAPI) observe(ctx context.Context, endpoint string) error {
	return a.do(ctx, "POST", "/api/clients/"+url.PathEscape(endpoint)+observePath+"/observe?timeout=5", nil, nil)
}

func (a *leshanAPI) notifications(context.Context) (uint64, bool) { return 0, false }

func (a *leshanAPI) listen(ctx context.Context, seen func(n int)) error {
	return a.events(ctx, "/api/event", "NOTIFICATION", seen)
}
