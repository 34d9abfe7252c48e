package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"heddle.example/coap"
	"heddle.example/host"
	"heddle.example/internal/device"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/objects"
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

// word is a command of the prompt.
type word struct {
	usage, help string
	whenStopped bool // works without a running client, or says by itself what is wrong
	run         func(p *prompt, args []string) error
}

// errQuit ends the prompt.
var errQuit = errors.New("quit")

// errNotStarted is what all words but lwstart answer while the client is stopped.
var errNotStarted = errors.New("LWM2M not started")

var words map[string]word

func init() {
	words = map[string]word{
		"lwstart": {"lwstart [-n NAME] [-l PORT] [-h HOST] [-p PORT] [-t TIME] [-b] [-c] [-i IDENTITY] [-s HEXKEY]",
			"start the client", true, (*prompt).lwstart},
		"lwstop":   {"lwstop", "deregister and stop the client", false, func(p *prompt, _ []string) error { p.stop(); return nil }},
		"lwlist":   {"lwlist", "list the servers", false, (*prompt).lwlist},
		"lwchange": {"lwchange <URI> [VALUE]", "set a resource, or tell its observers that it has changed", true, (*prompt).lwchange},
		"lwupdate": {"lwupdate <SERVER ID>", "send a registration update", true, (*prompt).lwupdate},
		"lwls":     {"lwls", "list objects and instances", false, (*prompt).lwls},
		"lwadd":    {"lwadd", "add object 31024", false, (*prompt).lwadd},
		"lwrm":     {"lwrm", "remove object 31024", false, (*prompt).lwrm},
		"lwdisp":   {"lwdisp", "show the objects' values", false, (*prompt).lwdisp},
		"lwdispb":  {"lwdispb", "show the objects 0 and 1 as they were before the last bootstrap", false, (*prompt).lwdispb},
		"lwsend":   {"lwsend PATH...", "send values to the server without being asked", true, (*prompt).lwsend},
		"lwfw":     {"lwfw", "show how the firmware update stands", false, (*prompt).lwfw},
		"lwobs":    {"lwobs", "show who observes what", false, (*prompt).lwobs},
		"lwhelp":   {"lwhelp", "list these commands", true, (*prompt).lwhelp},
		"help":     {"help", "list these commands", true, (*prompt).lwhelp},
		"exit":     {"exit", "deregister and leave", true, func(*prompt, []string) error { return errQuit }},
	}
}

// complete completes a word at the prompt.
func complete(line string, pos int, key rune) (string, int, bool) {
	if key != '\t' || strings.ContainsRune(line[:pos], ' ') {
		return "", 0, false
	}
	var fit []string
	for w := range words {
		if strings.HasPrefix(w, line[:pos]) {
			fit = append(fit, w)
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
	w, ok := words[args[0]]
	if !ok {
		p.printf("Error: InvalidCommand: %.64q; lwhelp lists the commands\n", args[0])
		return false
	}
	err := errNotStarted
	if w.whenStopped || p.device != nil {
		err = w.run(p, args[1:])
	}
	switch {
	case errors.Is(err, errQuit):
		return true
	case err != nil:
		p.printf("Error: %v\n", err)
	default:
		p.printf("Done\n")
	}
	return false
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
	case *client.StateChanged:
		p.printf(" -> State: %s\n", e.State)
	case *client.Asleep:
		p.tell(" -> asleep\n")
	case *client.Awake:
		p.tell(" -> awake\n")
	case *client.BootstrapStarted:
		p.printf("[BOOTSTRAP] backup security and server objects\n")
	case *client.BootstrapFailed:
		p.printf("[BOOTSTRAP] restore security and server objects\n[BOOTSTRAP] ObjectList restored\n")
		p.printf("Bootstrap failed: %s\n", reasonText(e.Err, e.Code, e.Reason, e.Retry))
	case *objects.BatteryChanged:
		p.printf("New Battery Level: %d\n", e.Level)
	case *client.RegistrationFailed:
		p.printf("%s\n", failureText(e))
	case *objects.FirmwareChanged:
		p.printf("[FIRMWARE] %s, %s\n", e.State, device.FirmwareResults[e.Result])
	case *client.Reboot:
		p.printf("[DEVICE] %s\n", map[bool]string{false: "reboot", true: "factory reset"}[e.Factory])
	case *device.Rebooted:
		if e.Err != nil {
			p.printf("[DEVICE] reboot failed: %v\n", e.Err)
		}
	case *device.NotRestored:
		p.printf("[DEVICE] %v\n", e.Err)
	}
}

// tell prints what only those want to know who asked for it.
func (p *prompt) tell(text string) {
	if p.options.verbose {
		p.printf("%s", text)
	}
}

// failureText says why a registration failed, and what happens next.
func failureText(e *client.RegistrationFailed) string {
	return fmt.Sprintf("Registration at server %d failed: %s", e.Server, reasonText(e.Err, e.Code, e.Reason, e.Retry))
}

func reasonText(err error, code coap.Code, reason string, retry time.Duration) string {
	var w strings.Builder
	if err != nil {
		w.WriteString(err.Error())
	} else {
		fmt.Fprintf(&w, "%v %s", code, code.Name())
		if reason != "" {
			fmt.Fprintf(&w, " (%q)", reason)
		}
	}
	if retry > 0 {
		fmt.Fprintf(&w, "; next attempt in %d s", int(retry/time.Second))
	}
	return w.String()
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
		return errors.New("LWM2M already started")
	}
	o := p.options
	f := pflag.NewFlagSet("lwstart", pflag.ContinueOnError)
	f.SetOutput(io.Discard)
	o.lwFlags(f)
	if err := f.Parse(args); err != nil {
		return fmt.Errorf("%w; usage: %s", err, words["lwstart"].usage)
	}
	if f.NArg() > 0 {
		return fmt.Errorf("InvalidArgs: %s; usage: %s", f.Arg(0), words["lwstart"].usage)
	}
	if err := p.start(&o); err != nil {
		p.device = nil
		return err
	}
	return nil
}

