package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"heddle.example/internal/serve"
	"heddle.example/internal/web"
	"heddle.example/lwm2m/server"
	"heddle.example/machine"
)

// serverStopTimeout is how long an orderly end may take.
const serverStopTimeout = 10 * time.Second

// off switches a kind of address off: --coap off.
const off = "off"

func newServer() *cobra.Command {
	c := serve.Config{CoAP: []string{":5683"}, CoAPS: []string{":5684"}, Web: []string{"localhost:8080"}, Data: defaultData(), LeshanAPI: "token", Version: Version}
	c.History.Days, c.History.Max = 30, "1GB"
	historyOn, verbose := "on", false
	cmd := &cobra.Command{
		Use:   "server",
		Short: "Run the LwM2M server with its web page and REST interface",
		Long: `Run the LwM2M server: devices register over CoAP and CoAP over DTLS, people and programs manage them on the web page
and through the REST interface.

There is no default password: the first start prints a link that makes the administrator. It works once, within 15
minutes; a restart prints another. Devices without credentials may register on plain CoAP only where the server listens
on the loopback, or with --unknown accept.`,
		Example: `  heddle server                                   devices on 5683 and 5684, the page on http://localhost:8080
  heddle server --data ./data --coap 127.0.0.1:5683
  heddle server --coap '[2001:db8::1]:5683' --coap 192.0.2.1:5683 --coaps off
  heddle server --web :8443 --tls-cert cert.pem --tls-key key.pem
  heddle server --web :8443 --tls-self-signed     for a look from another computer
  heddle server --coaps-key key.pem --coaps-cert cert.pem --coaps-ca devices-ca.pem
  heddle server --bootstrap                       and the bootstrap server on 5783 and 5784`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			level := slog.LevelInfo
			if verbose {
				level = slog.LevelDebug
			}
			c.Log = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: level}))
			if c.History.Off = historyOn == off; !c.History.Off && historyOn != "on" {
				return fmt.Errorf("--history is %q; use on or off", historyOn)
			}
			return runServer(cmd.Context(), c, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringSliceVar(&c.CoAP, "coap", c.CoAP, "`ADDRESS` for plain CoAP, may repeat; off: none")
	f.StringSliceVar(&c.CoAPS, "coaps", c.CoAPS, "`ADDRESS` for CoAP over DTLS, may repeat; off: none")
	f.BoolVar(&c.DTLSCBC, "dtls-cbc", false, "also the cipher suite TLS_PSK_WITH_AES_128_CBC_SHA256, for old devices that have no better one")
	f.StringVar(&c.Proof.Key, "coaps-key", "", "private key `FILE` (PEM, P-256): devices may use raw public keys, and with --coaps-cert certificates")
	f.StringVar(&c.Proof.Certificate, "coaps-cert", "", "certificate `FILE` (PEM) that devices know this server by, with its chain")
	f.StringVar(&c.Proof.Authorities, "coaps-ca", "", "`FILE` (PEM) with the authorities whose certificates devices may have; the name in one is the endpoint's")
	f.BoolVar(&c.Proof.Listed, "coaps-listed", false, "with --coaps-ca, only devices that have credentials of mode x509")
	webFlags(cmd, &c)
	f.StringVar(&c.Unknown, "unknown", "", "what becomes of devices without credentials on plain CoAP: accept or refuse (default: accept on the loopback)")
	f.StringVar(&historyOn, "history", "on", "keep observed and sent values with their times: on or off")
	f.IntVar(&c.History.Days, "history-days", c.History.Days, "`DAYS` for which values are kept; 0: no limit")
	f.StringVar(&c.History.Max, "history-max", c.History.Max, "`SIZE` of all values that are kept; beyond it the oldest go")
	f.DurationVar(&c.AwakeWindow, "awake", server.DefaultAwakeWindow, "how long a device in queue mode listens after each of its messages")
	f.StringVar(&c.Firmware.Max, "firmware-max", "64MB", "largest firmware package, `SIZE`")
	f.StringVar(&c.Firmware.Host, "firmware-host", "", "`NAME` or address in the URIs of firmware packages (default: where the device reached the server)")
	f.StringVar(&c.Firmware.CoAP, "firmware-coap", "", "firmware packages over plain CoAP: on or off (default: on where devices without credentials are accepted)")
	f.IntVar(&c.Shards, "shards", 0, "how many server machines share the devices, `N` of 1 to 256 (default: one, and one for two cores where there are four or more)")
	bootstrapFlags(cmd, &c)
	f.BoolVarP(&verbose, "verbose", "v", false, "log more")
	fixed(cmd, "history", "on", "off")
	fixed(cmd, "firmware-coap", "on", "off")
	fixed(cmd, "unknown", "accept", "refuse")
	return cmd
}

