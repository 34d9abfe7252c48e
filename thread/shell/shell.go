// Package shell is a Thread node's command line, in the words, order, errors and spacing of OpenThread's (src/cli), so
// that scripts written for ot-cli-ftd drive it. Bytes go in, bytes come out; it is as much a machine as the node that
// it sits on.
package shell

import (
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"heddle.example/border"
	"heddle.example/dtls"
	"heddle.example/machine"
	"heddle.example/thread/dnssd"
	"heddle.example/thread/status"
)

// LineLimit is how long a line can be, as OPENTHREAD_CONFIG_CLI_MAX_LINE_LENGTH with its terminating zero says. More is
// neither echoed nor kept (apps/cli/cli_uart.cpp).
const LineLimit = 640 - 1

const prompt = "> "

// Exit is what a line or a key asked of the program that runs the node.
type Exit uint8

// What a Shell asks of its driver.
const (
	Stay         Exit = iota
	Quit              // exit, or Ctrl-D
	Reset             // start the node again, with its settings
	FactoryReset      // wipe the settings, then start again
	Interrupt         // Ctrl-C
)

// Command is a command that the driver adds; it comes after OpenThread's own in `help`. Run writes its lines with
// Printf and returns nil for Done.
type Command struct {
	Name string
	Run  func(s *Shell, args []string) error
}

// Config is what a Shell is made with.
type Config struct {
	// Echo makes the shell repeat what is typed, as OpenThread's does. A terminal that edits lines itself turns it off.
	Echo bool
	// Certify prints what OpenThread's reference devices log of a joining: the harness of certification reads it.
	Certify bool
	// Extra commands, in this order.
	Extra []Command
	// Watch, where set, sees every action that Observe does, first: it prints what the Extra commands are about.
	Watch func(s *Shell, a machine.Action)
	// Certificate and Roots are what `coaps x509` sets. Nil: the certificate that every Heddle node has for tests.
	Certificate *dtls.Certificate
	Roots       *x509.CertPool
	// Border is what the node is a border router with. Without it there are no commands br and nat64.
	Border *border.Router
}

// Text is an error of a driver's own Command that is none of OpenThread's: "Error: " stands before it, and no number.
type Text string

func (t Text) Error() string { return string(t) }

// Shell is the command line of one node.
type Shell struct {
	node   Node
	cfg    Config
	now    machine.Time
	cause  machine.Cause
	out    []byte
	line   []byte
	echoed int // where in out the echo of line begins
	last   byte
	exit   Exit

	pending bool         // a command goes on, and new ones are dropped
	op      machine.OpID // what it waits for; 0: something else
	timeout machine.Time // when it gives up
	giveUp  error        // and what it then ends with

	pings        machine.OpID // the node's ping, which need not be the pending command
	naming       naming
	update       machine.OpID          // the dataset updater's
	dnsPrint     func(*dnssd.Response) // of the pending command
	srpCallback  bool                  // the ends of SRP updates are printed
	uncompressed bool                  // names in DNS messages, as the user wants it
	diagnosing   bool                  // the pending command prints diagnostic answers
	measuring    measuring             // the link metrics that the pending command waits for
	noCoex       bool                  // coexistence is switched off, which a simulated radio keeps and no more
	tellKey      bool                  // what becomes of an ephemeral key is printed

	datasetState
	udpState
	coap, coaps coapState
	mesh        meshState
	referenceState
	bench    benchState
	manager  managerState
	tellAILs bool     // `br multiail callback`
	said     []string // lines of events that are printed already
}

// New returns the shell of a node, which has printed its first prompt.
func New(n Node, cfg Config) *Shell {
	s := &Shell{node: n, cfg: cfg, timeout: machine.Never}
	s.udpState.secure, s.coaps.secure = true, true
	s.manager.at = machine.Never
	s.print(prompt)
	return s
}