func (p *prompt) lwupdate(args []string) error {
	const syntax = "Syntax error ! lwupdate <SERVER ID>\n"
	if len(args) != 1 {
		p.printf(syntax)
		return nil
	}
	id, err := strconv.ParseUint(args[0], 10, 16)
	if err != nil {
		p.printf(syntax)
		return nil
	}
	if p.device == nil {
		return errNotStarted
	}
	var result error
	if err := p.device.Do(func(now machine.Time, c *client.Client) { result = c.Update(now, p.device.Cause(), uint16(id)) }); err != nil {
		return err
	}
	switch {
	case errors.Is(result, client.ErrUnknownServer):
		p.printf("Registration update error: %d\n", 0x84) // 4.04 as a CoAP code
	case result != nil:
		p.printf("Registration update error: %d\n", 0x80) // 4.00
	}
	return nil
}

func (p *prompt) lwchange(args []string) error {
	if len(args) == 0 {
		p.printf("Syntax error! lwchange <URI> [VALUE]\n")
		return nil
	}
	if p.device == nil {
		return errNotStarted
	}
	path, err := lwm2m.ParsePath(args[0])
	if err != nil || path.Depth() == 0 || len(args) > 1 && path.Depth() < 3 {
		p.printf("Syntax error! lwchange <URI> [VALUE]\n")
		return nil
	}
	text := strings.Join(args[1:], " ")
	answer := ""
	err = p.device.Do(func(now machine.Time, c *client.Client) {
		answer = change(c, now, p.device.Cause(), path, text, len(args) > 1)
	})
	if err != nil {
		return err
	}
	p.printf("%s\n", answer)
	return nil
}

// change sets a resource, or tells of a change, and returns what lwchange prints.
func change(c *client.Client, now machine.Time, cause machine.Cause, path lwm2m.Path, text string, set bool) string {
	if !c.Has(path.Cut(2)) {
		return "Object not found !"
	}
	if !set {
		c.Changed(now, cause, path)
		return "report change!"
	}
	r := c.ResourceAt(path)
	if r == nil {
		return "Object not found !"
	}
	v, err := lwm2m.ParseText(r.Kind, text)
	if err != nil {
		return "Failed to change value!"
	}
	var e *client.Error
	switch err := c.Set(now, cause, path, v); {
	case err == nil:
		return "value changed!"
	case errors.As(err, &e) && e.Code == coap.MethodNotAllowed:
		return "write not supported for specified resource!"
	}
	return "Failed to change value!"
}

func (p *prompt) lwadd([]string) error {
	var result error
	err := p.device.Do(func(now machine.Time, c *client.Client) {
		result = c.AddObject(now, p.device.Cause(), objects.NewTest())
	})
	switch {
	case err != nil:
		return err
	case result != nil:
		p.printf("Adding object 31024 failed: %d\n", 0x86) // 4.06 as a CoAP code
	default:
		p.printf("Object 31024 added.\n")
	}
	return nil
}

func (p *prompt) lwrm([]string) error {
	var result error
	err := p.device.Do(func(now machine.Time, c *client.Client) { result = c.RemoveObject(now, p.device.Cause(), 31024) })
	switch {
	case err != nil:
		return err
	case result != nil:
		p.printf("Removing object 31024 failed: %d\n", 0x84) // 4.04
	default:
		p.printf("Object 31024 removed.\n")
	}
	return nil
}

func (p *prompt) lwhelp([]string) error {
	names := make([]string, 0, len(words))
	for n := range words {
		if n != "help" {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	for _, n := range names {
		p.printf("%-26s%s\n", shortUsage(words[n].usage), words[n].help)
	}
	p.printf("%s\n", words["lwstart"].usage)
	return nil
}

// shortUsage is a usage that fits in a column.
func shortUsage(s string) string {
	if len(s) > 25 {
		s, _, _ = strings.Cut(s, " ")
	}
	return s
}
