package objects

import (
	"net/netip"
	"time"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/machine"
)

// Network bearers (object 4, resource 0).
const (
	BearerWLAN       = 21
	BearerIEEE802154 = 23
	BearerEthernet   = 41
)

// ConnectivityMonitoringDefinition is object 4, version 1.1.
var ConnectivityMonitoringDefinition = client.Definition{ID: 4, Name: "Connectivity Monitoring", Version: lwm2m.V1_1, Resources: []client.Resource{
	{ID: 0, Name: "Network Bearer", Kind: lwm2m.Integer, Operations: ro, Mandatory: true, Max: 50},
	{ID: 1, Name: "Available Network Bearer", Kind: lwm2m.Integer, Operations: ro, Multiple: true, Mandatory: true, Max: 50},
	{ID: 2, Name: "Radio Signal Strength", Kind: lwm2m.Integer, Operations: ro, Mandatory: true},
	{ID: 3, Name: "Link Quality", Kind: lwm2m.Integer, Operations: ro},
	{ID: 4, Name: "IP Addresses", Kind: lwm2m.String, Operations: ro, Multiple: true, Mandatory: true},
	{ID: 5, Name: "Router IP Addresses", Kind: lwm2m.String, Operations: ro, Multiple: true},
	{ID: 6, Name: "Link Utilization", Kind: lwm2m.Integer, Operations: ro, Max: 100},
}}

// signalEvery is how often the simulated signal changes.
const signalEvery = 30 * time.Second

// ConnectivityMonitoring is object 4. Its radio signal is simulated unless Signal is set; addresses come from the program.
type ConnectivityMonitoring struct {
	Bearer    int64
	Addresses []netip.Addr
	Routers   []netip.Addr
	Signal    func(now machine.Time) (rssi, quality int64) // nil: simulated
	// Live, where set, gives the addresses of the moment instead of Addresses and Routers.
	Live func() (addresses, routers []netip.Addr)

	seed uint64
}

// Attach implements client.Attacher.
func (m *ConnectivityMonitoring) Attach(c *client.Client) { m.seed = c.Rand().Uint64() }

// Definition implements client.Object.
func (m *ConnectivityMonitoring) Definition() *client.Definition {
	return &ConnectivityMonitoringDefinition
}

// Instances implements client.Object.
func (m *ConnectivityMonitoring) Instances(dst []uint16) []uint16 { return append(dst, 0) }

// Read implements client.Object.
func (m *ConnectivityMonitoring) Read(now machine.Time, dst []lwm2m.Entry, p lwm2m.Path) ([]lwm2m.Entry, bool) {
	own, routers := m.Addresses, m.Routers
	if m.Live != nil && (p.Resource() == 4 || p.Resource() == 5) {
		own, routers = m.Live()
	}
	switch p.Resource() {
	case 0:
		return value(dst, p, lwm2m.Int(m.Bearer))
	case 1:
		return integers(dst, p, m.Bearer)
	case 2:
		rssi, _ := m.signal(now)
		return value(dst, p, lwm2m.Int(rssi))
	case 3:
		_, quality := m.signal(now)
		return value(dst, p, lwm2m.Int(quality))
	case 4:
		return addresses(dst, p, own)
	case 5:
		if len(routers) > 0 {
			return addresses(dst, p, routers)
		}
	case 6:
		if m.Live != nil {
			return dst, false // nothing measures it
		}
		n, _ := step(now, signalEvery)
		return value(dst, p, lwm2m.Int(int64(hash(m.seed+1, n)%12)))
	}
	return dst, false
}

func addresses(dst []lwm2m.Entry, p lwm2m.Path, list []netip.Addr) ([]lwm2m.Entry, bool) {
	for i, a := range list {
		dst = append(dst, lwm2m.Entry{Path: p.Child(uint16(i)), Value: lwm2m.Str(a.String())})
	}
	return dst, true
}

// signal returns the signal strength in dBm and the link quality, 0 to 255.
func (m *ConnectivityMonitoring) signal(now machine.Time) (rssi, quality int64) {
	if m.Signal != nil {
		return m.Signal(now)
	}
	n, _ := step(now, signalEvery)
	rssi = -62 + int64(round(8*drift(m.seed, n), 1))
	return rssi, min(255, (rssi+100)*4)
}

// NextChange implements client.Mover.
func (m *ConnectivityMonitoring) NextChange(now machine.Time, p lwm2m.Path) machine.Time {
	if p.Depth() >= 3 {
		switch r := p.Resource(); {
		case r == 2 || r == 3 || r == 6:
		case m.Live != nil && (r == 4 || r == 5):
		default:
			return machine.Never
		}
	}
	_, next := step(now, signalEvery)
	return next
}

