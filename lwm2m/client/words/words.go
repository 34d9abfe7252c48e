// Package words has the commands of an LwM2M device at its prompt: their words, and what they print to the letter, as the
// first device of this kind had them. It works on a client machine, whatever runs it: a process on a computer, or a node
// of a mesh. What has to wait (the start, the end, a Send) is the program's.
package words

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/objects"
	"heddle.example/machine"
)

// What the words answer when the client is stopped, or is not.
var (
	ErrNotStarted = errors.New("LWM2M not started")
	ErrStarted    = errors.New("LWM2M already started")
)

// Call is the client that a command works on, within an input of it.
type Call struct {
	Now    machine.Time
	Cause  machine.Cause
	Client *client.Client // nil: stopped
}

// Command is a word with its meaning.
type Command struct {
	Name, Usage, Help string
	// Stopped: it works without a running client, or says by itself what is wrong.
	Stopped bool
	// Run returns what is to be printed, each line with its end. Nil: the program carries it out.
	Run func(c Call, args []string) (string, error)
}

// Commands are all words, in alphabetical order.
var Commands = []Command{
	{"lwadd", "lwadd", "add object 31024", false, lwadd},
	{"lwchange", "lwchange <URI> [VALUE]", "set a resource, or tell its observers that it has changed", true, lwchange},
	{"lwdisp", "lwdisp", "show the objects' values", false, lwdisp},
	{"lwdispb", "lwdispb", "show the objects 0 and 1 as they were before the last bootstrap", false, lwdispb},
	{"lwfw", "lwfw", "show how the firmware update stands", false, lwfw},
	{"lwhelp", "lwhelp", "list these commands", true, nil},
	{"lwlist", "lwlist", "list the servers", false, lwlist},
	{"lwls", "lwls", "list objects and instances", false, lwls},
	{"lwobs", "lwobs", "show who observes what", false, lwobs},
	{"lwrm", "lwrm", "remove object 31024", false, lwrm},
	{"lwsend", "lwsend PATH...", "send values to the server without being asked", true, nil},
	{"lwstart", StartUsage, "start the client", true, nil},
	{"lwstop", "lwstop", "deregister and stop the client", false, nil},
	{"lwupdate", "lwupdate <SERVER ID>", "send a registration update", true, lwupdate},
}

// Find returns the command of a name, or nil.
func Find(name string) *Command {
	for i := range Commands {
		if Commands[i].Name == name {
			return &Commands[i]
		}
	}
	return nil
}

// Do carries out a command that has a Run.
func (d *Command) Do(c Call, args []string) (string, error) {
	if c.Client == nil && !d.Stopped {
		return "", ErrNotStarted
	}
	return d.Run(c, args)
}

// Help is what lwhelp prints. More are the program's own commands, such as exit.
func Help(more ...Command) string {
	list := append(slices.Clone(Commands), more...)
	slices.SortFunc(list, func(a, b Command) int { return strings.Compare(a.Name, b.Name) })
	var w strings.Builder
	for _, d := range list {
		fmt.Fprintf(&w, "%-26s%s\n", shortUsage(d.Usage), d.Help)
	}
	w.WriteString(StartUsage + "\n")
	return w.String()
}

// shortUsage is a usage that fits in a column.
func shortUsage(s string) string {
	if len(s) > 25 {
		s, _, _ = strings.Cut(s, " ")
	}
	return s
}

// The codes that the first device's API had for its errors: CoAP's.
const (
	errBadRequest    = 0x80
	errNotFound      = 0x84
	errNotAcceptable = 0x86
)

func lwupdate(c Call, args []string) (string, error) {
	const syntax = "Syntax error ! lwupdate <SERVER ID>\n"
	if len(args) != 1 {
		return syntax, nil
	}
	id, err := strconv.ParseUint(args[0], 10, 16)
	if err != nil {
		return syntax, nil
	}
	if c.Client == nil {
		return "", ErrNotStarted
	}
	switch err := c.Client.Update(c.Now, c.Cause, uint16(id)); {
	case errors.Is(err, client.ErrUnknownServer):
		return fmt.Sprintf("Registration update error: %d\n", errNotFound), nil
	case err != nil:
		return fmt.Sprintf("Registration update error: %d\n", errBadRequest), nil
	}
	return "", nil
}

func lwchange(c Call, args []string) (string, error) {
	const syntax = "Syntax error! lwchange <URI> [VALUE]\n"
	if len(args) == 0 {
		return syntax, nil
	}
	if c.Client == nil {
		return "", ErrNotStarted
	}
	path, err := lwm2m.ParsePath(args[0])
	if err != nil || path.Depth() == 0 || len(args) > 1 && path.Depth() < 3 {
		return syntax, nil
	}
	return change(c, path, strings.Join(args[1:], " "), len(args) > 1) + "\n", nil
}

// change sets a resource, or tells of a change, and returns what lwchange prints.
func change(c Call, path lwm2m.Path, text string, set bool) string {
	if !c.Client.Has(path.Cut(2)) {
		return "Object not found !"
	}
	if !set {
		c.Client.Changed(c.Now, c.Cause, path)
		return "report change!"
	}
	r := c.Client.ResourceAt(path)
	if r == nil {
		return "Object not found !"
	}
	v, err := lwm2m.ParseText(r.Kind, text)
	if err != nil {
		return "Failed to change value!"
	}
	var e *client.Error
	switch err := c.Client.Set(c.Now, c.Cause, path, v); {
	case err == nil:
		return "value changed!"
	case errors.As(err, &e) && e.Code == coap.MethodNotAllowed:
		return "write not supported for specified resource!"
	}
	return "Failed to change value!"
}

func lwadd(c Call, _ []string) (string, error) {
	if err := c.Client.AddObject(c.Now, c.Cause, objects.NewTest()); err != nil {
		return fmt.Sprintf("Adding object 31024 failed: %d\n", errNotAcceptable), nil
	}
	return "Object 31024 added.\n", nil
}

func lwrm(c Call, _ []string) (string, error) {
	if err := c.Client.RemoveObject(c.Now, c.Cause, 31024); err != nil {
		return fmt.Sprintf("Removing object 31024 failed: %d\n", errNotFound), nil
	}
	return "Object 31024 removed.\n", nil
}
