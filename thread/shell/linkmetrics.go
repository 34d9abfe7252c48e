package shell

import (
	"heddle.example/machine"
	"heddle.example/thread"
	"heddle.example/thread/info"
	"heddle.example/thread/ip6"
	"heddle.example/thread/linkmetrics"
	"heddle.example/thread/status"
)

// LinkMetrics is how neighbours measure each other, and who is behind an anycast locator.
type LinkMetrics interface {
	LinkMetricsQuery(now machine.Time, cause machine.Cause, to ip6.Address, series uint8, m linkmetrics.Metrics) error
	LinkMetricsSeries(now machine.Time, cause machine.Cause, to ip6.Address, series uint8, f linkmetrics.Frames, m linkmetrics.Metrics) error
	LinkMetricsProbing(now machine.Time, cause machine.Cause, to ip6.Address, on bool, m linkmetrics.Metrics) error
	LinkMetricsProbe(now machine.Time, cause machine.Cause, to ip6.Address, series, length uint8) error
	LinkMetricsManager() *linkmetrics.Manager
	SetLinkMetricsManager(now machine.Time, on bool)
	Locate(now machine.Time, cause machine.Cause, anycast ip6.Address) (machine.OpID, error)
}

// measuring is what answer a pending command waits for.
type measuring uint8

const (
	notMeasuring measuring = iota
	forReport
	forStatus
)

var metricsCommands = []entry{
	{name: "config", run: metricsConfig},
	{name: "mgmt", run: func(s *Shell, _ args) error {
		s.Line(`The command "linkmetrics mgmt" has been replaced by the command "linkmetrics config".`)
		return status.InvalidCommand
	}},
	{name: "probe", run: metricsProbe},
	{name: "query", run: func(s *Shell, _ args) error {
		s.Line(`The command "linkmetrics query" has been replaced by the command "linkmetrics request".`)
		return status.InvalidCommand
	}},
	{name: "request", run: metricsRequest},
}

func linkMetrics(s *Shell, a args) error { return s.group(metricsCommands, a) }

// flags reads letters that stand for things.
func flags[T ~uint8](a args, i int, letters map[rune]T) (all T, err error) {
	if !a.has(i) {
		return 0, status.InvalidArgs
	}
	for _, c := range a[i] {
		v, ok := letters[c]
		if !ok {
			return 0, status.InvalidArgs
		}
		all |= v
	}
	return all, nil
}

var (
	metricLetters = map[rune]linkmetrics.Metrics{'p': linkmetrics.PDUs, 'q': linkmetrics.LQI, 'm': linkmetrics.Margin, 'r': linkmetrics.RSSI}
	frameLetters  = map[rune]linkmetrics.Frames{'l': linkmetrics.LinkProbes, 'd': linkmetrics.Data, 'r': linkmetrics.DataRequests, 'a': linkmetrics.Acks}
)

// neighbor reads [async] and the address of a neighbour, and what follows.
func (a args) neighbor() (async bool, to ip6.Address, rest args, err error) {
	if a.is(0, "async") {
		async, a = true, a[1:]
	}
	to, err = a.ip(0)
	return async, to, a.from(1), err
}

// measure makes a command wait for an answer, unless the user does not want that.
func (s *Shell) measure(async bool, err error, what measuring) error {
	if err != nil || async {
		return err
	}
	s.measuring = what
	return errPending
}

func metricsRequest(s *Shell, a args) error {
	async, to, a, err := a.neighbor()
	if err != nil {
		return err
	}
	var m linkmetrics.Metrics
	var series uint8
	switch a.at(0) {
	case "single":
		m, err = flags(a, 1, metricLetters)
	case "forward":
		series, err = a.u8(1)
	default:
		err = status.InvalidArgs
	}
	if err != nil {
		return err
	}
	return s.measure(async, s.node.LinkMetricsQuery(s.now, s.cause, to, series, m), forReport)
}

func metricsConfig(s *Shell, a args) error {
	async, to, a, err := a.neighbor()
	if err != nil {
		return err
	}
	switch a.at(0) {
	case "forward":
		err = metricsSeries(s, to, a)
	case "enhanced-ack":
		err = metricsProbing(s, to, a)
	default:
		err = status.InvalidArgs
	}
	return s.measure(async, err, forStatus)
}