// ConnectivityStatisticsDefinition is object 7, version 1.0.
var ConnectivityStatisticsDefinition = client.Definition{ID: 7, Name: "Connectivity Statistics", Version: lwm2m.V1_0, Resources: []client.Resource{
	{ID: 2, Name: "Tx Data", Kind: lwm2m.Integer, Operations: ro},
	{ID: 3, Name: "Rx Data", Kind: lwm2m.Integer, Operations: ro},
	{ID: 4, Name: "Max Message Size", Kind: lwm2m.Integer, Operations: ro},
	{ID: 5, Name: "Average Message Size", Kind: lwm2m.Integer, Operations: ro},
	{ID: 6, Name: "Start", Operations: ex, Mandatory: true},
	{ID: 7, Name: "Stop", Operations: ex, Mandatory: true},
	{ID: 8, Name: "Collection Period", Kind: lwm2m.Integer, Operations: rw, Max: 1 << 31},
}}

// ConnectivityStatistics is object 7: the client's real traffic between Start and Stop, or for the Collection Period.
type ConnectivityStatistics struct {
	// Count, where set, counts the traffic instead: all that the device's radio carries. It only grows.
	Count func() client.Traffic

	client  *client.Client
	base    client.Traffic // of Count, at Start
	period  int64          // seconds; 0: until Stop
	running bool
	end     machine.Time
	held    client.Traffic // what was counted, when stopped
}

// NewConnectivityStatistics returns an object that is not collecting.
func NewConnectivityStatistics() *ConnectivityStatistics {
	return &ConnectivityStatistics{end: machine.Never}
}

// Attach implements client.Attacher.
func (s *ConnectivityStatistics) Attach(c *client.Client) { s.client = c }

// Definition implements client.Object.
func (s *ConnectivityStatistics) Definition() *client.Definition {
	return &ConnectivityStatisticsDefinition
}

// Instances implements client.Object.
func (s *ConnectivityStatistics) Instances(dst []uint16) []uint16 { return append(dst, 0) }

// Read implements client.Object.
func (s *ConnectivityStatistics) Read(_ machine.Time, dst []lwm2m.Entry, p lwm2m.Path) ([]lwm2m.Entry, bool) {
	t := s.held
	if s.running {
		t = s.traffic()
	}
	switch p.Resource() {
	case 2:
		return value(dst, p, lwm2m.Int(int64(t.TxBytes/1000)))
	case 3:
		return value(dst, p, lwm2m.Int(int64(t.RxBytes/1000)))
	case 4:
		return value(dst, p, lwm2m.Int(int64(t.MaxMessage)))
	case 5:
		n := t.TxMessages + t.RxMessages
		return value(dst, p, lwm2m.Int(int64((t.TxBytes+t.RxBytes)/max(n, 1))))
	case 6, 7:
		return dst, true
	case 8:
		return value(dst, p, lwm2m.Int(s.period))
	}
	return dst, false
}

// NextChange implements client.Mover: counters are looked at every ten seconds while they run.
func (s *ConnectivityStatistics) NextChange(now machine.Time, p lwm2m.Path) machine.Time {
	if !s.running || p.Depth() >= 3 && p.Resource() > 5 {
		return machine.Never
	}
	_, next := step(now, 10*time.Second)
	return next
}

// CheckWrite implements client.Writer.
func (s *ConnectivityStatistics) CheckWrite(client.Call, client.Writing) error { return nil }

// Write implements client.Writer.
func (s *ConnectivityStatistics) Write(_ client.Call, w client.Writing) {
	s.period, _ = w.Value().AsInt()
}

// Execute implements client.Executer.
func (s *ConnectivityStatistics) Execute(call client.Call, p lwm2m.Path, _ []client.Argument) error {
	if p.Resource() == 7 {
		s.stop()
		return nil
	}
	s.running, s.end = true, machine.Never
	if s.Count != nil {
		s.base = s.Count()
	} else {
		s.client.ResetTraffic()
	}
	if s.period > 0 {
		s.end = call.Now.Add(time.Duration(s.period) * time.Second)
	}
	return nil
}

// traffic returns what was counted since Start.
func (s *ConnectivityStatistics) traffic() client.Traffic {
	if s.Count == nil {
		return s.client.Traffic()
	}
	t := s.Count()
	t.TxBytes -= s.base.TxBytes
	t.RxBytes -= s.base.RxBytes
	t.TxMessages -= s.base.TxMessages
	t.RxMessages -= s.base.RxMessages
	return t
}

func (s *ConnectivityStatistics) stop() {
	if s.running {
		s.held, s.running, s.end = s.traffic(), false, machine.Never
	}
}

// Deadline implements client.Timed.
func (s *ConnectivityStatistics) Deadline() machine.Time { return s.end }

// Expire implements client.Timed.
func (s *ConnectivityStatistics) Expire(call client.Call) []lwm2m.Path {
	if call.Now >= s.end {
		s.stop()
	}
	return nil
}
