package datasets

import (
	"bytes"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/status"
	"heddle.example/thread/tlv"
)

const errInvalidArgs = status.InvalidArgs

func (h *holder) path(set bool) string {
	switch {
	case h.isPending && set:
		return "c/ps"
	case h.isPending:
		return "c/pg"
	case set:
		return "c/as"
	}
	return "c/ag"
}

// sync asks the leader to take the saved dataset, if it is newer than the network's.
func (h *holder) sync(now machine.Time, d *meshcop.Dataset) {
	m := h.m
	if h.asking || !m.env.Attached() || m.env.Leader() || !h.local.After(h.network) {
		return
	}
	if t, ok := m.PendingActiveTimestamp(); !h.isPending && ok && t == h.local {
		return // the pending dataset is just taking its place
	}
	_ = h.ask(now, d) // the interface is down
}

func (h *holder) ask(now machine.Time, d *meshcop.Dataset) (err error) {
	h.asking = true
	if err = h.m.post(now, h.m.leaderALOC(), h.path(true), bytes.Clone(d.Bytes()), h.answered); err != nil {
		h.asking, h.done = false, nil
	}
	return err
}

// post is Env.Post, but for a request that does not even leave: then it returns the error, and done is not called.
func (m *Manager) post(now machine.Time, to ip6.Address, path string, b []byte, done func(machine.Time, []byte, error)) (err error) {
	posting := true
	m.env.Post(now, to, path, b, func(now machine.Time, answer []byte, e error) {
		if posting && e != nil {
			err = e
		} else if done != nil {
			done(now, answer, e)
		}
	})
	posting = false
	return err
}

func (h *holder) answered(now machine.Time, answer []byte, err error) {
	h.asking = false
	if err == nil {
		switch v, ok := tlv.Find(answer, meshcop.State); {
		case !ok || len(v) < 1 || v[0] == 0:
			err = status.Parse
		case v[0] == meshcop.StateReject:
			err = status.Rejected
		}
	}
	done := h.done
	h.done = nil
	h.timer = now.Add(sendSetDelay)
	if done != nil {
		done(now, err)
	}
}

// MgmtSet sends MGMT_ACTIVE_SET or MGMT_PENDING_SET with these TLVs to the leader (the shell's `dataset mgmtsetcommand`).
// done, which may be nil, gets the leader's verdict.
func (m *Manager) MgmtSet(now machine.Time, pending bool, d meshcop.Dataset, done func(now machine.Time, err error)) error {
	h := m.holder(pending)
	if s, active := m.env.Commissioner(); active && !d.Has(meshcop.CommissionerSession) {
		d = d.Clone()
		if err := d.Write(meshcop.CommissionerSession, []byte{byte(s >> 8), byte(s)}); err != nil {
			return err
		}
	}
	if h.asking {
		return status.Already
	}
	h.done = done
	return h.ask(now, &d)
}

// MgmtGet sends MGMT_ACTIVE_GET or MGMT_PENDING_GET for these TLVs, or all, to a node; the unspecified address is the
// leader.
func (m *Manager) MgmtGet(now machine.Time, pending bool, kinds []byte, to ip6.Address, done func(now machine.Time, answer []byte, err error)) error {
	var list []byte
	for _, k := range kinds {
		if bytes.IndexByte(list, k) < 0 && len(list) < maxGet {
			list = append(list, k)
		}
	}
	var b []byte
	if len(list) > 0 {
		b = append(append(b, meshcop.Get, byte(len(list))), list...)
	}
	if to.IsUnspecified() {
		to = m.leaderALOC()
	}
	return m.post(now, to, m.holder(pending).path(false), b, done)
}

const maxGet = 64 // types of a Get TLV that are looked at (kMaxGetTypes)

