package thread

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/status"
)

// Bounds of synchronized channel sample listening (src/core/config/mac.h and thread/mle.hpp of OpenThread).
const (
	cslUnit           = 160 // us: ten symbols
	minCSLPeriod      = 10 * 1000 / cslUnit
	maxCSLTimeout     = 10_000
	defaultCSLTimeout = 100
)

// CSL returns our schedule as a sleepy child: channel (0: the network's), period in us (0: none) and time-out in seconds.
func (n *Node) CSL() (channel uint8, periodUS, timeout uint32) {
	period, channel, _ := n.mac.CSL()
	return channel, uint32(period) * cslUnit, n.mle.CSLTimeout()
}

// SetCSLChannel changes the channel of our samples.
func (n *Node) SetCSLChannel(now machine.Time, channel uint8) error {
	if channel != 0 && !n.mac.Supported(channel) {
		return status.InvalidArgs
	}
	n.begin(now, 0)
	defer n.finish(now)
	period, _, _ := n.mac.CSL()
	n.mac.SetCSLChannel(now, channel)
	n.mle.SetCSL(now, period, channel)
	return nil
}

// SetCSLPeriod changes the period of our samples in us; 0 ends them.
func (n *Node) SetCSLPeriod(now machine.Time, us uint32) error {
	units := min(us/cslUnit, 0xffff)
	if us != 0 && (us%cslUnit != 0 || units < minCSLPeriod) {
		return status.InvalidArgs
	}
	n.begin(now, 0)
	defer n.finish(now)
	_, channel, _ := n.mac.CSL()
	n.mac.SetCSLPeriod(now, uint16(units))
	n.mle.SetCSL(now, uint16(units), channel)
	return nil
}

// SetCSLTimeout changes after how many seconds of silence our parent takes our schedule for lost.
func (n *Node) SetCSLTimeout(now machine.Time, seconds uint32) error {
	if seconds > maxCSLTimeout {
		return status.InvalidArgs
	}
	n.begin(now, 0)
	defer n.finish(now)
	n.mle.SetCSLTimeout(now, seconds)
	return nil
}

// updatePolling has the MAC know what its poll period and its samples depend on: the time-outs that the parent was told,
// and whether there is a parent that sends at samples (Mle::SetRole, Mac::SetCslCapable).
func (n *Node) updatePolling(now machine.Time) {
	parent := &n.table.Parent
	capable := n.table.Self.Role == neighbor.RoleChild && !n.mle.Mode().RxOn() && parent.EnhancedKeepAlive()
	before := n.mac.CSLEnabled()
	n.mac.SetCSLCapable(now, capable, parent.CSLAccuracy, parent.CSLUncertainty)
	if n.mac.CSLEnabled() && !before {
		n.mle.RegisterAddresses(now) // a Child Update Request: the first frame with our schedule
	}
	n.mac.SetTimeouts(now, time.Duration(n.mle.Timeout())*time.Second, time.Duration(n.mle.CSLTimeout())*time.Second)
}
