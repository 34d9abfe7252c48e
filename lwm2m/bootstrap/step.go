package bootstrap

import (
	"slices"

	"heddle.example/lwm2m"
)

func (s *Server) describe(x *session, m *Message) Step {
	total := 0
	if m.Op != Discover {
		total = x.number + len(x.messages)
	}
	step := Step{Number: x.number, Total: total, Op: m.Op, Method: m.Method, URI: m.URI(), Note: m.Note, Skipped: m.Skipped, At: s.now}
	step.Entries, step.Lengths = Mask(m.Entries)
	return step
}

// Mask returns entries with the secrets taken out, so that their value is None, and how long those are.
func Mask(list []lwm2m.Entry) ([]lwm2m.Entry, map[lwm2m.Path]int) {
	out := slices.Clone(list)
	var lengths map[lwm2m.Path]int
	for i := range out {
		if Secret(out[i].Path) {
			if lengths == nil {
				lengths = map[lwm2m.Path]int{}
			}
			lengths[out[i].Path] = len(out[i].Value.Raw())
			out[i].Value = lwm2m.Value{}
		}
	}
	return out, lengths
}
