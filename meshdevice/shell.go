package meshdevice

import (
	"strings"

	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/words"
	"heddle.example/machine"
	"heddle.example/thread/shell"
	"heddle.example/thread/status"
)

// Commands returns the device's LwM2M commands for its node's shell, with the lines of its events. Add them to a
// shell.Config with AddTo; the shell is made anew at each boot, as the device is.
func (d *Device) Commands() []shell.Command {
	var list []shell.Command
	for i := range words.Commands {
		w := &words.Commands[i]
		run := func(s *shell.Shell, a []string) error { return d.word(s, w, a) }
		switch w.Name {
		case "lwstart":
			run = d.lwstart
		case "lwstop":
			run = d.lwstop
		case "lwsend":
			run = d.lwsend
		case "lwhelp":
			run = func(s *shell.Shell, _ []string) error { print(s, words.Help()); return nil }
		}
		list = append(list, shell.Command{Name: w.Name, Run: run})
	}
	return list
}

// AddTo gives a shell the commands, and the lines of what happens.
func (d *Device) AddTo(c *shell.Config) {
	c.Extra = append(c.Extra[:len(c.Extra):len(c.Extra)], d.Commands()...)
	before := c.Watch
	c.Watch = func(s *shell.Shell, a machine.Action) {
		if before != nil {
			before(s, a)
		}
		d.Watch(s, a)
	}
}

// Watch prints what a user of the device wants to know of an action.
func (d *Device) Watch(s *shell.Shell, a machine.Action) {
	switch v := a.Value.(type) {
	case *client.Stopped:
		if d.command.stopping {
			d.command = command{}
			s.Finish(nil)
		}
	case *client.SendOutcome:
		if a.Op != 0 && a.Op == d.command.sending {
			d.command = command{}
			print(s, words.Sent(v))
			s.Finish(nil)
		}
	case *NotRestored:
		s.Line("[DEVICE] %v", v.Err)
	default:
		print(s, words.Event(a.Value, false))
	}
}

// command is what the shell waits for.
type command struct {
	stopping bool
	sending  machine.OpID
}

// print prints lines with OpenThread's ends.
func print(s *shell.Shell, text string) {
	for line := range strings.Lines(text) {
		s.Line("%s", strings.TrimSuffix(line, "\n"))
	}
}

func (d *Device) word(s *shell.Shell, w *words.Command, args []string) error {
	c := words.Call{Now: s.Now(), Cause: s.Cause()}
	if d.lw != nil {
		d.begin(c.Now)
		c.Client = d.lw.client
	}
	text, err := w.Do(c, args)
	d.pump()
	print(s, text)
	return failed(err)
}

// failed is an error in the shell's terms.
func failed(err error) error {
	if err == nil {
		return nil
	}
	return shell.Text(err.Error())
}

func (d *Device) lwstart(s *shell.Shell, args []string) error {
	if d.lw != nil {
		return failed(words.ErrStarted)
	}
	o := Defaults()
	var err error
	if o.Options, err = words.ParseStart(args, o.Options); err != nil {
		return failed(err)
	}
	if err := d.Start(s.Now(), s.Cause(), o); err != nil {
		return failed(err)
	}
	s.Line("LWM2M Client \"%s\" started on port %d", o.Name, o.Local)
	if !d.attachedNow() {
		s.Line(" -> waiting for the Thread network: ifconfig up, thread start")
	}
	return nil
}

func (d *Device) lwstop(s *shell.Shell, _ []string) error {
	if err := d.Stop(s.Now(), s.Cause()); err != nil {
		return failed(err)
	}
	d.command = command{stopping: true}
	return status.Pending
}

func (d *Device) lwsend(s *shell.Shell, args []string) error {
	r, ok := words.ParseSend(args)
	if !ok {
		print(s, words.SendSyntax)
		return nil
	}
	err := d.Do(s.Now(), s.Cause(), func(c *client.Client) { d.command = command{sending: c.Send(s.Now(), s.Cause(), &r)} })
	if err != nil {
		return failed(err)
	}
	return status.Pending
}
