package dtls

import (
	"net/netip"
	"slices"
	"strings"
)

// readExtensions checks the server's answers: only to what was offered (RFC 5246 section 7.4.1.4).
func (e *Engine) readExtensions(s *session, x *extensions) error {
	hs := s.hs
	if x.unknown || x.groups != nil || x.signatures != nil || x.ems && e.cfg.DisableEMS || x.hasCID && (e.cfg.DisableCID || hs.draftCID) ||
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
	if hs.suite.secret != secretCertificate {
		hs.auth = nil // the server has taken another suite
	}
	if hs.auth == nil && (x.serverTypes != nil || x.clientTypes != nil) {
		return errUnsupportedExtension
	}
	if hs.auth != nil {
		if err := hs.auth.readTypes(x); err != nil {
			return err
		}
	}
	if (x.jpake != nil) != (hs.suite.secret == secretPassword) {
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

// offered is what of some suites a client can do.
func (c *ClientConfig) offered(suites []Suite) []Suite {
	cannot := func(id Suite) bool {
		if suiteByID(id).secret == secretCertificate {
			return c.Verify == nil
		}
		return len(c.Key) == 0
	}
	if !slices.ContainsFunc(suites, cannot) {
		return suites
	}
	return slices.DeleteFunc(slices.Clone(suites), cannot)
}

// isLiteral reports whether a name is an address, which is not to be sent as server_name (RFC 6066 section 3).
func isLiteral(name string) bool {
	_, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return err == nil
}

func offersCurves(suites []Suite) bool {
	for _, id := range suites {
		if suiteByID(id).ecdhe {
			return true
		}
	}
	return false
}
