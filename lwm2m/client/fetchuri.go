package client

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// FetchURI is the address of something to download, taken apart.
type FetchURI struct {
	Scheme string // coap, coaps, http, https, or another
	host   string
	addr   netip.Addr
	port   uint16
	path   string
	query  string
	text   string
}

// maxURI is how long a URI can be: the range of resources that carry one.
const maxURI = 255

// ParseFetchURI reads a URI. The error is ErrFetchURI.
func ParseFetchURI(s string) (FetchURI, error) {
	u, err := url.Parse(s)
	if err != nil || len(s) > maxURI || u.Scheme == "" || u.Host == "" || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return FetchURI{}, ErrFetchURI
	}
	r := FetchURI{Scheme: strings.ToLower(u.Scheme), host: u.Hostname(), path: u.EscapedPath(), query: u.RawQuery, text: s}
	r.addr, _ = netip.ParseAddr(r.host)
	switch r.Scheme {
	case "coap":
		r.port = 5683
	case "coaps":
		r.port = 5684
	}
	if p := u.Port(); p != "" {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil || n == 0 {
			return FetchURI{}, ErrFetchURI
		}
		r.port = uint16(n)
	}
	return r, nil
}

// segments cuts a path or query into decoded parts (RFC 7252 section 6.4).
func segments(s, sep string, each func(string)) {
	if s == "" || s == "/" {
		return
	}
	for part := range strings.SplitSeq(strings.TrimPrefix(s, "/"), sep) {
		if d, err := url.PathUnescape(part); err == nil {
			part = d
		}
		each(part)
	}
}
