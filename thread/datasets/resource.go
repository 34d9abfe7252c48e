package datasets

import (
	"time"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

// Resource is a path on the management port. Handle appends the answer's payload to dst; with ok false there is no answer.
type Resource struct {
	Path   string
	Handle func(now machine.Time, from ip6.Address, request, dst []byte) (answer []byte, ok bool)
}

// Resources are what a node offers on its management port for datasets. A minimal device has only those to be read, and
// what a commissioner asks of every node. A request to a multicast address gets no answer, whatever ok says.
func (m *Manager) Resources(full bool) []Resource {
	get := func(pending bool) func(machine.Time, ip6.Address, []byte, []byte) ([]byte, bool) {
		return func(now machine.Time, _ ip6.Address, request, dst []byte) ([]byte, bool) {
			return m.AppendGet(now, dst, pending, request, true), true
		}
	}
	set := func(h *holder, replace bool) func(machine.Time, ip6.Address, []byte, []byte) ([]byte, bool) {
		return func(now machine.Time, _ ip6.Address, request, dst []byte) ([]byte, bool) {
			return h.serveSet(now, request, dst, replace), true
		}
	}
	list := []Resource{{"c/ag", get(false)}, {"c/pg", get(true)}, {"c/ab", m.serveAnnounce}, {"c/es", m.serveEnergyScan},
		{"c/pq", m.servePANQuery}}
	if full {
		list = append(list, Resource{"c/as", set(&m.active, false)}, Resource{"c/ps", set(&m.pending, false)},
			Resource{"c/ar", set(&m.active, true)}, Resource{"c/lp", m.servePetition}, Resource{"c/la", m.serveKeepAlive})
	}
	return list
}

func ms(d time.Duration) uint32 { return uint32(d / time.Millisecond) }
