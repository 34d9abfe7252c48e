package load

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// wire is one kept-alive HTTP/1.1 connection for GET requests. net/http spends more on a request than the server that
// is to be measured spends on its answer, and both share the cores.
type wire struct {
	base  *url.URL
	token string
	conn  net.Conn
	in    *bufio.Reader
	out   []byte
	body  []byte
}

// wireTimeout is how long an answer may take.
const wireTimeout = 30 * time.Second

func (c *client) wire() *wire {
	base, _ := url.Parse(c.base) // newAPI has parsed it before
	return &wire{base: base, token: c.token}
}

func (w *wire) dial(ctx context.Context) (err error) {
	host := w.base.Host
	if w.base.Port() == "" {
		host = net.JoinHostPort(w.base.Hostname(), map[string]string{"http": "80", "https": "443"}[w.base.Scheme])
	}
	d := net.Dialer{Timeout: 5 * time.Second}
	if w.base.Scheme == "https" {
		w.conn, err = (&tls.Dialer{NetDialer: &d}).DialContext(ctx, "tcp", host)
	} else {
		w.conn, err = d.DialContext(ctx, "tcp", host)
	}
	w.in = bufio.NewReader(w.conn)
	return err
}

func (w *wire) close() {
	if w.conn != nil {
		w.conn.Close()
		w.conn = nil
	}
}

// get makes a request. The body is valid until the next one.
func (w *wire) get(ctx context.Context, path string) (status int, body []byte, err error) {
	if w.conn == nil {
		if err := w.dial(ctx); err != nil {
			w.conn = nil
			return 0, nil, err
		}
	}
	defer func() {
		if err != nil {
			w.close()
		}
	}()
	w.conn.SetDeadline(time.Now().Add(wireTimeout))
	w.out = append(w.out[:0], "GET "...)
	w.out = append(w.out, strings.TrimSuffix(w.base.Path, "/")...)
	w.out = append(w.out, path...)
	w.out = append(w.out, " HTTP/1.1\r\nHost: "...)
	w.out = append(w.out, w.base.Host...)
	if w.token != "" {
		w.out = append(w.out, "\r\nAuthorization: Bearer "...)
		w.out = append(w.out, w.token...)
	}
	w.out = append(w.out, "\r\n\r\n"...)
	if _, err := w.conn.Write(w.out); err != nil {
		return 0, nil, err
	}
	return w.answer()
}

var errHTTP = errors.New("the answer is not HTTP/1.1")

func (w *wire) answer() (status int, body []byte, err error) {
	line, err := w.line()
	if err != nil {
		return 0, nil, err
	}
	f := strings.SplitN(line, " ", 3)
	if len(f) < 2 || !strings.HasPrefix(f[0], "HTTP/1.") {
		return 0, nil, errHTTP
	}
	if status, err = strconv.Atoi(f[1]); err != nil {
		return 0, nil, errHTTP
	}
	length, chunked, closing := -1, false, false
	for {
		if line, err = w.line(); err != nil {
			return 0, nil, err
		}
		if line == "" {
			break
		}
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch {
		case strings.EqualFold(name, "Content-Length"):
			if length, err = strconv.Atoi(value); err != nil || length < 0 || length > 64<<20 {
				return 0, nil, errHTTP
			}
		case strings.EqualFold(name, "Transfer-Encoding"):
			chunked = strings.EqualFold(value, "chunked")
		case strings.EqualFold(name, "Connection"):
			closing = strings.EqualFold(value, "close")
		}
	}
	w.body = w.body[:0]
	switch {
	case chunked:
		err = w.chunks()
	case length >= 0:
		err = w.take(length)
	case status == 204 || status == 304:
	default:
		return 0, nil, fmt.Errorf("%w: its length is not said", errHTTP)
	}
	if closing {
		w.close()
	}
	return status, w.body, err
}

func (w *wire) line() (string, error) {
	b, err := w.in.ReadSlice('\n')
	if err != nil {
		return "", err
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

func (w *wire) take(n int) error {
	from := len(w.body)
	w.body = slices.Grow(w.body, n)[:from+n]
	_, err := io.ReadFull(w.in, w.body[from:])
	return err
}

func (w *wire) chunks() error {
	for {
		line, err := w.line()
		if err != nil {
			return err
		}
		size, _, _ := strings.Cut(line, ";")
		n, err := strconv.ParseUint(size, 16, 26)
		if err != nil {
			return errHTTP
		}
		if err := w.take(int(n)); err != nil {
			return err
		}
		if line, err = w.line(); err != nil {
			return err
		} else if line != "" {
			return errHTTP // after a chunk nothing, and we know no trailers
		}
		if n == 0 {
			return nil
		}
	}
}
