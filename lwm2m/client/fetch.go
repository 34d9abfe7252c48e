package client

import (
	"errors"
	"net/netip"
	"strings"
	"time"

	"heddle.example/coap"
	"heddle.example/coap/endpoint"
	"heddle.example/dtls"
	"heddle.example/machine"
)

// Why a download ended without its end.
var (
	ErrFetchURI      = errors.New("lwm2m client: the URI is not valid or nothing is there")
	ErrFetchProtocol = errors.New("lwm2m client: the URI's protocol is not supported")
	ErrFetchLost     = errors.New("lwm2m client: the connection of a download was lost")
)

// Fetch is a download that an object wants: block by block over coap and coaps from here, over http and https by an Ask
// of Download.
type Fetch struct {
	Object   uint16 // a Fetcher
	URI      FetchURI
	Server   uint16 // whose credentials a coaps host that is none of the device's servers is met with
	Offset   int64  // go on from here
	ETag     []byte // of what has come before Offset
	Attempts int    // that may fail in a row; default 10
}

// FetchPiece is the next part of a download. One with Offset 0 begins anew: the resource has changed meanwhile.
type FetchPiece struct {
	Offset int64
	Data   []byte // borrowed
	Last   bool
	Size   int64  // of the whole where it is known, else -1
	ETag   []byte // borrowed
}

// Fetcher is an object that downloads.
type Fetcher interface {
	// FetchPiece takes in a piece; false ends the download.
	FetchPiece(call Call, p FetchPiece) bool
	// FetchFailed says that the download has ended.
	FetchFailed(call Call, why error)
}

// Download is an Ask: get a resource over http or https from Offset on, if it still has the entity-tag ETag, else from the
// start. The answers are calls of Client.Downloaded with the action's Op. The Ask may come again after a failure.
type Download struct {
	URI    string
	Offset int64
	ETag   string
}

// CancelDownload is an Ask: the download Op is not wanted any more.
type CancelDownload struct{ Op machine.OpID }

// fetch is the download under way; there is one at a time.
type fetch struct {
	Fetch
	phase    fetchPhase
	addrs    []netip.Addr
	next     int
	path     machine.Path
	account  int    // whose session is used, or -1
	session  uint64 // of its own
	op       machine.OpID
	timer    machine.TimerID
	failed   int // attempts in a row
	restarts int
	szx      uint8
	sized    bool // szx is known
}

type fetchPhase uint8

const (
	fetchPausing fetchPhase = iota
	fetchResolving
	fetchConnecting
	fetchAsking
	fetchOutside // the program downloads
)

// Limits of a download.
const (
	fetchAttempts   = 10
	fetchPause      = time.Second
	maxFetchPause   = 5 * time.Minute
	maxFetchRestart = 3
)

// Fetch begins a download, in the place of another one.
func (call Call) Fetch(f Fetch) {
	c := call.Client
	c.endFetch()
	if f.Attempts == 0 {
		f.Attempts = fetchAttempts
	}
	c.fetch = &fetch{Fetch: f, account: -1}
	c.reachFetch()
}

// CancelFetch ends the object's download without a word.
func (call Call) CancelFetch(object uint16) {
	if f := call.Client.fetch; f != nil && f.Object == object {
		call.Client.endFetch()
	}
}

// Fetching reports whether a download is under way.
func (c *Client) Fetching() bool { return c.fetch != nil }

// endFetch gives a download up.
func (c *Client) endFetch() {
	f := c.fetch
	if f == nil {
		return
	}
	c.fetch = nil
	c.timers.Stop(f.timer)
	c.releaseFetch(f)
}

// haltFetch lets a download rest while the client is stopped.
func (c *Client) haltFetch() {
	if f := c.fetch; f != nil {
		c.timers.Stop(f.timer)
		f.timer = 0
		c.releaseFetch(f)
		f.phase = fetchPausing
	}
}

// resumeFetch goes on with a download that rested.
func (c *Client) resumeFetch() {
	if c.fetch != nil {
		c.reachFetch()
	}
}

// releaseFetch ends what an attempt has under way.
func (c *Client) releaseFetch(f *fetch) {
	op, session := f.op, f.session
	f.op, f.session = 0, 0
	switch {
	case op == 0:
	case f.phase == fetchAsking:
		c.stack.Endpoint().Cancel(c.now, op)
	case f.phase == fetchOutside:
		c.ask(&CancelDownload{op})
	}
	if session != 0 {
		c.stack.DTLS().Close(c.now, c.cause, session)
	}
}

