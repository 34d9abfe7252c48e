package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"heddle.example/host"
	"heddle.example/internal/device"
	"heddle.example/internal/pemfile"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/objects"
	"heddle.example/lwm2m/client/words"
	"heddle.example/store"
)

// clientOptions are the settings of `heddle client`, and of lwstart at its prompt.
type clientOptions struct {
	name     string
	local    uint16
	host     string
	port     uint16
	lifetime uint32
	battery  bool

	bootstrap bool
	holdOff   uint32 // seconds

	identity string
	key      string
	objects  []string
	version  string
	queue    bool
	awake    uint32 // seconds
	verbose  bool
	data     string
	factory  string
	cbc      bool
	proof    clientProof
	simulation
}

// lwFlags defines the flags that lwstart has in common with `heddle client`.
func (o *clientOptions) lwFlags(f *pflag.FlagSet) {
	f.StringVarP(&o.name, "name", "n", o.name, "endpoint `NAME`")
	f.Uint16VarP(&o.local, "local-port", "l", o.local, "local UDP `PORT`; 0: any")
	f.StringVarP(&o.host, "host", "h", o.host, "server: a `HOST` name or address, IPv6 with or without brackets")
	f.Uint16VarP(&o.port, "port", "p", o.port, "server's UDP `PORT` (default 5683, or 5684 with --psk; with --bootstrap 5685, or 5684)")
	f.Uint32VarP(&o.lifetime, "lifetime", "t", o.lifetime, "lifetime of the registration in `SECONDS`; 0: without end")
	f.BoolVarP(&o.bootstrap, "bootstrap", "b", o.bootstrap, "the host is a bootstrap server, which gives the servers to register with")
	f.BoolVarP(&o.battery, "change-battery", "c", o.battery, "change the battery level every 10 s")
	f.StringVarP(&o.identity, "identity", "i", o.identity, "PSK identity (`TEXT`)")
	f.StringVarP(&o.key, "psk", "s", o.key, "pre-shared key in `HEX`; without it there is no security")
}

func newClient() *cobra.Command {
	o := clientOptions{name: "testlwm2mclient", host: "::1", lifetime: 300, version: "1.1", holdOff: 10, awake: uint32(client.DefaultAwake / time.Second)}
	c := &cobra.Command{
		Use:   "client",
		Short: "Run an LwM2M device",
		Long: `Run an LwM2M device on this computer: it registers with a server and answers its operations.

On a terminal there is a prompt with the device's own commands; lwhelp lists them. Otherwise commands are read from
the standard input, one a line, and the device stops at its end; with /dev/null it runs until it gets a signal.`,
		Example: `  heddle client                                        registers at coap://[::1]:5683
  heddle client -n lamp -h lwm2m.example -i lamp -s 00112233445566778899aabbccddeeff
  heddle client -n lamp -h lwm2m.example -b -p 5784 -i lamp-bs -s 00112233445566778899aabbccddeeff
  heddle client -n lamp -h lwm2m.example --key lamp.key --server-cert server.pub
  heddle client -n lamp -h lwm2m.example --key lamp.key --cert lamp.pem --server-cert ca.pem --cert-usage 2
  heddle client -n lamp --object 3303,3311 --data ./lamp`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runClient(cmd.Context(), o, os.Stdin, os.Stdout) },
	}
	f := c.Flags()
	f.SortFlags = false
	f.Bool("help", false, "print this help") // -h is the host here, as it is for lwstart
	o.lwFlags(f)
	f.Uint32Var(&o.holdOff, "hold-off", o.holdOff, "`SECONDS` to wait before a bootstrap")
	f.StringSliceVar(&o.objects, "object", nil, "`OBJECTS` besides 1, 3, 4, 5, 6, 7 and 31024: 3303, 3304, 3305, 3306, 3311, 3342")
	f.StringVar(&o.version, "lwm2m", o.version, "newest LwM2M `VERSION` to offer: 1.0 or 1.1")
	f.BoolVar(&o.queue, "queue", false, "queue mode: the device sleeps when it has sent nothing for a while, and wakes when it has something to say")
	f.Uint32Var(&o.awake, "awake", o.awake, "with --queue, `SECONDS` that the device listens after each of its messages; 0: it never sleeps")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "tell more: with --queue, when the device falls asleep and wakes")
	o.proof.flags(f)
	o.simulation.flags(f)
	f.BoolVar(&o.cbc, "dtls-cbc", false, "also the cipher suite TLS_PSK_WITH_AES_128_CBC_SHA256, for old servers that have no better one")
	f.StringVar(&o.factory, "factory", "", "`FILE` (TOML or JSON) with the accounts that the device has from its maker, instead of --host, --identity, --psk")
	f.StringVar(&o.data, "data", "", "`DIRECTORY` for what survives a restart: accounts of a bootstrap, DTLS sessions, attributes, written values")
	return c
}

