package borderrouter

import (
	"strings"
	"testing"

	"heddle.example/border"
	"heddle.example/border/mdns"
)

func TestWhatIsPublished(t *testing.T) {
	host := mdns.Entry{Label: "heddle-1", Asked: "heddle-1", Owner: border.OwnEntry, State: mdns.Announced}
	agent := mdns.Entry{Label: "Heddle BR #1", Asked: "Heddle BR #1", Owner: border.OwnEntry, Type: "_meshcop._udp", State: mdns.Announced}
	lamp := mdns.Entry{Label: "lamp-2", Asked: "lamp", Owner: "host lamp", State: mdns.Announced}
	light := mdns.Entry{Label: "Kitchen", Asked: "Kitchen", Owner: "host lamp", Type: "_coap._udp", State: mdns.Announced}
	open := light
	open.State = mdns.Probing
	for _, c := range []struct {
		list []mdns.Entry
		want string
	}{
		{[]mdns.Entry{host, agent}, `ok: computers on eth0 find the border agent "Heddle BR #1" and no service of the mesh`},
		{[]mdns.Entry{host, agent, lamp, light}, `ok: computers on eth0 find the border agent "Heddle BR #1" and 1 service of the mesh; "lamp" is "lamp-2" there, because another computer has the name`},
		{[]mdns.Entry{host, agent, open}, `warn: computers on eth0 find the border agent "Heddle BR #1" and no service of the mesh; 1 name is not found yet`},
		{[]mdns.Entry{host}, `broken: computers on eth0 do not find the border agent`},
		{nil, `broken: computers on eth0 do not find the border agent`},
	} {
		l := published(c.list, "eth0")
		if got := string(l.State) + ": " + l.Found; got != c.want || (l.State == OK) != (l.Do == "") {
			t.Errorf("%s\nnot\n%s (%s)", got, c.want, strings.TrimSpace(l.Do))
		}
	}
}
