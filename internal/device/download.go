package device

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"heddle.example/lwm2m/client"
	"heddle.example/machine"
)

// Limits of a download over http.
const (
	downloadChunk   = 16 << 10
	downloadIdle    = time.Minute // without a byte
	maxRedirects    = 5
	maxDownloadETag = 128
	flushEvery      = 64 // chunks: what has come is on disk before much more is asked for
)

// downloader follows the device's downloads. It trusts the computer's certificate authorities.
var downloader = &http.Client{
	Transport: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   30 * time.Second,
		ResponseHeaderTimeout: time.Minute,
		DisableCompression:    true, // the bytes as they are: offsets count
		MaxIdleConnsPerHost:   1,
		IdleConnTimeout:       time.Minute,
	},
	CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) >= maxRedirects {
			return errors.New("too many redirects")
		}
		return nil
	},
}

// beginDownload answers an Ask of client.Download, on a goroutine of its own.
func (d *Device) beginDownload(op machine.OpID, cause machine.Cause, want client.Download) {
	ctx, cancel := context.WithCancel(d.ended)
	d.downloads[op] = cancel
	c := d.machine.client
	go func() {
		defer cancel()
		// A device that has rebooted meanwhile knows nothing of this download.
		answer := func(p client.FetchPiece, err error) (more bool) {
			d.owner.Do(func(now machine.Time) {
				if d.machine.client == c && ctx.Err() == nil {
					more = c.Downloaded(now, cause, op, p, err)
				}
				if !more {
					d.endDownload(op)
				}
			})
			return more
		}
		if err := d.download(ctx, want, func(p client.FetchPiece) bool { return answer(p, nil) }); err != nil {
			answer(client.FetchPiece{}, err)
		}
	}()
}

// endDownload is called by the owner.
func (d *Device) endDownload(op machine.OpID) {
	if cancel := d.downloads[op]; cancel != nil {
		delete(d.downloads, op)
		cancel()
	}
}

// download gets a resource from an offset on, as long as it is still the same one (RFC 9110 section 14), and hands out its
// pieces until piece wants no more.
func (d *Device) download(ctx context.Context, want client.Download, piece func(client.FetchPiece) bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	idle := time.AfterFunc(downloadIdle, cancel)
	defer idle.Stop()
	resp, offset, err := d.ask(ctx, want)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	p := client.FetchPiece{Offset: offset, Size: -1, ETag: []byte(etagOf(resp))}
	if resp.ContentLength >= 0 {
		p.Size = offset + resp.ContentLength
	}
	r := bufio.NewReaderSize(resp.Body, downloadChunk)
	b := make([]byte, downloadChunk)
	for n := 0; ; n++ {
		idle.Reset(downloadIdle)
		got, err := io.ReadFull(r, b)
		if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
			return err
		}
		if err == nil {
			_, err = r.Peek(1)
		} else if p.Size >= 0 && p.Offset+int64(got) != p.Size {
			return io.ErrUnexpectedEOF // cut off
		}
		p.Data, p.Last = b[:got], err != nil
		if !piece(p) || p.Last {
			return nil
		}
		p.Offset += int64(got)
		if d.options.Store != nil && n%flushEvery == flushEvery-1 {
			d.options.Store.Flush()
		}
	}
}

// ask makes the request and says where the answer begins.
func (d *Device) ask(ctx context.Context, want client.Download) (*http.Response, int64, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, want.URI, nil)
	if err != nil {
		return nil, 0, client.ErrFetchURI
	}
	r.Header.Set("User-Agent", "heddle")
	if want.Offset > 0 && want.ETag != "" {
		r.Header.Set("Range", "bytes="+strconv.FormatInt(want.Offset, 10)+"-")
		r.Header.Set("If-Range", want.ETag)
	}
	resp, err := downloader.Do(r)
	if err != nil {
		return nil, 0, err
	}
	switch {
	case resp.StatusCode == http.StatusOK:
		return resp, 0, nil
	case resp.StatusCode == http.StatusPartialContent:
		var from int64
		if _, err := fmt.Sscanf(resp.Header.Get("Content-Range"), "bytes %d-", &from); err == nil && from == want.Offset {
			return resp, from, nil
		}
	}
	resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusRequestedRangeNotSatisfiable && want.Offset > 0:
		return d.ask(ctx, client.Download{URI: want.URI}) // it has become shorter: from the start
	case resp.StatusCode == http.StatusRequestTimeout, resp.StatusCode == http.StatusTooManyRequests, resp.StatusCode >= 500, resp.StatusCode < 400:
		return nil, 0, fmt.Errorf("the host answered %s", resp.Status)
	}
	return nil, 0, fmt.Errorf("%w: the host answered %s", client.ErrFetchURI, resp.Status)
}

// etagOf returns what names this state of the resource; a weak tag does not (RFC 9110 section 8.8.1).
func etagOf(resp *http.Response) string {
	if e := resp.Header.Get("ETag"); len(e) <= maxDownloadETag && !strings.HasPrefix(e, "W/") {
		return e
	}
	return ""
}
