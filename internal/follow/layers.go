package follow

import (
	"fmt"

	"heddle.example/internal/trace"
)

// frames counts frames without their repetitions.
func frames(list []seen) (n int) {
	for _, s := range list {
		if s.Try <= 1 {
			n++
		}
	}
	return n
}

func bytes(list []seen) (n int) {
	for _, s := range list {
		if s.Try <= 1 {
			n += s.Bytes
		}
	}
	return n
}

func fragments(n int) string {
	if n == 1 {
		return "one frame"
	}
	return fmt.Sprintf("%d fragments", n)
}

// layers says how large what the device said is at each layer.
func (x *exchange) layers(hops []seen) []trace.Layer {
	var list []trace.Layer
	add := func(name, note string, n int) {
		if n > 0 {
			list = append(list, trace.Layer{Name: name, Note: note, Bytes: n})
		}
	}
	add("Value", "", x.said.value)
	add("CoAP", "", x.said.coap)
	if x.said.datagram != x.said.coap {
		add("DTLS", "", x.said.datagram)
	}
	if x.said.outside != x.said.inside {
		add("IPv4", "UDP", x.said.outside)
	}
	add("IPv6", "UDP", x.said.inside)
	if len(hops) == 0 {
		return list
	}
	air, perHop, retries, up := 0, map[laneKey][]seen{}, 0, x.up()
	for _, s := range x.spans {
		if s.kind == "hop" && s.Kind == up {
			air += s.Bytes
			perHop[keyOf(&s)] = append(perHop[keyOf(&s)], s)
			if s.Try > 1 {
				retries++
			}
		}
	}
	one := perHop[keyOf(&hops[len(hops)-1])]
	add("6LoWPAN", fragments(frames(one)), bytes(one))
	if air > 0 {
		note := fmt.Sprintf("%d hops", len(hops))
		if len(hops) == 1 {
			note = "one hop"
		}
		if retries > 0 {
			note += fmt.Sprintf(", %d sent again", retries)
		}
		list = append(list, trace.Layer{Name: "On the air", Note: note, Bytes: air, Air: true})
	}
	return list
}
