package mle

import (
	"heddle.example/machine"
	"heddle.example/thread/ip6"
)

// sendDataRequest asks a neighbour for the network data, and for datasets that are newer than ours.
func (m *MLE) sendDataRequest(now machine.Time, to ip6.Address) {
	if !m.role.Attached() {
		return
	}
	if m.requestRoute {
		m.SendDataRequest(now, to, TLVNetworkData, TLVRoute)
	} else {
		m.SendDataRequest(now, to, TLVNetworkData)
	}
	m.retransmit.requestSent(m, now)
}

// SendDataRequest asks a neighbour for TLVs.
func (m *MLE) SendDataRequest(now machine.Time, to ip6.Address, types ...TLV) {
	b := AppendRequest(m.begin(DataRequest), types...)
	m.send(now, m.appendTimestamps(b), to)
	if !m.mode.RxOn() {
		m.env.SendFastPolls(now, 0)
	}
}

// SendLinkMetricsQuery asks a neighbour for link metrics; query is the value of a Link Metrics Query TLV.
func (m *MLE) SendLinkMetricsQuery(now machine.Time, to ip6.Address, query []byte) {
	b := AppendRequest(m.begin(DataRequest), TLVLinkMetricsReport)
	b = append(append(b, byte(TLVLinkMetricsQuery), byte(len(query))), query...)
	m.send(now, m.appendTimestamps(b), to)
	if !m.mode.RxOn() {
		m.env.SendFastPolls(now, 0)
	}
}

// SendLinkMetrics sends a neighbour a Link Metrics Management Request or Response, or a Link Probe, with the value of its TLV.
func (m *MLE) SendLinkMetrics(now machine.Time, to ip6.Address, c Command, value []byte) {
	t := TLVLinkMetricsManagement
	if c == LinkProbe {
		t = TLVLinkProbe
	}
	m.send(now, append(append(m.begin(c), byte(t), byte(len(value))), value...), to)
	if !m.mode.RxOn() && c == LinkMetricsManagementRequest {
		m.env.SendFastPolls(now, 0)
	}
}

// receiveLinkMetrics hands the TLV of a link metrics message on.
func (m *MLE) receiveLinkMetrics(now machine.Time, r *rx) {
	t := TLVLinkMetricsManagement
	if r.Command == LinkProbe {
		t = TLVLinkProbe
	}
	if m.config.OnLinkMetrics == nil || !r.fromValid() {
		return
	}
	if v, err := r.Find(t); err == nil {
		r.class = classPeer
		m.config.OnLinkMetrics(now, r.Command, r.neighbor, v, r.LQI, r.RSSI)
	}
}

func (m *MLE) scheduleDataRequest(now machine.Time, to ip6.Address, delay uint32) {
	m.unschedule(delayedDataRequest, to)
	m.schedule(now, delay, delayedDataRequest, to, nil)
}

// receiveAdvertisement takes in what a router says of itself and its routes.
func (m *MLE) receiveAdvertisement(now machine.Time, r *rx) {
	if !m.role.Attached() {
		return
	}
	source, err := r.SourceAddress()
	if err != nil {
		return
	}
	d, err := r.LeaderData()
	if err != nil {
		return
	}
	if m.mode.FTD() && m.receiveAdvertisementFTD(now, r, source, d) != nil {
		return
	}
	if m.role == Child {
		if !m.table.Parent.Is(r.neighbor) {
			return
		}
		if m.table.Parent.RLOC16 != source { // our parent is another router now, and we are nobody's child
			m.BecomeDetached(now)
			return
		}
		if d.PartitionID != m.leaderData.PartitionID || d.LeaderRouterID != m.leaderData.LeaderRouterID {
			m.setLeaderData(now, d)
			if !m.config.MTD && m.routeOnChild(now, r, m.table.Parent.RouterID()) != nil {
				return
			}
			m.retrieveData = true
		}
		m.table.Parent.LastHeard = now
	} else if !r.fromValid() {
		return
	}
	if m.retrieveData || m.newerData(d) {
		m.scheduleDataRequest(now, r.Src, m.randomDelay(maxResponseDelay))
	}
	r.class = classPeer
}

