package peer

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// CoapClient is one call of libcoap's coap-client.
type CoapClient struct {
	TLS     string // notls, gnutls, openssl
	Method  string // get, put, post, delete, fetch, patch, ipatch
	URI     string
	Format  string // -t: the payload's content format
	Accept  string // -A
	Payload string
	File    string // -f: the payload, for blocks
	Block   string // -b
	Key     string // -k
	User    string // -u
	Observe int    // -s: seconds to observe for
	Options []string
	Wait    int // -B: seconds to wait for an answer; 0: 10
}

// CoapAnswer is what came back.
type CoapAnswer struct {
	Code     string   // "2.05" of the last response, "" where none came
	Codes    []string // of all responses, notifications included
	Payload  string   // of all responses, one behind the other
	Location string   // "rd/5a3f"
	Log      string
	Err      error
}

var (
	coapResponse = regexp.MustCompile(`v:1 t:(?:ACK|CON|NON) c:([2-5]\.\d\d) .*`)
	coapLocation = regexp.MustCompile(`Location-Path:([^,\] ]+)`)
)

// Do runs the client and waits for its end.
func (c CoapClient) Do(t testing.TB) CoapAnswer {
	t.Helper()
	wait := c.Wait
	if wait == 0 {
		wait = 10
	}
	if c.TLS == "" {
		c.TLS = "notls"
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(wait+c.Observe+10)*time.Second)
	defer cancel()
	file := filepath.Join(t.TempDir(), "payload")
	args := []string{"-m", c.Method, "-v", "7", "-B", strconv.Itoa(wait), "-o", file}
	for flag, value := range map[string]string{"-t": c.Format, "-A": c.Accept, "-e": c.Payload, "-f": c.File, "-b": c.Block, "-k": c.Key, "-u": c.User} {
		if value != "" {
			args = append(args, flag, value)
		}
	}
	if c.Observe > 0 {
		args = append(args, "-s", strconv.Itoa(c.Observe))
	}
	args = append(append(args, c.Options...), c.URI)
	cmd := exec.CommandContext(ctx, "coap-client-"+c.TLS, args...)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.WaitDelay = time.Second
	a := CoapAnswer{Err: cmd.Run()}
	if b, err := os.ReadFile(file); err == nil {
		a.Payload = string(b)
	}
	a.Log = out.String() + errs.String()
	for _, m := range coapResponse.FindAllStringSubmatch(a.Log, -1) {
		a.Code = m[1]
		a.Codes = append(a.Codes, m[1])
		var parts []string
		for _, l := range coapLocation.FindAllStringSubmatch(m[0], -1) {
			parts = append(parts, l[1])
		}
		if len(parts) > 0 {
			a.Location = strings.Join(parts, "/")
		}
	}
	return a
}
