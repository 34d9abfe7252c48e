package dtls

import (
	"crypto/hmac"
	"crypto/sha256"
)

// deriveMaster makes the master secret from the pre-shared key: RFC 5246 section 8.1, or RFC 7627 section 4 with the
// hash of everything up to and including ClientKeyExchange.
func (hs *handshake) deriveMaster(psk []byte) error {
	var buf [2 + 66 + 2 + maxKey]byte
	premaster, err := hs.exchange.premaster(buf[:0], psk)
	if err != nil {
		return err
	}
	p := &hs.prf
	p.init(premaster)
	if hs.ems {
		p.expand(hs.master[:], "extended master secret", hs.transcriptHash())
	} else {
		p.expand(hs.master[:], "master secret", hs.clientRandom[:], hs.serverRandom[:])
	}
	clear(premaster)
	p.wipe()
	return nil
}

// deriveKeys makes the keys of epoch 1 from the master secret (RFC 5246 section 6.3).
func (hs *handshake) deriveKeys(s *session) {
	hs.prf.init(hs.master[:])
	client, server := dirRead, dirWrite
	if s.is(flagClient) {
		client, server = dirWrite, dirRead
	}
	if s.info().aead == kindCBC {
		var block cbcKeyBlock
		hs.prf.expand(block[:], "key expansion", hs.serverRandom[:], hs.clientRandom[:])
		s.setCBC(&block, client, server)
		s.flags |= flagKeys
		return
	}
	var block [2 * (keyLen + implicitNonceLen)]byte
	hs.prf.expand(block[:], "key expansion", hs.serverRandom[:], hs.clientRandom[:])
	b := block[:]
	b = b[copy(s.keys[client].key[:], b):]
	b = b[copy(s.keys[server].key[:], b):]
	b = b[copy(s.keys[client].iv[:], b):]
	copy(s.keys[server].iv[:], b)
	if hs.jpake != nil {
		hs.keyHash = sha256.Sum256(block[:])
	}
	clear(block[:])
	s.flags |= flagKeys
}

const verifyDataLen = 12

// verifyData is the body of Finished (RFC 5246 section 7.4.9) after the messages so far.
func (hs *handshake) verifyData(dst *[verifyDataLen]byte, client bool) {
	label := "server finished"
	if client {
		label = "client finished"
	}
	hs.prf.expand(dst[:], label, hs.transcriptHash())
}

// checkFinished verifies the peer's Finished and adds it to the transcript.
func (hs *handshake) checkFinished(s *session, seq uint16, body []byte) bool {
	var want [verifyDataLen]byte
	hs.verifyData(&want, !s.is(flagClient))
	if !hmac.Equal(want[:], body) {
		return false
	}
	hs.addMessage(typeFinished, seq, body)
	return true
}