func metricsSeries(s *Shell, to ip6.Address, a args) error {
	series, err := a.u8(1)
	if err != nil {
		return err
	}
	if a.is(2, "X") && len(a) == 3 {
		return s.node.LinkMetricsSeries(s.now, s.cause, to, series, 0, 0)
	}
	f, err := flags(a, 2, frameLetters)
	if err != nil {
		return err
	}
	m, err := flags(a, 3, metricLetters)
	if err != nil || len(a) > 4 {
		return status.InvalidArgs
	}
	return s.node.LinkMetricsSeries(s.now, s.cause, to, series, f, m)
}

func metricsProbing(s *Shell, to ip6.Address, a args) error {
	switch a.at(1) {
	case "clear":
		return s.node.LinkMetricsProbing(s.now, s.cause, to, false, 0)
	case "register":
		m, err := flags(a, 2, metricLetters)
		if err != nil {
			return err
		}
		if a.is(3, "r") {
			m = m.Reserved()
		}
		return s.node.LinkMetricsProbing(s.now, s.cause, to, true, m)
	}
	return status.InvalidArgs
}

func metricsProbe(s *Shell, a args) error {
	to, err := a.ip(0)
	if err != nil {
		return err
	}
	series, e1 := a.u8(1)
	length, e2 := a.u8(2)
	if err := first(e1, e2); err != nil {
		return err
	}
	return s.node.LinkMetricsProbe(s.now, s.cause, to, series, length)
}

func (s *Shell) metricsValues(v *linkmetrics.Values) {
	const average = "(Exponential Moving Average)"
	if v.Has&linkmetrics.PDUs != 0 {
		s.Line(" - PDU Counter: %d (Count/Summation)", v.PDUs)
	}
	if v.Has&linkmetrics.LQI != 0 {
		s.Line(" - LQI: %d %s", v.LQI, average)
	}
	if v.Has&linkmetrics.Margin != 0 {
		s.Line(" - Margin: %d (dB) %s", v.Margin, average)
	}
	if v.Has&linkmetrics.RSSI != 0 {
		s.Line(" - RSSI: %d (dBm) %s", v.RSSI, average)
	}
}

func (s *Shell) metricsReport(v *thread.LinkMetricsReport) {
	s.Line("Received Link Metrics Report from: %s", v.From)
	if v.Status == linkmetrics.Success {
		s.metricsValues(&v.Values)
	} else {
		s.Line("Link Metrics Report, status: %s", v.Status)
	}
	s.measured(forReport)
}

func (s *Shell) metricsManaged(v *thread.LinkMetricsManaged) {
	s.Line("Received Link Metrics Management Response from: %s", v.From)
	s.Line("Status: %s", v.Status)
	s.measured(forStatus)
}

func (s *Shell) measured(what measuring) {
	if s.measuring == what {
		s.measuring = notMeasuring
		s.finish(nil)
	}
}

func linkMetricsManager(s *Shell, a args) error {
	switch a.at(0) {
	case "":
		s.enabled(s.node.LinkMetricsManager() != nil)
	case "enable", "disable":
		s.node.SetLinkMetricsManager(s.now, a[0] == "enable")
	case "show":
		m := s.node.LinkMetricsManager()
		if m == nil {
			return nil
		}
		for _, b := range s.node.Neighbors(s.now) {
			if v, ok := m.Values(b.Ext); ok {
				s.Line("ExtAddr:%s, LinkMargin:%d, Rssi:%d", hexOf(b.Ext[:]), v.Margin, v.RSSI)
			}
		}
	default:
		return status.InvalidCommand
	}
	return nil
}

// locateTime is how long the command waits (Interpreter::kLocateTimeoutMsecs).
const locateTime = 2500

func locate(s *Shell, a args) error {
	if len(a) == 0 {
		s.Line("Idle") // while one is in progress, no other command runs
		return nil
	}
	to, err := a.ip(0)
	if err != nil {
		return err
	}
	s.wait(locateTime, status.ResponseTimeout)
	return s.begin(s.node.Locate(s.now, s.cause, to))
}

func (s *Shell) located(v *info.Located) {
	if v.Err == nil {
		s.Line("%s 0x%04x", v.Addr, v.RLOC16)
	}
	s.end(v.Err)
}
