package cli

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"heddle.example/internal/serve"
)

func newBootstrapServer() *cobra.Command {
	c := serve.Config{Bootstrap: true, NoServer: true, BootstrapCoAP: []string{":5783"}, BootstrapCoAPS: []string{":5784"}, Web: []string{"localhost:8081"},
		Data: defaultBootstrapData(), LeshanAPI: "token", Version: Version}
	verbose := false
	cmd := &cobra.Command{
		Use:   "bootstrap-server",
		Short: "Run the LwM2M bootstrap server with its web page and REST interface",
		Long: `Run the LwM2M bootstrap server: devices ask it what servers to register with, and are given what their configuration says.

A device without a configuration is refused, unless there is a default for such devices. To run it together with the LwM2M
server in one process, on one store, use heddle server --bootstrap: credentials are then entered once.`,
		Example: `  heddle bootstrap-server                         devices on 5783 and 5784, the page on http://localhost:8081
  heddle bootstrap-server --data ./bs --coap 127.0.0.1:5783
  heddle bootstrap-server --coap off --coaps '[2001:db8::1]:5784'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			level := slog.LevelInfo
			if verbose {
				level = slog.LevelDebug
			}
			c.Log = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: level}))
			return runServer(cmd.Context(), c, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringSliceVar(&c.BootstrapCoAP, "coap", c.BootstrapCoAP, "`ADDRESS` for plain CoAP, may repeat; off: none")
	f.StringSliceVar(&c.BootstrapCoAPS, "coaps", c.BootstrapCoAPS, "`ADDRESS` for CoAP over DTLS, may repeat; off: none")
	webFlags(cmd, &c)
	f.BoolVarP(&verbose, "verbose", "v", false, "log more")
	return cmd
}

// webFlags are the flags that both kinds of server share.
func webFlags(cmd *cobra.Command, c *serve.Config) {
	f := cmd.Flags()
	f.StringSliceVar(&c.Web, "web", c.Web, "`ADDRESS` of the web page and REST interface, may repeat")
	f.StringVar(&c.Data, "data", c.Data, "data `DIRECTORY`; none: nothing is kept")
	f.StringVar(&c.LeshanAPI, "leshan-api", c.LeshanAPI, "REST interface in the shapes of Leshan's demo server: off, token, or open (without logging in; loopback only)")
	f.StringSliceVar(&c.WebHosts, "web-host", nil, "further `NAME` that the web port answers to, may repeat")
	f.StringVar(&c.TLSCert, "tls-cert", "", "certificate `FILE` (PEM) of the web port")
	f.StringVar(&c.TLSKey, "tls-key", "", "key `FILE` (PEM) of the web port")
	f.BoolVar(&c.TLSSelfSigned, "tls-self-signed", false, "make a certificate for the web port")
	f.BoolVar(&c.InsecureWeb, "insecure-web", false, "the web port without TLS though others can reach it: where a proxy in front does TLS")
	fixed(cmd, "leshan-api", "off", "token", "open")
	cmd.MarkFlagDirname("data")
}

// bootstrapFlags are those of the bootstrap server beside an LwM2M server.
func bootstrapFlags(cmd *cobra.Command, c *serve.Config) {
	f := cmd.Flags()
	c.BootstrapCoAP, c.BootstrapCoAPS = []string{":5783"}, []string{":5784"}
	f.BoolVar(&c.Bootstrap, "bootstrap", false, "run the bootstrap server, too")
	f.StringSliceVar(&c.BootstrapCoAP, "bootstrap-coap", c.BootstrapCoAP, "`ADDRESS` of the bootstrap server for plain CoAP, may repeat; off: none")
	f.StringSliceVar(&c.BootstrapCoAPS, "bootstrap-coaps", c.BootstrapCoAPS, "`ADDRESS` of the bootstrap server for CoAP over DTLS, may repeat; off: none")
}

// defaultBootstrapData is where a user's bootstrap server keeps its data: beside the server's.
func defaultBootstrapData() string {
	if os.Geteuid() == 0 {
		return "/var/lib/heddle-bootstrap"
	}
	return filepath.Join(filepath.Dir(defaultData()), "heddle-bootstrap")
}

// normalizeBootstrap checks the addresses of the bootstrap server.
func normalizeBootstrap(c *serve.Config) error {
	for _, list := range []*[]string{&c.BootstrapCoAP, &c.BootstrapCoAPS} {
		if len(*list) == 1 && ((*list)[0] == off || (*list)[0] == "") {
			*list = nil
		}
	}
	if !c.Bootstrap {
		return nil
	}
	if len(c.BootstrapCoAP)+len(c.BootstrapCoAPS) == 0 {
		if c.NoServer {
			return fmt.Errorf("--coap and --coaps are both off: no device could reach this server")
		}
		return fmt.Errorf("--bootstrap-coap and --bootstrap-coaps are both off: no device could reach the bootstrap server; leave --bootstrap out")
	}
	return nil
}
