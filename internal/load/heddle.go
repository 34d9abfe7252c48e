package load

import (
	"context"
	"fmt"
	"net/url"
)

// heddleAPI is Heddle's own interface under /api/v1.
type heddleAPI struct{ *client }

func (*heddleAPI) name() string { return "heddle" }

type heddleCredential struct {
	Endpoint string `json:"endpoint"`
	Mode     string `json:"mode"`
	Identity string `json:"identity"`
	Key      string `json:"key"`
}

// credentialBatch is how many credentials go into one call.
const credentialBatch = 10_000

func (a *heddleAPI) addCredentials(ctx context.Context, endpoints []string, key func(i int) []byte) error {
	for from := 0; from < len(endpoints); from += credentialBatch {
		body := struct {
			Items      []heddleCredential `json:"items"`
			OnConflict string             `json:"onConflict"`
		}{OnConflict: "replace"}
		for i := from; i < min(from+credentialBatch, len(endpoints)); i++ {
			body.Items = append(body.Items, heddleCredential{endpoints[i], "psk", endpoints[i], hexKey(key(i))})
		}
		var out struct {
			Errors []struct{ Detail string }
		}
		if err := a.do(ctx, "POST", "/api/v1/credentials/bulk", body, &out); err != nil {
			return err
		}
		if len(out.Errors) > 0 {
			return fmt.Errorf("%d credentials were refused: %s", len(out.Errors), out.Errors[0].Detail)
		}
	}
	return nil
}

func (a *heddleAPI) removeCredentials(ctx context.Context, endpoints []string) error {
	return each(ctx, 32, endpoints, func(ctx context.Context, e string) error {
		return a.do(ctx, "DELETE", "/api/v1/credentials/"+url.PathEscape(e), nil, nil)
	})
}

func (a *heddleAPI) reader() (func(context.Context, string) error, func()) {
	return a.readOver(func(endpoint string) string {
		return "/api/v1/clients/" + url.PathEscape(endpoint) + "/objects" + readPath
	}, `"code":"2.05"`)
}

func (a *heddleAPI) observe(ctx context.Context, endpoint string) error {
	return a.do(ctx, "POST", "/api/v1/clients/"+url.PathEscape(endpoint)+"/observations", map[string]string{"path": observePath}, nil)
}

func (a *heddleAPI) notifications(ctx context.Context) (uint64, bool) {
	var out struct {
		Counters struct{ Notifications *uint64 }
	}
	if a.do(ctx, "GET", "/api/v1/server", nil, &out) != nil || out.Counters.Notifications == nil {
		return 0, false
	}
	return *out.Counters.Notifications, true
}

func (a *heddleAPI) listen(ctx context.Context, seen func(n int)) error {
	return a.events(ctx, "/api/v1/events?kinds=value", "value", seen)
}