// reachFetch makes the next attempt.
func (c *Client) reachFetch() {
	f := c.fetch
	switch f.URI.Scheme {
	case "http", "https":
		f.phase = fetchOutside
		f.op = c.ask(&Download{URI: f.URI.text, Offset: f.Offset, ETag: string(f.ETag)})
		return
	case "coap":
	case "coaps":
		if c.stack.DTLS() == nil {
			c.failFetch(ErrFetchProtocol)
			return
		}
	default:
		c.failFetch(ErrFetchProtocol)
		return
	}
	if f.URI.addr.IsValid() {
		f.addrs, f.next = []netip.Addr{f.URI.addr}, 0
		c.connectFetch()
		return
	}
	for i := range c.accounts {
		if a := &c.accounts[i]; a.serves() && a.secure == f.secure() && a.port == f.URI.port && strings.EqualFold(a.host, f.URI.host) && a.path.Remote.IsValid() {
			f.addrs, f.next = []netip.Addr{a.path.Remote.Addr()}, 0
			c.connectFetch()
			return
		}
	}
	f.phase = fetchResolving
	f.op = c.ask(&Resolve{f.URI.host})
}

func (f *fetch) secure() bool { return f.URI.Scheme == "coaps" }

// fetchResolved goes on with the addresses of the host.
func (c *Client) fetchResolved(op machine.OpID, addrs []netip.Addr, err error) {
	f := c.fetch
	if f == nil || f.phase != fetchResolving || f.op != op {
		return
	}
	f.op = 0
	if err != nil || len(addrs) == 0 {
		c.pauseFetch()
		return
	}
	f.addrs, f.next = append([]netip.Addr(nil), addrs...), 0
	c.connectFetch()
}

// connectFetch makes the path to the host's next address: over the session with one of the device's servers where the
// host is one, else over one of its own, with the credentials of the server that named the host.
func (c *Client) connectFetch() {
	f := c.fetch
	remote := netip.AddrPortFrom(f.addrs[f.next], f.URI.port)
	f.next++
	f.account = -1
	key := -1
	for i := range c.accounts {
		a := &c.accounts[i]
		if !a.serves() {
			continue
		}
		if a.secure == f.secure() && a.path.Remote == remote {
			if !a.active() || a.secure && a.session == 0 {
				c.pauseFetch() // it comes back by itself
				return
			}
			f.account = i
			c.askFetch()
			return
		}
		if a.secure && (key < 0 || a.ShortID == f.Server) {
			key = i
		}
	}
	f.path = machine.Path{Local: c.cfg.Local, Remote: remote, Link: c.cfg.Link}
	if !f.secure() {
		c.askFetch()
		return
	}
	if key < 0 {
		c.failFetch(ErrFetchProtocol)
		return
	}
	f.phase = fetchConnecting
	a := &c.accounts[key]
	session, err := c.stack.DTLS().Dial(c.now, c.cause, f.path, c.handshake(a, f.URI.host))
	if err != nil {
		c.pauseFetch()
		return
	}
	f.session = session
}

// fetchEstablished goes on with a finished handshake.
func (c *Client) fetchEstablished(e *dtls.Established) {
	if f := c.fetch; f != nil && f.session == e.Session && f.phase == fetchConnecting {
		f.path = e.Path
		c.askFetch()
	}
}

// fetchClosed goes on after the end of a session: a download's own, or that of an account.
func (c *Client) fetchClosed(session uint64) {
	f := c.fetch
	if f == nil || session == 0 || f.session != session {
		return
	}
	f.session = 0
	if f.phase == fetchConnecting || f.phase == fetchAsking {
		c.pauseFetch()
	}
}

// askFetch asks for the next block (RFC 7959 section 2.4).
func (c *Client) askFetch() {
	f := c.fetch
	path := f.path
	if f.account >= 0 {
		if f.account >= len(c.accounts) || !c.accounts[f.account].active() {
			c.pauseFetch() // another bootstrap, or the server has gone
			return
		}
		path = c.accounts[f.account].path
	}
	f.phase = fetchAsking
	if !f.sized {
		f.szx, f.sized = coap.SZX(c.stack.Endpoint().BlockSize(path)), true
	}
	b := coap.Block{Num: uint32(f.Offset >> (f.szx + 4)), SZX: f.szx}
	o := make(coap.Options, 0, 12)
	if !f.URI.addr.IsValid() {
		o = o.AddString(coap.URIHost, f.URI.host)
	}
	segments(f.URI.path, "/", func(s string) { o = o.AddString(coap.URIPath, s) })
	segments(f.URI.query, "&", func(s string) { o = o.AddQuery(s) })
	o = o.AddUint(coap.Block2, b.Uint())
	if b.Num == 0 {
		o = o.AddUint(coap.Size2, 0) // how long is it?
	}
	f.op = c.stack.Endpoint().Request(c.now, c.cause, path, &endpoint.Request{Code: coap.GET, Options: o, Single: true})
}

