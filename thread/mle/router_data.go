package mle

import (
	"heddle.example/machine"
	"heddle.example/thread/ieee802154"
	"heddle.example/thread/ip6"
	"heddle.example/thread/neighbor"
)

// dataResponseDelay is within how many ms a router passes new network data on.
const dataResponseDelay = 500

// receiveDataRequest answers a neighbour that wants network data or datasets.
func (m *MLE) receiveDataRequest(now machine.Time, r *rx) {
	if !r.fromValid() {
		return
	}
	types, err := r.RequestedTLVs()
	if err != nil {
		return
	}
	var list tlvList
	for _, t := range types {
		list.add(TLV(t))
	}
	if m.wantsDatasets(r, &list) != nil {
		return
	}
	r.class = classPeer
	m.followKeySequence(now, r)
	m.sendDataResponse(now, r.Src, r.neighbor, &list, r)
}

// sendDataResponse sends network data and datasets. request is nil for what nobody asked for.
func (m *MLE) sendDataResponse(now machine.Time, to ip6.Address, n *neighbor.Neighbor, list *tlvList, request *rx) {
	if !m.role.Attached() || m.retrieveData {
		return // what we have is not that of our partition
	}
	mode := neighbor.RouterMode
	if n != nil {
		mode = n.Mode
	}
	b := AppendSourceAddress(m.begin(DataResponse), m.rloc16)
	b = AppendLeaderData(b, m.LeaderData())
	b = m.appendTimestamps(b)
	for _, t := range list.types() {
		switch t := TLV(t); t {
		case TLVNetworkData:
			b = m.appendNetworkData(b, mode)
		case TLVActiveDataset, TLVPendingDataset:
			b = m.appendDataset(b, t == TLVPendingDataset)
		case TLVRoute:
			b = m.appendRoute(b, nil)
		case TLVLinkMetricsReport:
			b = m.appendLinkMetrics(b, request)
		}
	}
	m.send(now, b, to)
}

// appendLinkMetrics answers the link metrics query in a request.
func (m *MLE) appendLinkMetrics(b []byte, request *rx) []byte {
	if request == nil || m.config.AppendLinkMetrics == nil {
		return b
	}
	query, err := request.Find(TLVLinkMetricsQuery)
	if err != nil {
		return b
	}
	mark := len(b)
	b, ok := m.config.AppendLinkMetrics(append(b, byte(TLVLinkMetricsReport), 0), request.neighbor, query, request.LQI, request.RSSI)
	if !ok {
		return b[:mark]
	}
	b[mark+1] = byte(len(b) - mark - 2)
	return b
}

func (m *MLE) sendMulticastData(now machine.Time) {
	var list tlvList
	list.add(TLVNetworkData)
	m.sendDataResponse(now, ip6.LinkLocalAllNodes, nil, &list, nil)
}

// networkDataChangedFTD passes new network data on: the leader at once, routers after a while, and to each sleepy child by
// itself.
func (m *MLE) networkDataChangedFTD(now machine.Time) {
	if !m.role.RouterOrLeader() {
		return
	}
	if m.role == Leader {
		m.sendMulticastData(now)
	} else {
		m.unschedule(delayedDataResponse, ip6.LinkLocalAllNodes)
		m.schedule(now, m.randomDelay(dataResponseDelay), delayedDataResponse, ip6.LinkLocalAllNodes, nil)
	}
	m.syncChildren(now)
}

// syncChildren sends network data to the sleepy children that have older ones.
func (m *MLE) syncChildren(now machine.Time) {
	// What we have is still the data of the partition that we came from: a child would take its version for that of the
	// new one, which may be lower, and refuse what comes then.
	if !m.role.RouterOrLeader() || m.retrieveData {
		return
	}
	for c := range m.table.Children(neighbor.InValid) {
		if c.Mode.RxOn() || c.DataVersion == m.LeaderData().Version(c.Mode.FullNetworkData()) {
			continue
		}
		m.sendChildUpdateRequestToChild(now, c)
	}
}

// dispatchFTD hands a message to the method for its command, if only full Thread devices have one.
func (m *MLE) dispatchFTD(now machine.Time, r *rx) {
	m.ftd.now = now
	switch r.Command {
	case LinkRequest:
		m.receiveLinkRequest(now, r)
	case LinkAccept, LinkAcceptAndRequest:
		m.receiveLinkAccept(now, r)
	case DataRequest:
		m.receiveDataRequest(now, r)
	case ParentRequest:
		m.receiveParentRequest(now, r)
	case ChildIDRequest:
		m.receiveChildIDRequest(now, r)
	}
}

// sendDelayedFTD sends a planned message.
func (m *MLE) sendDelayedFTD(now machine.Time, d delayed) {
	m.ftd.now = now
	switch d.kind {
	case delayedParentResponse:
		p := d.info.(parentResponse)
		m.sendParentResponse(now, &p)
	case delayedAdvertisement:
		m.sendAdvertisement(now, d.dst)
	case delayedDataResponse:
		m.sendMulticastData(now)
	case delayedLinkRequest:
		m.delayedLinkRequest(now, d.info.(uint16), d.dst)
	case delayedDiscoveryResponse:
		m.sendDiscoveryResponse(now, d.dst, d.info.(ieee802154.PANID))
	case delayedLinkAccept:
		a := d.info.(linkAccept)
		m.sendLinkAccept(now, &a)
	}
}
