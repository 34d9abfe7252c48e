package node

import (
	"fmt"
	"strings"

	"heddle.example/machine"
	"heddle.example/thread"
	"heddle.example/thread/info"
	"heddle.example/thread/neighbor"
)

// Levels of a log, as `log level` has them.
const (
	logWarn = 2
	logNote = 3
	logInfo = 4
)

// log writes what happened to the node, in the shape of OpenThread's logs: time since the start, level, module, text. It holds
// no keys and no passwords.
func (p *program) log(now machine.Time, a machine.Action) {
	switch v := a.Value.(type) {
	case *thread.Changed:
		p.logf(now, logInfo, "Notifier", "StateChanged (0x%08x)", uint32(v.Flags))
		if v.Flags&thread.RoleChanged != 0 {
			p.logf(now, logNote, "Mle", "Role -> %s, RLOC16 %04x, partition 0x%x", p.thread.Role(), p.thread.RLOC16(), p.thread.Partition())
		}
	case *thread.NeighborEvent:
		what, ok := map[neighbor.Event]string{neighbor.ChildAdded: "Child added", neighbor.ChildRemoved: "Child removed",
			neighbor.RouterAdded: "Router added", neighbor.RouterRemoved: "Router removed"}[v.Event]
		if ok {
			p.logf(now, logInfo, "NeighborTable", "%s: %s, 0x%04x", what, v.Ext, v.RLOC16)
		}
	case *info.CommissionerState:
		p.logf(now, logInfo, "Commissioner", "State: %s", v.State)
	case *info.JoinerEvent:
		p.logf(now, logInfo, "Commissioner", "Joiner %s", v.Event)
	case *info.JoinerDone:
		if v.Err == nil {
			p.logf(now, logInfo, "Joiner", "Join success")
		} else {
			p.logf(now, logWarn, "Joiner", "Join failed: %v: %s", v.Err, v.Reason)
		}
	case *info.EphemeralKeyState:
		p.logf(now, logInfo, "BorderAgent", "Ephemeral key - state: %s", v.State)
	case *info.EphemeralKeyEvent:
		p.logf(now, logInfo, "BorderAgent", "Ephemeral key: %s", v.Event)
	case *info.SecureSession:
		p.logf(now, logInfo, "CoapSecure", "Session connected: %v", v.Connected)
	case *info.Certified:
		p.logf(now, logInfo, "MeshCoP", "%s", v.Text)
	}
}

func (p *program) logf(now machine.Time, level uint8, module, format string, args ...any) {
	if p.thread == nil || p.thread.LogLevel() < level {
		return
	}
	ms := p.thread.Uptime(now).Milliseconds()
	// A log that cannot be written is no reason to stop a node.
	_, _ = fmt.Fprintf(p.options.Log, "%02d:%02d:%02d.%03d [%c] %s: %s\n", ms/3600000, ms/60000%60, ms/1000%60, ms%1000, "-CWNID"[min(level, 5)],
		module+strings.Repeat("-", max(0, 14-len(module))), fmt.Sprintf(format, args...))
}
