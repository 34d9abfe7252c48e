package dtls

// readExtensions checks the server's answers: only to what was offered (RFC 5246 section 7.4.1.4).
func (e *Engine) readExtensions(s *session, x *extensions) error {
	hs := s.hs
	if x.unknown || x.groups != nil || x.ems && e.cfg.DisableEMS || x.hasCID && (e.cfg.DisableCID || hs.draftCID) ||
		x.hasCIDDraft && (e.cfg.DisableCID || !hs.draftCID) ||
		x.rrc && (e.cfg.DisableRRC || !x.hasCID) || x.pointFormats != nil && !offersCurves(hs.suites) {
		return errUnsupportedExtension
	}
	if x.maxFragment != fragmentCode(e.cfg.MaxFragment) && x.maxFragment != 0 { // RFC 6066 section 4
		return errIllegal
	}
	if x.maxFragment != 0 {
		s.maxFragment = uint16(fragmentLength(x.maxFragment))
	}
	if x.renegotiation && len(x.renegotiated) != 0 { // RFC 5746 section 3.4
		return errIllegal
	}
	if (x.jpake != nil) != hs.suite.password {
		return errUnsupportedExtension
	}
	if x.jpake != nil {
		if hs.jpake.ReadRoundOne(x.jpake) != nil {
			return errIllegal
		}
	}
	if x.ems {
		hs.ems = true
		s.flags |= flagEMS
	}
	if x.hasCIDDraft {
		x.cid = x.cidDraft
		s.flags |= flagDraftCID
	}
	if x.hasCID || x.hasCIDDraft {
		s.peerCID = string(x.cid)
		if e.cfg.CIDLen > 0 {
			s.flags |= flagOwnCID
		}
	}
	if x.rrc {
		s.flags |= flagRRC
	}
	return nil
}

func offersCurves(suites []Suite) bool {
	for _, id := range suites {
		if suiteByID(id).ecdhe {
			return true
		}
	}
	return false
}
