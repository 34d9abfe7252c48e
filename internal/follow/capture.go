package follow

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strings"

	"heddle.example/internal/trace"
	"heddle.example/sim/mesh"
	"heddle.example/thread/ieee802154"
)

// Capture implements api.Traces: the packets of an exchange in all places, in one file. The network key stands in its comment
// where keys says so; the messages in plaintext are left out otherwise.
func (f *Follower) Capture(_ context.Context, id string, out io.Writer, keys bool) error {
	f.mu.Lock()
	x := f.byID[id]
	if x == nil {
		f.mu.Unlock()
		return trace.ErrUnknown
	}
	list := slices.Clone(x.packets)
	f.mu.Unlock()
	comments := []string{x.t.Title + " of " + f.endpoint(x)}
	if keys && f.o.Keys != nil {
		key, prefix := f.o.Keys()
		comments = append(comments, mesh.KeyComment(key, prefix.String())+addresses(list))
	}
	slices.SortStableFunc(list, func(a, b packet) int { return cmp.Compare(a.at, b.at) })
	p := mesh.NewPcapng(out, comments...)
	for _, x := range list {
		switch {
		case x.channel != 0:
			p.Frame(x.at, x.where, x.channel, x.rssi, x.b)
		case keys || x.where != openedName:
			p.Packet(x.at, x.where, x.b)
		}
	}
	return p.Err()
}

// addresses are the options by which tshark knows who has sent frames with a short address: without the long one it cannot
// decrypt them.
func addresses(list []packet) string {
	var options []string
	for i := range list {
		var f ieee802154.Frame
		if list[i].channel == 0 || f.Parse(list[i].b) != nil || f.Src.Kind != ieee802154.Short {
			continue
		}
		pan, _ := f.PAN()
		if o := mesh.AddressOption(pan, f.Src.Short, list[i].ext); !slices.Contains(options, o) {
			options = append(options, o)
		}
	}
	return strings.Join(options, "")
}

// openedName is where messages in plaintext are, in a capture.
const openedName = "CoAP, opened"
