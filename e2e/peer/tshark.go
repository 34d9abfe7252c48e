package peer

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Tshark is one reading of a capture file by an independent decoder.
type Tshark struct {
	File     string
	Filter   string   // a display filter, "" for all
	DecodeAs []string // "udp.port==5683,coap"
	PSK      string   // hexadecimal key, to look into DTLS
	Options  []string // preferences, "name:value"
}

// Fields returns the fields of each packet; a field that occurs several times has commas between its values.
func (k Tshark) Fields(t testing.TB, fields ...string) [][]string {
	t.Helper()
	args := []string{"-T", "fields", "-E", "separator=/t", "-E", "occurrence=a", "-E", "aggregator=,"}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	var rows [][]string
	for line := range strings.Lines(k.run(t, args...)) {
		rows = append(rows, strings.Split(strings.TrimSuffix(line, "\n"), "\t"))
	}
	return rows
}

// Text returns the whole decoding as a person reads it.
func (k Tshark) Text(t testing.TB) string {
	t.Helper()
	return k.run(t, "-V")
}

// NoneMalformed fails the test where tshark finds a malformed packet, and shows it.
func (k Tshark) NoneMalformed(t testing.TB) {
	t.Helper()
	k.Filter = "_ws.malformed"
	if out := k.run(t, "-V"); out != "" {
		t.Errorf("malformed packets:\n%s", out)
	}
}

func (k Tshark) run(t testing.TB, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), Timeout)
	defer cancel()
	args = append([]string{"-n", "-r", k.File}, args...)
	for _, d := range k.DecodeAs {
		args = append(args, "-d", d)
	}
	for _, o := range k.Options {
		args = append(args, "-o", o)
	}
	if k.Filter != "" {
		args = append(args, "-Y", k.Filter)
	}
	if k.PSK != "" {
		args = append(args, "-o", "dtls.psk:"+k.PSK)
	}
	cmd := exec.CommandContext(ctx, "tshark", args...)
	var errs strings.Builder
	cmd.Stderr = &errs
	cmd.WaitDelay = time.Second
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v\n%s", err, errs.String())
	}
	return string(out)
}