// AppendGet appends the answer to a MGMT_*_GET. check leaves out the network key where the policy does not give it away.
func (m *Manager) AppendGet(now machine.Time, dst []byte, pending bool, request []byte, check bool) []byte {
	kinds, _ := tlv.Find(request, meshcop.Get)
	kinds = kinds[:min(len(kinds), maxGet)]
	d, _ := m.holder(pending).read(now)
	for k, v, i, ok := meshcop.NextTLV(d.Bytes(), 0); ok; k, v, i, ok = meshcop.NextTLV(d.Bytes(), i) {
		wanted := len(kinds) == 0 || bytes.IndexByte(kinds, k) >= 0 || pending && k == meshcop.DelayTimer
		if wanted && !(check && k == meshcop.NetworkKeyTLV && !m.params.Policy.ObtainNetworkKey) {
			dst = append(append(dst, k, byte(len(v))), v...)
		}
	}
	return dst
}

// request is what is found out about a MGMT_*_SET at the leader.
type request struct {
	d                               meshcop.Dataset
	connectivity, key, commissioner bool
}

// verify checks a MGMT_*_SET or MGMT_ACTIVE_REPLACE (8.7.3 to 8.7.5).
func (h *holder) verify(now machine.Time, b []byte, replace bool) (r request, ok bool) {
	m := h.m
	d, err := meshcop.ParseDataset(b)
	if err != nil || d.Validate() != nil {
		return r, false
	}
	active := d.Timestamp(meshcop.ActiveTimestamp)
	if !active.Valid() || !d.Timestamp(h.kind()).Valid() || !d.Timestamp(h.kind()).After(h.local) {
		return r, false
	}
	n := d.Info()
	r.key = n.Has&meshcop.HasNetworkKey != 0 && n.NetworkKey != m.params.NetworkKey
	r.connectivity = r.key || n.Has&meshcop.HasChannel != 0 && uint8(n.Channel) != m.params.Channel ||
		n.Has&meshcop.HasPANID != 0 && n.PANID != m.params.PANID ||
		n.Has&meshcop.HasMeshLocalPrefix != 0 && n.MeshLocalPrefix != m.params.MeshLocalPrefix
	if h.isPending && !r.key && !active.After(m.active.network) {
		return r, false
	}
	if s, from := tlv.Uint16(d.Bytes(), meshcop.CommissionerSession); from {
		r.commissioner = true
		d.Remove(meshcop.CommissionerSession)
		have, some := m.env.CommissioningSession()
		if !some || have != s || !h.isPending && r.connectivity {
			return r, false
		}
		if !replace { // a commissioner may leave out what stays
			r.d, _ = m.active.read(now)
		}
	}
	if replace && (!r.commissioner || h.isPending || !d.Complete()) || r.d.WriteAll(&d) != nil {
		return r, false
	}
	if v, ok := tlv.Uint32(r.d.Bytes(), meshcop.DelayTimer); ok {
		shortest := m.delayMin
		if v = min(v, delayMax); r.key && v < ms(m.delayDefault) {
			shortest = m.delayDefault
		}
		_ = r.d.Write32(meshcop.DelayTimer, max(v, ms(shortest)))
	}
	return r, true
}

// serveSet is the leader's side of MGMT_*_SET and MGMT_ACTIVE_REPLACE.
func (h *holder) serveSet(now machine.Time, b, dst []byte, replace bool) []byte {
	m := h.m
	state := byte(meshcop.StateReject)
	if r, ok := h.verify(now, b, replace); ok && m.env.Leader() {
		switch {
		case !h.isPending && r.connectivity: // such a change has to wait: it becomes a pending dataset
			m.delayActive(now, &r.d)
			state = meshcop.StateAccept
		case h.take(now, &r.d, false):
			m.env.IncrementVersion(now, true)
			state = meshcop.StateAccept
		}
		if s, ok := m.env.CommissioningSession(); state == meshcop.StateAccept && !r.commissioner && ok {
			m.env.Post(now, ip6.RLOC(m.params.MeshLocalPrefix, 0xfc30+s%8), "c/dc", nil, nil)
		}
	}
	return append(dst, meshcop.State, 1, state)
}

// delayActive makes a pending dataset of an active one.
func (m *Manager) delayActive(now machine.Time, d *meshcop.Dataset) {
	if d.WriteTimestamp(meshcop.PendingTimestamp, d.Timestamp(meshcop.ActiveTimestamp)) == nil && d.Write32(meshcop.DelayTimer, ms(m.delayMin)) == nil {
		m.pending.take(now, d, false)
	}
}