// newerData says whether a neighbour has newer network data than we have.
func (m *MLE) newerData(d LeaderData) bool {
	have := m.env.StableDataVersion()
	if m.mode.FullNetworkData() {
		have = m.env.DataVersion()
	}
	return newer(d.Version(m.mode.FullNetworkData()), have)
}

// receiveDataResponse takes in network data, asked for or not.
func (m *MLE) receiveDataResponse(now machine.Time, r *rx) {
	if !r.fromValid() {
		return
	}
	if m.config.OnLinkMetrics != nil {
		if v, err := r.Find(TLVLinkMetricsReport); err == nil {
			m.config.OnLinkMetrics(now, r.Command, r.neighbor, v, r.LQI, r.RSSI)
		}
	}
	if !m.config.MTD && m.routeOnChild(now, r, m.table.Parent.RouterID()) != nil {
		return
	}
	err := m.takeLeaderData(now, r)
	if !m.retransmit.waitsForData() && !m.mode.RxOn() {
		m.env.StopFastPolls(now)
	}
	if err == nil {
		r.class = classPeer
	}
}

// takeLeaderData takes in the leader data of a neighbour, and network data and datasets that come with it. What is newer
// but does not come with it is asked for.
func (m *MLE) takeLeaderData(now machine.Time, r *rx) error {
	ask, err := m.readLeaderData(now, r)
	switch {
	case ask && r.multicast():
		m.scheduleDataRequest(now, r.Src, m.randomDelay(maxResponseDelay))
	case ask:
		// The response to what we are looking at goes first.
		m.scheduleDataRequest(now, r.Src, 10)
	case err == nil:
		m.retransmit.requestAnswered(m, now)
	}
	return err
}

func (m *MLE) readLeaderData(now machine.Time, r *rx) (ask bool, err error) {
	d, err := r.LeaderData()
	if err != nil {
		return false, err
	}
	switch {
	case d.PartitionID != m.leaderData.PartitionID || d.Weighting != m.leaderData.Weighting ||
		d.LeaderRouterID != m.leaderData.LeaderRouterID:
		if m.role != Child {
			return false, errDrop
		}
		m.setLeaderData(now, d)
		m.retrieveData = true
	case !m.retrieveData && !m.newerData(d):
		return false, nil
	}
	var datasets [2]struct { // active, pending
		ts  Timestamp
		tlv []byte
	}
	for i, types := range [2][2]TLV{{TLVActiveTimestamp, TLVActiveDataset}, {TLVPendingTimestamp, TLVPendingDataset}} {
		ts, err := r.Timestamp(types[0])
		switch {
		case err == ErrNotFound || err == nil && m.role == Leader:
			continue
		case err != nil:
			return false, err
		}
		if ts != m.env.DatasetTimestamp(i == 1) {
			v, err := r.Find(types[1])
			if err != nil {
				return true, nil
			}
			datasets[i].ts, datasets[i].tlv = ts, v
			if v == nil {
				datasets[i].tlv = []byte{}
			}
		}
	}
	data, err := r.Find(TLVNetworkData)
	if err != nil {
		return true, err
	}
	// The tables of datasets and data may lead to messages of ours, which take over the buffer of plain text.
	if err := m.env.SetData(now, d.DataVersion, d.StableDataVersion, m.mode.FullNetworkData(), data); err != nil {
		return false, err
	}
	if m.role == Leader {
		m.env.IncrementDataVersions(now)
	} else {
		for i, s := range datasets {
			if s.tlv != nil {
				m.env.SaveDataset(now, i == 1, s.ts, s.tlv)
			}
		}
	}
	m.retrieveData = false
	return false, nil
}

// setLeaderData notes which partition we are in.
func (m *MLE) setLeaderData(now machine.Time, d LeaderData) {
	changed := d.PartitionID != m.leaderData.PartitionID
	if changed {
		m.partitionChanged(now)
		m.counters.PartitionIDChanges++
	}
	m.leaderData.PartitionID = d.PartitionID
	m.leaderData.Weighting = d.Weighting
	m.leaderData.LeaderRouterID = d.LeaderRouterID
	m.table.Self.LeaderID = d.LeaderRouterID
	if changed || !m.partitionSet {
		m.partitionSet = true
		m.env.Signal(now, PartitionIDChanged)
	}
}