// fixed completes a flag with its possible values.
func fixed(cmd *cobra.Command, flag string, values ...string) {
	cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// defaultData is where a user's server keeps its data: ~/.local/state/heddle, for root /var/lib/heddle.
func defaultData() string {
	if os.Geteuid() == 0 {
		return "/var/lib/heddle"
	}
	if dir := os.Getenv("XDG_STATE_HOME"); dir != "" {
		return filepath.Join(dir, "heddle")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "heddle-data"
	}
	return filepath.Join(home, ".local", "state", "heddle")
}

// normalize turns the words off and none into nothing, and checks the choices.
func normalize(c *serve.Config) error {
	drop := func(list *[]string) {
		if len(*list) == 1 && ((*list)[0] == off || (*list)[0] == "") {
			*list = nil
		}
	}
	drop(&c.CoAP)
	drop(&c.CoAPS)
	if len(c.CoAP)+len(c.CoAPS) == 0 && !c.NoServer {
		return fmt.Errorf("--coap and --coaps are both off: no device could reach this server")
	}
	if err := normalizeBootstrap(c); err != nil {
		return err
	}
	if c.Data == "none" {
		c.Data = ""
	}
	switch c.Unknown {
	case "", "accept", "refuse":
	default:
		return fmt.Errorf("--unknown is %q; use accept or refuse", c.Unknown)
	}
	return nil
}

func runServer(ctx context.Context, c serve.Config, out io.Writer) error {
	if err := normalize(&c); err != nil {
		return err
	}
	p, err := serve.Start(c)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Heddle %s\n", c.Version)
	info := p.Info()
	for _, a := range info.Addresses {
		if a.Role == "bootstrap" && !c.NoServer {
			fmt.Fprintf(out, "  bootstrap %s\n", a.URI)
		} else {
			fmt.Fprintf(out, "  devices   %s\n", a.URI)
		}
	}
	if len(c.CoAP) > 0 {
		fmt.Fprintf(out, "  unknown   %s\n", map[string]string{"accept": "devices without credentials may register on plain CoAP", "refuse": "devices without credentials are refused; --unknown accept lets them in"}[info.Unknown])
	}
	if own := p.Proof(); own != nil {
		if own.Kind() == machine.X509 {
			fmt.Fprintf(out, "  proof     certificate %s\n", own.Name())
		}
		fmt.Fprintf(out, "  proof     raw public key, SHA-256 %s\n", own.Raw().Name())
	}
	fmt.Fprintf(out, "  web       %s\n", p.URL())
	if c.Data == "" {
		fmt.Fprintln(out, "  data      none: everything is forgotten at the end")
	} else {
		fmt.Fprintf(out, "  data      %s\n", c.Data)
	}
	if p.Fingerprint != "" {
		fmt.Fprintf(out, "  the certificate is our own; its SHA-256 is %s\n", p.Fingerprint)
	}
	if !web.Built() {
		fmt.Fprintln(out, "  the web app is not built in: make web, then build anew")
	}
	link, err := p.FirstRun()
	if err == nil && link != "" {
		fmt.Fprintf(out, "\nThere is no administrator yet. Open this link within 15 minutes to become it:\n  %s\n\n", link)
	}
	fmt.Fprintln(out, "Ready. Ctrl-C ends.")
	if err == nil {
		<-ctx.Done()
	}
	stop, cancel := context.WithTimeout(context.Background(), serverStopTimeout)
	defer cancel()
	if e := p.Stop(stop); err == nil {
		err = e
	}
	return err
}