// Input takes in what was typed. It stops at a byte that asks something of the driver, and returns how many it took.
func (s *Shell) Input(now machine.Time, cause machine.Cause, b []byte) int {
	s.now, s.cause = now, cause
	for i, c := range b {
		last := s.last
		s.last = c
		switch c {
		case '\n', '\r':
			if c == '\n' && last == '\r' {
				continue // CR LF ends one line
			}
			s.echo("\r\n")
			line := string(s.line)
			s.line = s.line[:0]
			s.run(line)
		case 0x03:
			s.exit = Interrupt
		case 0x04:
			s.exit = Quit
		case '\b', 127:
			if n := len(s.line); n > 0 {
				s.line = s.line[:n-1]
				s.echo("\b \b")
			}
		default:
			if len(s.line) == 0 {
				s.echoed = len(s.out)
			}
			if len(s.line) < LineLimit {
				s.line = append(s.line, c)
				if s.cfg.Echo {
					s.out = append(s.out, c)
				}
			}
		}
		if s.exit != Stay {
			return i + 1
		}
	}
	return len(b)
}

// Run runs one line, as if it was typed without echo.
func (s *Shell) Run(now machine.Time, cause machine.Cause, line string) {
	s.now, s.cause = now, cause
	s.run(line)
}

// Output returns what is to be printed since the last call. It is valid until the next input.
func (s *Shell) Output() []byte {
	b := s.out
	s.out, s.echoed = s.out[:0], 0
	return b
}

// Exit returns what the driver is asked for, once.
func (s *Shell) Exit() Exit {
	e := s.exit
	s.exit = Stay
	return e
}

// Pending reports whether a command goes on; until it has ended, what is typed is echoed and dropped.
func (s *Shell) Pending() bool { return s.pending }

// Deadline says when Expire wants to be called.
func (s *Shell) Deadline() machine.Time { return min(s.timeout, s.manager.at) }

// Expire ends a pending command that has waited long enough, and does what else is due.
func (s *Shell) Expire(now machine.Time) {
	s.now = now
	if now >= s.timeout {
		s.op, s.timeout = 0, machine.Never
		s.finish(s.giveUp)
	}
	if now >= s.manager.at {
		s.managerDue()
	}
}

// Printf prints without a line's end. A line ends with \r\n.
func (s *Shell) Printf(format string, a ...any) { s.out = fmt.Appendf(s.out, format, a...) }

// Line prints one line.
func (s *Shell) Line(format string, a ...any) {
	s.Printf(format, a...)
	s.print("\r\n")
}

// Now returns the instant of the latest input.
func (s *Shell) Now() machine.Time { return s.now }

// Cause returns the cause of the line that runs.
func (s *Shell) Cause() machine.Cause { return s.cause }

// Finish ends the pending command of a driver's own Command, which returned status.Pending.
func (s *Shell) Finish(err error) { s.finish(err) }

// Quit is what the driver's command to leave calls.
func (s *Shell) Quit() { s.exit = Quit }

func (s *Shell) print(t string) { s.out = append(s.out, t...) }

func (s *Shell) echo(t string) {
	if s.cfg.Echo {
		s.print(t)
	}
}

// run is OpenThread's Interpreter::ProcessLine: what is wrong with a line comes after whether it is wanted at all.
func (s *Shell) run(line string) {
	a, err := split(line)
	if s.pending && !a.is(0, "factoryreset") {
		return
	}
	s.pending = true
	if err == nil && len(a) == 0 {
		s.pending = false
		s.print(prompt)
		return
	}
	if err == nil {
		err = s.dispatch(a)
	}
	if s.exit != Stay {
		s.out = s.out[:s.echoed] // OpenThread never gets to showing the line itself
		s.pending = false
		return
	}
	s.finish(err)
}

// finish prints how a command ended, and the prompt. status.Pending means that it goes on.
func (s *Shell) finish(err error) {
	if err == errPending || !s.pending {
		return
	}
	s.result(err)
	s.pending = false
	s.timeout = machine.Never
	s.mesh.expected, s.mesh.query, s.diagnosing = 0, nil, false
	s.print(prompt)
}

func (s *Shell) result(err error) {
	if err == nil {
		s.Line("Done")
		return
	}
	var text Text
	if errors.As(err, &text) {
		s.Line("Error: %s", string(text))
		return
	}
	s.Line("Error %d: %s", number(err), number(err).Name())
}

// errPending is what a command returns that goes on.
var errPending error = status.Pending

// do runs something as one input of the node.
func (s *Shell) do(f func() error) (err error) {
	s.node.Do(s.now, s.cause, func() { err = f() })
	return err
}

// wait makes a pending command end by itself.
func (s *Shell) wait(ms int64, err error) {
	s.timeout = s.now.Add(msec(ms))
	s.giveUp = err
}

func msec(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
