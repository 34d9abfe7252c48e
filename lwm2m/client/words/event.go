package words

import (
	"fmt"
	"strings"
	"time"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/objects"
)

// Event returns what a user of the device wants to know of an event, each line with its end; "" for nothing. Verbose tells
// when the device falls asleep and wakes, too.
func Event(v any, verbose bool) string {
	switch e := v.(type) {
	case *client.StateChanged:
		return fmt.Sprintf(" -> State: %s\n", e.State)
	case *client.Asleep:
		if verbose {
			return " -> asleep\n"
		}
	case *client.Awake:
		if verbose {
			return " -> awake\n"
		}
	case *client.BootstrapStarted:
		return "[BOOTSTRAP] backup security and server objects\n"
	case *client.BootstrapFailed:
		return "[BOOTSTRAP] restore security and server objects\n[BOOTSTRAP] ObjectList restored\nBootstrap failed: " +
			reason(e.Err, e.Code, e.Reason, e.Retry) + "\n"
	case *objects.BatteryChanged:
		return fmt.Sprintf("New Battery Level: %d\n", e.Level)
	case *client.RegistrationFailed:
		return fmt.Sprintf("Registration at server %d failed: %s\n", e.Server, reason(e.Err, e.Code, e.Reason, e.Retry))
	case *objects.FirmwareChanged:
		return fmt.Sprintf("[FIRMWARE] %s, %s\n", e.State, FirmwareResults[e.Result])
	case *client.Reboot:
		if e.Factory {
			return "[DEVICE] factory reset\n"
		}
		return "[DEVICE] reboot\n"
	}
	return ""
}

// reason says why something failed, and what happens next.
func reason(err error, code coap.Code, text string, retry time.Duration) string {
	var w strings.Builder
	if err != nil {
		w.WriteString(err.Error())
	} else {
		fmt.Fprintf(&w, "%v %s", code, code.Name())
		if text != "" {
			fmt.Fprintf(&w, " (%q)", text)
		}
	}
	if retry > 0 {
		fmt.Fprintf(&w, "; next attempt in %d s", int(retry/time.Second))
	}
	return w.String()
}

// SendSyntax is what lwsend prints where its arguments are no paths.
const SendSyntax = "Syntax error! lwsend <PATH>...\n"

// ParseSend reads the arguments of lwsend.
func ParseSend(args []string) (r client.SendRequest, ok bool) {
	for _, a := range args {
		path, err := lwm2m.ParsePath(a)
		if err != nil {
			return r, false
		}
		r.Paths = append(r.Paths, path)
	}
	return r, len(r.Paths) > 0
}

// Sent is what lwsend prints at the end.
func Sent(out *client.SendOutcome) string {
	if out.Err != nil || out.Code.Class() != 2 {
		return "Send failed: " + reason(out.Err, out.Code, out.Reason, 0) + "\n"
	}
	return fmt.Sprintf("Send: %v %s\n", out.Code, out.Code.Name())
}
