package dtls

import (
	"encoding/binary"
	"slices"
)

// negotiate chooses version and suite and notes what the extensions say.
func (e *Engine) negotiate(s *session, m *clientHello) error {
	hs := s.hs
	// Later versions of DTLS have lower numbers; 0xFExx is all that DTLS has (RFC 6347 section 4.2.1).
	if m.version>>8 != version12>>8 || m.version > version12 {
		return ErrVersion
	}
	if !m.offersNull() {
		return errIllegal
	}
	if m.ext.renegotiation && len(m.ext.renegotiated) != 0 { // RFC 5746 section 3.6
		return errIllegal
	}
	hs.group = chooseGroup(m.ext.groups)
	var last *suiteInfo // taken where nothing better is offered
	for i := 0; i+1 < len(m.suites) && hs.suite == nil; i += 2 {
		id := Suite(binary.BigEndian.Uint16(m.suites[i:]))
		if !slices.Contains(e.cfg.Suites, id) {
			continue
		}
		info := suiteByID(id)
		if e.cfg.PSK == nil && info.secret == secretKey {
			continue
		}
		switch {
		case info.aead == kindCBC:
			last = info
		case info.secret == secretPassword:
			ok, err := e.acceptJPAKE(s, m)
			if err != nil {
				return err
			}
			if ok && offersGroup(m.ext.groups, groupP256) {
				hs.suite = info
			}
		case info.secret == secretCertificate:
			if e.acceptCertificate(s, m) {
				hs.suite = info
			}
		case !info.ecdhe || hs.group != 0:
			hs.suite = info
		}
	}
	if hs.suite == nil {
		hs.suite = last
	}
	if hs.suite == nil {
		return ErrNoSuite
	}
	if hs.suite.secret != secretCertificate {
		hs.auth = nil
	}
	s.suite = suiteIndex(hs.suite)
	hs.ems = m.ext.ems && !e.cfg.DisableEMS
	if hs.ems {
		s.flags |= flagEMS
	}
	return nil
}

// offersGroup reports whether a group is in the client's list; who gives none takes any.
func offersGroup(offered []byte, g group) bool {
	for i := 0; i+1 < len(offered); i += 2 {
		if group(binary.BigEndian.Uint16(offered[i:])) == g {
			return true
		}
	}
	return offered == nil
}

// onlyPassword reports whether all suites are with a password, which is for one group only.
func onlyPassword(suites []Suite) bool {
	return !slices.ContainsFunc(suites, func(s Suite) bool { return suiteByID(s).secret != secretPassword })
}

func (m *clientHello) offersNull() bool {
	for _, c := range m.compressions {
		if c == 0 {
			return true
		}
	}
	return false
}

// answerExtensions fills the extensions of ServerHello: answers to what the client offered, and nothing else.
func (e *Engine) answerExtensions(s *session, m *clientHello, x *extensions) {
	hs := s.hs
	x.ems = hs.ems
	if hs.suite.secret == secretPassword {
		x.jpake = hs.jpakeHello
	}
	if hs.suite.secret == secretCertificate {
		hs.auth.answerTypes(x)
	}
	x.renegotiation = m.ext.renegotiation || m.offers(emptyRenegotiationInfo) // RFC 5746 section 3.6
	if m.ext.maxFragment != 0 {
		x.maxFragment = m.ext.maxFragment
		s.maxFragment = uint16(fragmentLength(m.ext.maxFragment))
	}
	if hs.suite.ecdhe && m.ext.pointFormats != nil {
		x.pointFormats = []byte{0}
	}
	if e.cfg.DisableCID || !m.ext.hasCID && (!m.ext.hasCIDDraft || e.cfg.DisableDraft) {
		return
	}
	own := e.ownCID(s)
	if m.ext.hasCID {
		s.peerCID = string(m.ext.cid)
		x.cid, x.hasCID = own, true
		if m.ext.rrc && !e.cfg.DisableRRC { // RFC 9853 section 3: only with connection IDs
			x.rrc = true
			s.flags |= flagRRC
		}
	} else {
		s.peerCID = string(m.ext.cidDraft)
		x.cidDraft, x.hasCIDDraft = own, true
		s.flags |= flagDraftCID
	}
	if len(own) > 0 {
		s.flags |= flagOwnCID
	}
}