// config makes the client's configuration.
func (o *clientOptions) config() (client.Config, error) {
	version, err := lwm2m.ParseVersion(o.version)
	if err != nil || version != lwm2m.V1_0 && version != lwm2m.V1_1 {
		return client.Config{}, fmt.Errorf("--lwm2m %s: choose 1.0 or 1.1", o.version)
	}
	cfg := client.Config{Endpoint: o.name, AccessControl: true, Version: version, Queue: o.queue, Awake: awakeWindow(o.awake)}
	cfg.DTLS.AllowCBC = o.cbc
	if o.proof.trust != "" {
		if cfg.Roots, err = pemfile.Roots(o.proof.trust); err != nil {
			return cfg, fmt.Errorf("--trust: %w", err)
		}
	}
	if o.factory != "" {
		if o.key != "" || o.identity != "" || o.bootstrap || o.proof.Given() {
			return client.Config{}, errors.New("--factory says which servers there are: leave -b, -i, -s, --key, --cert and --server-cert out")
		}
		f, err := device.ReadFactory(o.factory)
		if err != nil {
			return client.Config{}, fmt.Errorf("--factory: %w", err)
		}
		cfg.Servers, cfg.Access = f.Servers, f.Access
		return cfg, nil
	}
	a, err := o.account()
	cfg.Servers = []client.Account{a}
	return cfg, err
}

// account makes the one account that the command line gives.
func (o *clientOptions) account() (client.Account, error) {
	w := words.Options{Host: o.host, Port: o.port, Lifetime: o.lifetime, Bootstrap: o.bootstrap, Identity: o.identity, Key: o.key, HoldOff: o.holdOff, Secure: o.proof.Given()}
	if w.Secure && (o.key != "" || o.identity != "") {
		return client.Account{}, errors.New("a device has a pre-shared key (-i, -s) or a private key (--key), not both")
	}
	a, err := w.Account()
	if err == nil && w.Secure {
		err = o.proof.Prove(&a)
	}
	return a, err
}

// awakeWindow is the window of client.Config, where zero is the default.
func awakeWindow(seconds uint32) time.Duration {
	if seconds == 0 {
		return -1
	}
	return time.Duration(seconds) * time.Second
}

// kinds returns the objects that the device has.
func (o *clientOptions) kinds() ([]uint16, error) {
	more, err := objects.ParseKinds(strings.Join(o.objects, ","))
	if err != nil {
		return nil, fmt.Errorf("--object: %w", err)
	}
	return slices.Concat(objects.DefaultKinds, more), nil
}

// runClient starts the device, reads commands from in until its end, and stops the device.
func runClient(ctx context.Context, o clientOptions, in *os.File, out io.Writer) error {
	p := &prompt{out: out, host: host.New(host.Options{}), options: o}
	if o.data != "" {
		var err error
		if p.store, err = store.Open(o.data, store.Options{}); err != nil {
			return err
		}
		defer p.store.Close()
	}
	lines := newLines(in, out)
	defer lines.close()
	p.out = lines.out
	if err := p.start(&o); err != nil {
		return err
	}
	defer p.stop()
	input := make(chan string)
	go func() {
		defer close(input)
		for {
			line, err := lines.read()
			if err != nil {
				return
			}
			select {
			case input <- line:
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case line, ok := <-input:
			if !ok && lines.endless {
				input = nil // nothing will ever come
				continue
			}
			if !ok || p.execute(line) {
				return nil
			}
		}
	}
}

// lines reads commands: on a terminal with a prompt, editing and history, else plainly.
type lines struct {
	read    func() (string, error)
	out     io.Writer
	close   func()
	endless bool // the input is no input: /dev/null
}

func newLines(in *os.File, out io.Writer) lines {
	fd := int(in.Fd())
	if f, ok := out.(*os.File); ok && term.IsTerminal(fd) && term.IsTerminal(int(f.Fd())) {
		if state, err := term.MakeRaw(fd); err == nil {
			t := term.NewTerminal(struct {
				io.Reader
				io.Writer
			}{in, out}, "> ")
			t.AutoCompleteCallback = complete
			read := func() (string, error) {
				// The window may have changed since the last line; a terminal that does not know its size is taken for 80.
				if w, h, err := term.GetSize(fd); err == nil && w > 0 && h > 0 {
					t.SetSize(w, h)
				}
				return t.ReadLine()
			}
			return lines{read: read, out: t, close: func() {
				term.Restore(fd, state)
				fmt.Fprintln(out)
			}}
		}
	}
	l := lines{out: &lockedWriter{w: out}, close: func() {}}
	if st, err := in.Stat(); err == nil {
		l.endless = st.Mode()&os.ModeCharDevice != 0 && !term.IsTerminal(fd)
	}
	s := bufio.NewScanner(in)
	l.read = func() (string, error) {
		if s.Scan() {
			return s.Text(), nil
		}
		if err := s.Err(); err != nil {
			return "", err
		}
		return "", io.EOF
	}
	return l
}

// lockedWriter lets the device's goroutine and the prompt write in turn.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}
