package joining

import (
	"encoding/binary"

	"heddle.example/coap"
	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/tlv"
)

// RelayRx takes in what a joiner router relays.
func (c *Commissioner) RelayRx(now machine.Time, b []byte) {
	port, ok := tlv.Uint16(b, tlvJoinerPort)
	iid, ok2 := tlv.Find(b, tlvJoinerIID)
	router, ok3 := tlv.Uint16(b, tlvJoinerRouter)
	datagram, ok4 := tlv.Find(b, tlvDTLS)
	if c.state != Active || !ok || !ok2 || len(iid) != 8 || !ok3 || !ok4 {
		return
	}
	if c.active == nil || c.until == machine.Never {
		e := c.entryFor(meshcop.JoinerID(ip6.IID(iid).Ext()))
		if e == nil {
			return
		}
		c.active, c.iid = e, ip6.IID(iid)
		c.until = now.Add(sessionTimeout)
		c.signal(now, JoinerStart)
	} else if c.iid != ip6.IID(iid) {
		return // one after the other
	}
	c.port, c.router = port, router
	c.dtls.aim(ip6.Join(ip6.LinkLocalNetwork, c.iid), port)
	c.dtls.receive(now, datagram)
}

func (c *Commissioner) signal(now machine.Time, e JoinerEvent) {
	id := meshcop.JoinerID(c.iid.Ext())
	c.env.JoinerEvent(now, e, &id)
}

// relay sends a datagram to the joiner by way of its router.
func (c *Commissioner) relay(now machine.Time, datagram []byte) {
	b := binary.BigEndian.AppendUint16([]byte{tlvJoinerPort, 2}, c.port)
	b = tlv.Append(b, tlvJoinerIID, c.iid[:])
	b = binary.BigEndian.AppendUint16(append(b, tlvJoinerRouter, 2), c.router)
	if c.withKEK {
		b = tlv.Append(b, tlvJoinerRouterKEK, c.kek[:])
	}
	b = appendExtended(b, tlvDTLS, datagram)
	c.env.Post(now, ip6.RLOC(c.env.MeshLocal(), c.router), uriRelayTx, b, false, nil)
}

// appendExtended appends a TLV with the long form of its length, whatever that is.
func appendExtended(dst []byte, typ byte, v []byte) []byte {
	return append(append(dst, typ, 0xff, byte(len(v)>>8), byte(len(v))), v...)
}

func (c *Commissioner) connected(now machine.Time, keyHash [32]byte) {
	c.kek = [16]byte(keyHash[:16])
	c.signal(now, JoinerConnect)
}

func (c *Commissioner) ended(now machine.Time, _ error) { c.end(now) }

func (c *Commissioner) end(now machine.Time) {
	if c.until == machine.Never {
		return
	}
	c.until = machine.Never
	c.signal(now, JoinerEnd)
}

// received takes in JOIN_FIN.
func (c *Commissioner) received(now machine.Time, m *coap.Message) {
	if c.state != Active || m.Type != coap.CON || m.Code != coap.POST || m.Options.Path() != "/"+uriFinalize {
		return
	}
	state := byte(stateAccept)
	if url, ok := tlv.Find(m.Payload, tlvProvisioningURL); ok && string(url) != c.url {
		state = stateReject
	}
	c.Certify.tell(now, "recv", "JOIN_FIN.req", m.Payload)
	c.withKEK = state == stateAccept // whom we refuse gets no key; OpenThread's commissioner is not so strict
	c.dtls.answer(now, &coap.Message{Type: coap.ACK, Code: coap.Changed, ID: m.ID, Token: m.Token, Payload: []byte{tlvState, 1, state}})
	c.Certify.tell(now, "send", "JOIN_FIN.rsp", []byte{tlvState, 1, state})
	c.withKEK = false
	c.signal(now, JoinerFinalize)
	if e := c.active; e != nil && e.Kind != Anybody {
		e.Expires = min(e.Expires, now.Add(removeDelay))
	}
}