// fetched takes in a block; it reports whether the result was the download's.
func (c *Client) fetched(cause machine.Cause, op machine.OpID, r *endpoint.Response) bool {
	f := c.fetch
	if f == nil || f.phase != fetchAsking || f.op != op {
		return false
	}
	c.cause, f.op = cause, 0
	switch {
	case r.Err != nil || r.Code.Class() == 5:
		c.pauseFetch()
		return true
	case r.Code != coap.Content:
		c.failFetch(ErrFetchURI)
		return true
	}
	p := FetchPiece{Data: r.Payload, Last: true, Size: -1}
	p.ETag, _ = r.Options.Get(coap.ETag)
	if n, ok := r.Options.GetUint(coap.Size2); ok {
		p.Size = int64(n)
	}
	if v, ok := r.Options.Get(coap.Block2); ok {
		b, err := coap.DecodeBlock(v)
		if err != nil || b.More && len(p.Data) != b.Size() || len(p.Data) > b.Size() {
			c.pauseFetch()
			return true
		}
		p.Offset, p.Last = int64(b.Offset()), !b.More
		if b.SZX < f.szx {
			f.szx = b.SZX
			if b.More && p.Offset+int64(len(p.Data)) <= f.Offset {
				c.askFetch() // the block that was asked for, but only its beginning, which is here already
				return true
			}
		}
	}
	if c.takePiece(p) {
		c.askFetch()
	}
	return true
}

// takePiece hands a piece to the object, and reports whether the next one is wanted.
func (c *Client) takePiece(p FetchPiece) bool {
	f := c.fetch
	if f.Offset > 0 && string(p.ETag) != string(f.ETag) {
		// Another resource than the one that the first pieces are of.
		if f.restarts++; f.restarts > maxFetchRestart {
			c.failFetch(ErrFetchLost)
			return false
		}
		again := p.Offset > 0
		f.Offset, f.ETag = 0, append([]byte(nil), p.ETag...)
		if again {
			return true
		}
	}
	if end := p.Offset + int64(len(p.Data)); p.Offset > f.Offset || end < f.Offset || end == f.Offset && !p.Last {
		c.pauseFetch() // not what was asked for
		return false
	}
	if p.Offset == 0 {
		f.ETag = append(f.ETag[:0], p.ETag...)
	}
	p.Data = p.Data[f.Offset-p.Offset:]
	p.Offset = f.Offset
	f.Offset += int64(len(p.Data))
	f.failed = 0
	if p.Last {
		c.endFetch()
	}
	o := c.object(f.Object)
	x, ok := o.(Fetcher)
	going := ok && x.FetchPiece(Call{Now: c.now, Cause: c.cause, Server: f.Server, Client: c}, p)
	if o != nil {
		c.objectTouched(o)
	}
	if c.fetch != f {
		return false
	}
	if !going {
		c.endFetch()
	}
	return going
}

// Downloaded answers an Ask of Download: with the next piece, or with why there is none. It reports whether to go on.
func (c *Client) Downloaded(now machine.Time, cause machine.Cause, op machine.OpID, p FetchPiece, err error) bool {
	c.begin(now, cause)
	defer c.end()
	f := c.fetch
	if f == nil || f.phase != fetchOutside || f.op != op {
		return false
	}
	switch {
	case err == nil:
		if p.Offset == 0 && f.Offset > 0 {
			f.Offset, f.ETag = 0, append([]byte(nil), p.ETag...) // it has changed, and comes from the start
		}
		if p.Last {
			f.op = 0
		}
		return c.takePiece(p) && c.fetch == f
	case errors.Is(err, ErrFetchURI) || errors.Is(err, ErrFetchProtocol):
		f.op = 0
		c.failFetch(err)
	default:
		f.op = 0
		c.pauseFetch()
	}
	return false
}

// pauseFetch waits for the next attempt, or gives up.
func (c *Client) pauseFetch() {
	f := c.fetch
	c.releaseFetch(f)
	if f.addrs != nil && f.next < len(f.addrs) && f.phase != fetchPausing {
		c.connectFetch() // the name has another address
		return
	}
	f.phase, f.addrs = fetchPausing, nil
	if f.failed++; f.failed >= f.Attempts {
		c.failFetch(ErrFetchLost)
		return
	}
	delay := min(fetchPause<<min(f.failed-1, 10), maxFetchPause)
	f.timer = c.timers.Set(f.timer, c.now.Add(delay), timerKey{fetchTimer, 0, c.cause})
}

// fetchExpired ends a pause.
func (c *Client) fetchExpired() {
	if f := c.fetch; f != nil {
		f.timer = 0
		c.reachFetch()
	}
}

// failFetch ends a download and tells its object.
func (c *Client) failFetch(err error) {
	f := c.fetch
	c.endFetch()
	o := c.object(f.Object)
	if x, ok := o.(Fetcher); ok {
		x.FetchFailed(Call{Now: c.now, Cause: c.cause, Server: f.Server, Client: c}, err)
		c.objectTouched(o)
	}
}

// fetchLocal makes the path of a download's datagrams one path, as Receive does for those of servers.
func (c *Client) fetchLocal(path *machine.Path) {
	if f := c.fetch; f != nil && f.path.Remote == path.Remote && f.path.Link == path.Link {
		path.Local = f.path.Local
	}
}
