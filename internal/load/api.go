package load

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// api is a server's REST interface, as far as the measurement needs it.
type api interface {
	name() string
	addCredentials(ctx context.Context, endpoints []string, key func(i int) []byte) error
	removeCredentials(ctx context.Context, endpoints []string) error
	// reader returns a function that reads a resource of a device over a connection of its own, and one that closes it.
	reader() (read func(ctx context.Context, endpoint string) error, close func())
	observe(ctx context.Context, endpoint string) error
	// notifications returns how many notifications the server has received since it started; false: it does not say.
	notifications(ctx context.Context) (uint64, bool)
	// listen counts the notifications that the server's event stream tells, until ctx ends.
	listen(ctx context.Context, seen func(n int)) error
}

// The resources that are read and observed.
const (
	readPath    = "/3/0/9"
	observePath = "/3303/0/5700"
)

// newAPI finds out which interface the server has.
func newAPI(ctx context.Context, o Options) (api, error) {
	base, err := url.Parse(o.REST)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("load: %q is not the address of a REST interface, such as http://127.0.0.1:8080", o.REST)
	}
	if !o.AllowRemote {
		addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", base.Hostname())
		if err != nil {
			return nil, fmt.Errorf("load: %w", err)
		}
		for _, a := range addrs {
			if !a.IsLoopback() {
				return nil, fmt.Errorf("%w (%s is %s)", ErrRemote, base.Hostname(), a)
			}
		}
	}
	c := &client{base: strings.TrimSuffix(o.REST, "/"), token: o.Token, http: &http.Client{
		Timeout: 30 * time.Second,
		Transport: &http.Transport{MaxIdleConns: 0, MaxIdleConnsPerHost: 1024, DisableCompression: true,
			DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext},
	}}
	switch o.API {
	case "heddle":
		return &heddleAPI{c}, nil
	case "leshan":
		return &leshanAPI{c}, nil
	case "auto", "":
	default:
		return nil, fmt.Errorf("load: there is no API %q; say heddle, leshan or auto", o.API)
	}
	// /healthz is Heddle's alone. An error here is the first contact with the server, so it says what to do.
	err = c.do(ctx, "GET", "/healthz", nil, nil)
	var refused *statusError
	switch {
	case err == nil:
		return &heddleAPI{c}, nil
	case errors.As(err, &refused) && refused.code == http.StatusNotFound:
		return &leshanAPI{c}, nil
	}
	return nil, fmt.Errorf("load: the REST interface does not answer: %w", err)
}

// client speaks HTTP with JSON.
type client struct {
	base  string
	token string
	http  *http.Client
}

// statusError is an answer that is no success.
type statusError struct {
	code   int
	detail string
}

func (e *statusError) Error() string {
	if e.code == http.StatusUnauthorized || e.code == http.StatusForbidden {
		return fmt.Sprintf("%d %s: give a token with --token (heddle token create --scope admin)", e.code, http.StatusText(e.code))
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s %s", e.code, http.StatusText(e.code), e.detail))
}

func (c *client) request(ctx context.Context, method, path string, body any) (*http.Response, error) {
	var r io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		r = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, r)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	return c.http.Do(req)
}

// do makes a request and decodes the answer where out is not nil.
func (c *client) do(ctx context.Context, method, path string, body, out any) error {
	resp, err := c.request(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return refusal(resp)
	}
	if out != nil {
		return json.NewDecoder(resp.Body).Decode(out)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

func refusal(resp *http.Response) error {
	b, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
	return refused(resp.StatusCode, b)
}

func refused(status int, body []byte) error {
	var problem struct{ Title, Detail string }
	if json.Unmarshal(body, &problem) == nil && problem.Detail != "" {
		return &statusError{status, problem.Detail}
	}
	return &statusError{status, string(body[:min(len(body), 200)])}
}

// readOver makes a reader that asks for path(endpoint) and finds mark in the answer to a read that went well.
func (c *client) readOver(path func(endpoint string) string, mark string) (func(context.Context, string) error, func()) {
	w := c.wire()
	return func(ctx context.Context, endpoint string) error {
		status, body, err := w.get(ctx, path(endpoint))
		switch {
		case err != nil:
			return err
		case status/100 != 2:
			return refused(status, body)
		case !bytes.Contains(body, []byte(mark)):
			return fmt.Errorf("the device was not read: %s", body[:min(len(body), 200)])
		}
		return nil
	}, w.close
}

// newKeys makes the keys of the devices from one secret of this run.
func newKeys() func(i int) []byte {
	var secret [16]byte
	rand.Read(secret[:])
	return func(i int) []byte {
		k := secret
		k[0], k[1], k[2], k[3] = byte(i>>24), byte(i>>16), byte(i>>8), byte(i)
		return k[:]
	}
}

func (o *Options) key(i int) []byte { return o.keys(i) }

func hexKey(k []byte) string { return hex.EncodeToString(k) }
