package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"heddle.example/host"
	"heddle.example/internal/device"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/words"
	"heddle.example/machine"
	"heddle.example/store"
)

// prompt is the device's command line: the words of the first device of this kind, with its outputs to the letter.
type prompt struct {
	out     io.Writer
	host    *host.Host
	store   store.Store // nil: nothing survives
	options clientOptions
	device  *device.Device // nil while stopped
}

// errQuit ends the prompt.
var errQuit = errors.New("quit")

// own are the commands that the prompt carries out itself.
var own map[string]func(p *prompt, args []string) error

// exit is the one word that only this prompt has.
var exit = words.Command{Name: "exit", Usage: "exit", Help: "deregister and leave", Stopped: true}

func init() {
	own = map[string]func(p *prompt, args []string) error{
		"lwstart": (*prompt).lwstart,
		"lwstop":  func(p *prompt, _ []string) error { p.stop(); return nil },
		"lwsend":  (*prompt).lwsend,
		"lwhelp":  (*prompt).lwhelp,
		"help":    (*prompt).lwhelp,
		"exit":    func(*prompt, []string) error { return errQuit },
	}
}

// complete completes a word at the prompt.
func complete(line string, pos int, key rune) (string, int, bool) {
	if key != '\t' || strings.ContainsRune(line[:pos], ' ') {
		return "", 0, false
	}
	var fit []string
	for _, w := range append(words.Commands[:len(words.Commands):len(words.Commands)], exit, words.Command{Name: "help"}) {
		if strings.HasPrefix(w.Name, line[:pos]) {
			fit = append(fit, w.Name)
		}
	}
	if len(fit) == 0 {
		return "", 0, false
	}
	sort.Strings(fit)
	common := fit[0]
	for _, w := range fit {
		for !strings.HasPrefix(w, common) {
			common = common[:len(common)-1]
		}
	}
	if len(fit) == 1 {
		common += " "
	}
	return common + line[pos:], len(common), true
}

// execute carries out one line, and reports whether the prompt is to end.
func (p *prompt) execute(line string) (quit bool) {
	args := strings.Fields(line)
	if len(args) == 0 {
		return false
	}
	err := p.carryOut(args[0], args[1:])
	switch {
	case errors.Is(err, errQuit):
		return true
	case errors.Is(err, errUnknown):
		p.printf("Error: InvalidCommand: %.64q; lwhelp lists the commands\n", args[0])
	case err != nil:
		p.printf("Error: %v\n", err)
	default:
		p.printf("Done\n")
	}
	return false
}

var errUnknown = errors.New("InvalidCommand")

// carryOut finds out whose a command is.
func (p *prompt) carryOut(name string, args []string) error {
	w := words.Find(name)
	if run := own[name]; run != nil {
		if w != nil && !w.Stopped && p.device == nil {
			return words.ErrNotStarted
		}
		return run(p, args)
	}
	if w == nil {
		return errUnknown
	}
	var text string
	var err error
	if p.device == nil {
		text, err = w.Do(words.Call{}, args)
	} else if gone := p.device.Do(func(now machine.Time, c *client.Client) {
		text, err = w.Do(words.Call{Now: now, Cause: p.device.Cause(), Client: c}, args)
	}); gone != nil {
		return gone
	}
	p.printf("%s", text)
	return err
}

func (p *prompt) printf(format string, args ...any) { fmt.Fprintf(p.out, format, args...) }

// start starts the client.
func (p *prompt) start(o *clientOptions) error {
	cfg, err := o.config()
	if err != nil {
		return err
	}
	kinds, err := o.kinds()
	if err != nil {
		return err
	}
	profile := device.ThisComputer(o.name, Version)
	if err := o.simulation.apply(profile); err != nil {
		return err
	}
	if o.battery {
		profile.Device.BatteryEvery = 10 * time.Second
	}
	p.device, err = device.Start(p.host, device.Options{
		Config: cfg, Port: o.local, Store: p.store, OnEvent: p.event,
		Objects: func() ([]client.Object, error) { return profile.Make(p.host.Now(), kinds) },
		Bound:   func() { p.printf("LWM2M Client \"%s\" started on port %d\n", o.name, o.local) },
	})
	return err
}

// event prints what a user of the device wants to know of what happens. It runs on the device's goroutine.
func (p *prompt) event(_ machine.Time, v any) {
	switch e := v.(type) {
	case *device.Rebooted:
		if e.Err != nil {
			p.printf("[DEVICE] reboot failed: %v\n", e.Err)
		}
	case *device.NotRestored:
		p.printf("[DEVICE] %v\n", e.Err)
	default:
		p.printf("%s", words.Event(v, p.options.verbose))
	}
}

// stopTimeout bounds the wait for the server's answer to Deregister.
const stopTimeout = 6 * time.Second

// stop deregisters and stops the client, if it runs.
func (p *prompt) stop() {
	if p.device == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	p.device.Stop(ctx)
	p.device = nil
}

func (p *prompt) lwstart(args []string) error {
	if p.device != nil {
		return words.ErrStarted
	}
	o := p.options
	f := pflag.NewFlagSet("lwstart", pflag.ContinueOnError)
	f.SetOutput(io.Discard)
	o.lwFlags(f)
	if err := f.Parse(args); err != nil {
		return fmt.Errorf("%w; usage: %s", err, words.StartUsage)
	}
	if f.NArg() > 0 {
		return fmt.Errorf("InvalidArgs: %s; usage: %s", f.Arg(0), words.StartUsage)
	}
	if err := p.start(&o); err != nil {
		p.device = nil
		return err
	}
	return nil
}

func (p *prompt) lwhelp([]string) error {
	p.printf("%s", words.Help(exit))
	return nil
}
