package meshdevice

import (
	"time"

	"heddle.example/lwm2m/client"
)

// Status is how LwM2M stands on the device.
type Status struct {
	Started  bool
	Waiting  bool // for a network
	Endpoint string
	State    client.State
	Port     uint16 // the local UDP port
	Servers  []client.ServerStatus
	Asleep   bool
	Queue    bool          // queue mode
	Poll     time.Duration // how often a sleepy node polls; 0: it listens all the time
}

// Status returns how LwM2M stands.
func (d *Device) Status() Status {
	l := d.lw
	if l == nil {
		return Status{}
	}
	s := Status{Started: true, Waiting: !l.begun, Endpoint: l.options.Name, State: l.client.State(), Port: l.port,
		Servers: l.client.Servers(), Asleep: l.client.Sleeping(), Queue: l.client.Queue()}
	if d.sleepy() {
		s.Poll = d.node.PollingPeriod()
	}
	return s
}
