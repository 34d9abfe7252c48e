package dtls

import "encoding/binary"

// cipherCache holds the expanded ciphers of the sessions that were active last, found by the index that a session
// keeps. The second-chance clock decides who makes room.
type cipherCache struct {
	entries []cipherEntry
	limit   int
	hand    int
	misses  uint64
	scratch ccmScratch
}

type cipherEntry struct {
	aead    aead
	session uint64
	dir     uint8
	used    bool
}

func (c *cipherCache) get(s *session, dir int) aead {
	if i := s.ciphers[dir]; int(i) < len(c.entries) {
		if e := &c.entries[i]; e.session == s.id && int(e.dir) == dir && e.aead != nil {
			e.used = true
			return e.aead
		}
	}
	info := s.info()
	a, err := newAEAD(info.aead, s.keys[dir].key[:], info.tagLen, &c.scratch)
	if err != nil { // the key length is fixed
		panic("dtls: " + err.Error())
	}
	c.misses++
	i := c.room()
	c.entries[i] = cipherEntry{a, s.id, uint8(dir), true}
	s.ciphers[dir] = uint32(i)
	return a
}

func (c *cipherCache) room() int {
	if len(c.entries) < c.limit {
		c.entries = append(c.entries, cipherEntry{})
		return len(c.entries) - 1
	}
	for {
		c.hand++
		if c.hand == len(c.entries) {
			c.hand = 0
		}
		if e := &c.entries[c.hand]; !e.used {
			return c.hand
		} else {
			e.used = false
		}
	}
}

// drop forgets the ciphers of a session that has ended.
func (c *cipherCache) drop(s *session) {
	for dir, i := range s.ciphers {
		if int(i) < len(c.entries) {
			if e := &c.entries[i]; e.session == s.id && int(e.dir) == dir {
				*e = cipherEntry{}
			}
		}
	}
}

// additionalData is what a record's tag covers beside its content, n bytes long.
func additionalData(dst []byte, s *session, typ byte, seq uint64, cid []byte, n int) []byte {
	number := 1<<48 | seq // epoch and sequence number
	switch {
	case len(cid) == 0: // RFC 5246 section 6.2.3.3, RFC 6347 section 4.1.2.1
		dst = binary.BigEndian.AppendUint64(dst, number)
		dst = append(dst, typ, version12>>8, version12&0xFF)
	case s.is(flagDraftCID): // draft-ietf-tls-dtls-connection-id-08 section 5.3
		dst = binary.BigEndian.AppendUint64(dst, number)
		dst = append(dst, contentCID, version12>>8, version12&0xFF)
		dst = append(dst, cid...)
		dst = append(dst, byte(len(cid)))
	default: // RFC 9146 section 5.3
		dst = append(dst, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, contentCID, byte(len(cid)), contentCID,
			version12>>8, version12&0xFF)
		dst = binary.BigEndian.AppendUint64(dst, number)
		dst = append(dst, cid...)
	}
	return append(dst, byte(n>>8), byte(n))
}

// sealedLen is the length of a sealed record with n bytes of content.
func (s *session) sealedLen(n int) int {
	if s.peerCID != "" {
		n++ // the inner type
	}
	return recordHeaderLen + len(s.peerCID) + s.info().bodyLen(n)
}

// seal appends a protected record to dst.
func (e *Engine) seal(dst []byte, s *session, typ byte, seq uint64, content []byte) []byte {
	n := len(content)
	e.cid = append(e.cid[:0], s.peerCID...)
	outer := typ
	if len(e.cid) > 0 { // DTLSInnerPlaintext, RFC 9146 section 4
		outer = contentCID
		n++
	}
	dst = appendRecordHeader(dst, outer, version12, 1, seq, e.cid, s.info().bodyLen(n))
	if s.cbc != nil {
		inner := append(e.out.Nest().Buf(n), content...)
		if outer == contentCID {
			inner = append(inner, typ)
		}
		e.aad = additionalData(e.aad[:0], s, typ, seq, e.cid, n)
		return e.sealCBC(dst, s, e.aad, inner)
	}
	dst = binary.BigEndian.AppendUint64(dst, 1<<48|seq)
	l := len(dst)
	dst = append(dst, content...)
	if outer == contentCID {
		dst = append(dst, typ)
	}
	e.aad = additionalData(e.aad[:0], s, typ, seq, e.cid, n)
	copy(e.nonce[:], s.keys[dirWrite].iv[:])
	binary.BigEndian.PutUint64(e.nonce[implicitNonceLen:], 1<<48|seq)
	return e.ciphers.get(s, dirWrite).seal(dst[:l], &e.nonce, dst[l:], e.aad)
}

// open verifies a protected record and returns its true type and content, which is valid like an action's data.
func (e *Engine) open(s *session, r *record) (typ byte, content []byte, ok bool) {
	n := len(r.body) - s.info().expansion()
	if n < 0 || n > maxPlaintext+s.info().padding() {
		return 0, nil, false
	}
	e.aad = additionalData(e.aad[:0], s, r.typ, r.seq, r.cid, n)
	if s.cbc != nil {
		content, ok = s.openCBC(e.out.Nest().Buf(len(r.body)), e.aad, r.body)
	} else {
		copy(e.nonce[:], s.keys[dirRead].iv[:])
		copy(e.nonce[implicitNonceLen:], r.body)
		content, ok = e.ciphers.get(s, dirRead).open(e.out.Nest().Buf(n), &e.nonce, r.body[explicitNonceLen:], e.aad)
	}
	if !ok {
		return 0, nil, false
	}
	if r.typ != contentCID {
		return r.typ, content, true
	}
	for n = len(content) - 1; n >= 0 && content[n] == 0; n-- { // padding
	}
	if n < 0 { // RFC 9146 section 4: no type at all
		return 0, nil, false
	}
	return content[n], content[:n], true
}
