package dtls

import (
	"net/netip"

	"heddle.example/machine"
)

// Relocate gives a session another local address and link: those of a client's new socket after a restart. The peer
// learns of it from the connection ID in the next record (RFC 9146 section 6).
func (e *Engine) Relocate(now machine.Time, cause machine.Cause, session uint64, local netip.AddrPort, link uint32) error {
	e.begin(now, cause)
	s, err := e.find(session)
	if err != nil {
		return err
	}
	if path := e.paths.path(s); path.Local != local || path.Link != link {
		path.Local, path.Link, path.Security = local, link, nil
		e.adopt(s, path)
	}
	return nil
}
