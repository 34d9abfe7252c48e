package serve

import (
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"heddle.example/internal/api"
	"heddle.example/internal/fleet"
	"heddle.example/internal/shards"
	"heddle.example/lwm2m/format"
)

// Info is what the program says of itself.
func (p *Program) Info() api.Info {
	st, _ := p.Shards.Stats()
	ss := p.store.Stats()
	i := api.Info{Version: p.config.Version, StartedAt: fleet.Time(p.started), Web: p.URL(), Registrations: p.Fleet.Len(), Sessions: st.Server.DTLS.Sessions, Observations: st.Server.Observations,
		Counters: counters(st), Store: api.StoreInfo{Dir: p.config.Data, Commits: ss.Commits, Records: ss.Records, Pending: ss.Pending}, History: p.historyInfo(ss.BlockBytes), Demo: p.config.Demo, Unknown: "refuse", Versions: []string{"1.0", "1.1"}}
	if p.accepts {
		i.Unknown = "accept"
	}
	if err := p.store.Failed(); err != nil {
		i.Store.Failed = err.Error()
	}
	for _, f := range format.Supported() {
		i.Formats = append(i.Formats, format.Name(f))
	}
	for _, s := range st.Owner.Sockets {
		scheme := "coap"
		if p.securePorts[s.Local.Port()] {
			scheme = "coaps"
		}
		i.Addresses = append(i.Addresses, api.Address{URI: scheme + "://" + s.Local.String(), Protocol: scheme, Received: s.Received, Sent: s.Sent, KernelDrops: s.KernelDrops, ReceiveBuffer: s.ReceiveBuffer, LastError: s.LastError})
	}
	p.proofInfo(&i)
	p.bootstrapInfo(&i)
	return i
}

// counters are those of all layers, by one name each, in the page and in /metrics.
func counters(st shards.Stats) map[string]uint64 {
	c := map[string]uint64{}
	for _, s := range st.Owner.Sockets {
		c["received"] += s.Received
		c["sent"] += s.Sent
		c["kernelDrops"] += s.KernelDrops
		c["sendErrors"] += s.SendErrors
	}
	s, e, d := st.Server, st.Server.Endpoint, st.Server.DTLS
	for name, n := range map[string]uint64{
		"registers": s.Registers, "updates": s.Updates, "deregisters": s.Deregisters, "expired": s.Expired, "refused": s.Refused, "moves": s.Moves, "handedOver": s.HandedOver,
		"operations": s.Operations, "operationFailures": s.Failures, "notifications": s.Notifications, "notKept": s.NotKept,
		"queued": s.Queued, "queueEnded": s.QueueDone, "queueExpired": s.QueueExpired, "queueFull": s.QueueFull, "queueUnanswered": s.QueueUnanswered, "queuePerhaps": s.QueueMaybe,
		"retransmissions": e.Retransmissions, "duplicates": e.Duplicates, "malformed": e.Malformed + d.Malformed, "timeouts": e.Timeouts, "resets": e.Resets, "stale": e.Stale,
		"handshakes": d.HandshakesDone, "handshakeFailures": d.HandshakesFailed, "badRecords": d.BadRecords, "replayedRecords": d.Replayed, "unknownCid": d.UnknownCID,
		"dropped": e.Refused + e.PeersRefused + st.Owner.HeldDropped, "inboxFull": st.Owner.InboxFull, "failedCommits": st.Owner.Failed,
	} {
		c[name] = n
	}
	return c
}

// messages counts datagrams both ways.
func (p *Program) messages() uint64 {
	st, _ := p.Shards.Stats()
	var n uint64
	for _, s := range st.Owner.Sockets {
		n += s.Received + s.Sent
	}
	return n
}

// collector gives the same figures to Prometheus.
type collector struct{ p *Program }

// Describe implements prometheus.Collector: the names are only known when they are collected.
func (collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c collector) Collect(out chan<- prometheus.Metric) {
	i := c.p.Info()
	gauge := func(name, help string, v float64) {
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc("heddle_"+name, help, nil, nil), prometheus.GaugeValue, v)
	}
	gauge("registrations", "Devices that are registered.", float64(i.Registrations))
	gauge("dtls_sessions", "DTLS sessions.", float64(i.Sessions))
	gauge("observations", "Observations.", float64(i.Observations))
	st, _ := c.p.Shards.Stats()
	gauge("queued_requests", "Requests that are kept for sleeping devices, or under way to devices in queue mode.", float64(st.Server.Waiting))
	gauge("queued_bytes", "Bytes of them.", float64(st.Server.WaitingBytes))
	gauge("queue_results", "Results of kept requests that are known.", float64(st.Server.Results))
	gauge("queue_mode_awake", "Devices in queue mode that listen now.", float64(st.Server.Awake))
	gauge("credentials", "Devices with credentials.", float64(c.p.Credentials.Len()))
	gauge("event_readers", "Streams of events that are open.", float64(c.p.hub.Readers()))
	failed := 0.0
	if i.Store.Failed != "" {
		failed = 1
	}
	gauge("store_failed", "1: the store has failed and nothing new is promised.", failed)
	gauge("store_pending_records", "Records that wait for the next commit.", float64(i.Store.Pending))
	counts := c.p.Fleet.Counts()
	for state, n := range map[string]int{"awake": counts.Awake, "asleep": counts.Asleep, "late": counts.Late} {
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc("heddle_devices", "Devices by state.", []string{"state"}, nil), prometheus.GaugeValue, float64(n), state)
	}
	total := func(name, help string, v uint64) {
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc("heddle_"+name+"_total", help, nil, nil), prometheus.CounterValue, float64(v))
	}
	for name, v := range i.Counters {
		total(snake(name), "Counter "+name+" of GET /api/v1/server.", v)
	}
	fw, packages, updates := c.p.Firmware.Stats()
	gauge("firmware_packages", "Firmware packages.", float64(packages))
	gauge("firmware_updates_running", "Firmware updates under way.", float64(updates))
	for result, n := range map[string]uint64{"done": fw.Updated, "failed": fw.Failed, "cancelled": fw.Cancelled} {
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc("heddle_firmware_devices_total", "Devices whose firmware update ended.", []string{"result"}, nil), prometheus.CounterValue, float64(n), result)
	}
	for method, n := range map[string]uint64{"push": fw.PushedBytes, "pull": fw.ServedBytes} {
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc("heddle_firmware_bytes_total", "Bytes of packages that left.", []string{"method"}, nil), prometheus.CounterValue, float64(n), method)
	}
	total("store_commits", "Commits of the store, one fsync each.", i.Store.Commits)
	total("store_records", "Records committed.", i.Store.Records)
}

// snake turns handshakeFailures into handshake_failures.
func snake(s string) string {
	var b []byte
	for _, r := range s {
		if r >= 'A' && r <= 'Z' {
			b = append(b, '_')
			r += 'a' - 'A'
		}
		b = fmt.Append(b, string(r))
	}
	return string(b)
}

func (p *Program) metrics() http.Handler {
	r := prometheus.NewRegistry()
	r.MustRegister(collector{p}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(r, promhttp.HandlerOpts{})
}
