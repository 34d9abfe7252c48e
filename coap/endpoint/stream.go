package endpoint

import (
	"heddle.example/coap"
	"heddle.example/machine"
)

// streams reports whether a request's body is handed up block by block.
func (e *Endpoint) streams(m *coap.Message) bool {
	return e.config.Streams != nil && e.config.Streams(m.Code, m.Options)
}

// stream checks one block of a body that is handed up block by block. Whether it is the right one is for the program to
// say: it alone knows how far it has come, perhaps before a restart.
func (e *Endpoint) stream(cause machine.Cause, p *peer, path *machine.Path, m *coap.Message, value []byte) (body []byte, block1, complete bool) {
	b, err := coap.DecodeBlock(value)
	if err != nil || b.More && len(m.Payload) != b.Size() || len(m.Payload) > b.Size() {
		e.refuse(cause, p, path, m, coap.BadRequest, "malformed block", nil)
		return nil, true, false
	}
	return m.Payload, true, true
}
