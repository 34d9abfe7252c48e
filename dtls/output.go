package dtls

import "heddle.example/machine"

func (e *Engine) send(path machine.Path, b []byte, after machine.Seq) {
	path.Security = nil
	e.out.Push(machine.Action{Kind: machine.Send, Cause: e.cause, Path: path, Data: b, After: after})
}

func (e *Engine) event(path machine.Path, v any) {
	e.out.Push(machine.Action{Kind: machine.Event, Cause: e.cause, Path: path, Value: v})
}

func (e *Engine) deliver(path machine.Path, b []byte) {
	e.received = append(e.received, Received{Path: path, Data: b})
	e.event(path, &e.received[len(e.received)-1])
}

func (e *Engine) refuse(path machine.Path, identity string, reason error) {
	e.event(path, &Refused{Path: path, Identity: identity, Reason: reason})
}

// sendPlainAlert tells the peer of a handshake that it has failed.
func (e *Engine) sendPlainAlert(s *session, desc uint8) {
	b := e.out.Nest().Buf(recordHeaderLen + 2)
	b = appendRecordHeader(b, contentAlert, version12, 0, s.hs.seq, nil, 2)
	s.hs.seq++
	e.send(e.paths.path(s), append(b, alertFatal, desc), 0)
}

// sendAlert sends an alert under the keys of a session.
func (e *Engine) sendAlert(s *session, level, desc uint8) {
	seq, after, err := e.nextSequence(s)
	if err != nil {
		return
	}
	b := e.out.Nest().Buf(s.sealedLen(2))
	e.send(e.paths.path(s), e.seal(b, s, contentAlert, seq, []byte{level, desc}), after)
}
