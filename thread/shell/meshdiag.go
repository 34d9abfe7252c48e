package shell

import (
	"encoding/binary"
	"strings"

	"heddle.example/machine"
	"heddle.example/thread/ip6"
	"heddle.example/thread/neighbor"
	"heddle.example/thread/status"
	"heddle.example/thread/tlv"
	"heddle.example/thread/tmf"
)

// MeshDiagnostics is what mesh diagnostics need of a node.
type MeshDiagnostics interface {
	DiagnosticAsk(now machine.Time, cause machine.Cause, rloc16 uint16, types []byte, done func(now machine.Time, tlvs []byte)) error
	DiagnosticQuery(now machine.Time, cause machine.Cause, rloc16 uint16, types []byte) (id uint16, err error)
}

// meshState is the mesh diagnostics under way (utils/mesh_diag.cpp).
type meshState struct {
	timeout  uint32 // ms; 0: the default
	round    int    // of topologies, so that a late answer is known as such
	expected neighbor.RouterSet
	query    *meshQuery
}

// meshQuery is a list that is being read from one router.
type meshQuery struct {
	rloc16 uint16
	id     uint16
	index  uint16 // of the next answer
	typ    tmf.DiagType
	print  func(s *Shell, v []byte)
}

// The response time-out of mesh diagnostics, in ms.
const (
	meshTimeout    = 5000
	meshTimeoutMin = 50
	meshTimeoutMax = 600000
)

var meshCommands []entry

func init() {
	meshCommands = []entry{
		{name: "childip6", run: func(s *Shell, a args) error {
			return s.meshQuery(a, tmf.DiagChildAddresses, (*Shell).meshChildAddresses)
		}},
		{name: "childtable", run: func(s *Shell, a args) error { return s.meshQuery(a, tmf.DiagChild, (*Shell).meshChild) }},
		{name: "responsetimeout", run: meshResponseTimeout},
		{name: "routerneighbortable", run: func(s *Shell, a args) error {
			return s.meshQuery(a, tmf.DiagRouterNeighbor, (*Shell).meshNeighbor)
		}},
		{name: "topology", run: meshTopology},
	}
}

func meshDiag(s *Shell, a args) error { return s.group(meshCommands, a) }

func (s *Shell) meshWait() error {
	s.wait(int64(s.mesh.wait()), status.ResponseTimeout)
	return errPending
}

func (m *meshState) wait() uint32 {
	if m.timeout == 0 {
		return meshTimeout
	}
	return m.timeout
}

func meshResponseTimeout(s *Shell, a args) error {
	return getset(s, a, s.mesh.wait, always(func(ms uint32) { s.mesh.timeout = max(meshTimeoutMin, min(ms, meshTimeoutMax)) }))
}

func meshTopology(s *Shell, a args) error {
	types := []byte{byte(tmf.DiagAddress16), byte(tmf.DiagExtAddress), byte(tmf.DiagRoute), byte(tmf.DiagVersion)}
	var addresses, children bool
	for _, w := range a {
		switch w {
		case "ip6-addrs":
			addresses = true
		case "children":
			children = true
		default:
			return status.InvalidArgs
		}
	}
	if addresses {
		types = append(types, byte(tmf.DiagAddresses))
	}
	if children {
		types = append(types, byte(tmf.DiagChildTable))
	}
	if !s.node.Table().Self.Role.Attached() {
		return status.InvalidState
	}
	pending := s.meshWait() // the answer of this node itself may come, and end the command, before we return
	m := &s.mesh
	m.round++
	round := m.round
	m.expected = s.node.Table().RouterSet()
	for id := range uint8(neighbor.MaxRouterID + 1) {
		if !m.expected.Has(id) {
			continue
		}
		err := s.node.DiagnosticAsk(s.now, s.cause, neighbor.RouterRLOC16(id), types, func(now machine.Time, tlvs []byte) {
			if s.pending && s.mesh.round == round && s.mesh.expected != 0 {
				s.meshRouter(tlvs)
			}
		})
		if err != nil {
			m.expected = 0
			return err
		}
	}
	return pending
}

// meshRouter prints what one router answers.
func (s *Shell) meshRouter(tlvs []byte) {
	rloc16, ok := tlv.Uint16(tlvs, byte(tmf.DiagAddress16))
	ext, ok2 := tlv.Find(tlvs, byte(tmf.DiagExtAddress))
	route, ok3 := tlv.Find(tlvs, byte(tmf.DiagRoute))
	if !ok || !ok2 || !ok3 || len(ext) < 8 || len(route) < 9 {
		return
	}
	id := neighbor.RouterID(rloc16)
	self := s.node.Table().Self
	s.Printf("id:%02d rloc16:0x%04x ext-addr:%s", id, rloc16, hexOf(ext[:8]))
	if v, ok := tlv.Uint16(tlvs, byte(tmf.DiagVersion)); ok {
		s.Printf(" ver:%d", v)
	}
	if rloc16 == self.RLOC16 {
		s.Printf(" - me")
	}
	if self.Role == neighbor.RoleChild && rloc16 == s.node.MLE().ParentRLOC16() {
		s.Printf(" - parent")
	}
	if rloc16 == self.LeaderRLOC16() {
		s.Printf(" - leader")
	}
	if s.borderRouter(rloc16) {
		s.Printf(" - br")
	}
	s.Line("")
	ids, data := routerIDs(route[1:9]), route[9:]
	for quality := byte(3); quality > 0; quality-- {
		line := ""
		for i, other := range ids {
			if i < len(data) && data[i]>>4&3 == quality {
				line += twoDigits(other) + " "
			}
		}
		if line != "" {
			s.Line(indent+"%d-links:{ %s}", quality, line)
		}
	}
	if v, ok := tlv.Find(tlvs, byte(tmf.DiagAddresses)); ok {
		s.Line(indent + "ip6-addrs:")
		for ; len(v) >= 16; v = v[16:] {
			s.Line(indent+indent+"%s", ip6.Address(v[:16]))
		}
	}
	if v, ok := tlv.Find(tlvs, byte(tmf.DiagChildTable)); ok {
		s.meshChildren(rloc16, v)
	}
	if s.mesh.expected = s.mesh.expected.Without(id); s.mesh.expected == 0 {
		s.finish(nil)
	}
}

func (s *Shell) meshChildren(parent uint16, v []byte) {
	if len(v) < 3 {
		s.Line(indent + "children: none")
		return
	}
	s.Line(indent + "children:")
	for ; len(v) >= 3; v = v[3:] {
		d := binary.BigEndian.Uint16(v)
		rloc16 := parent | d&0x1ff
		s.Printf(indent+indent+"rloc16:0x%04x lq:%d, mode:%s", rloc16, d>>9&3, modeLetters(neighbor.ModeFromWire(v[2])))
		if rloc16 == s.node.RLOC16() {
			s.Printf(" - me")
		}
		if s.borderRouter(rloc16) {
			s.Printf(" - br")
		}
		s.Line("")
	}
}

func modeLetters(m neighbor.Mode) string {
	var b strings.Builder
	for _, f := range []struct {
		on bool
		c  byte
	}{{m.RxOn(), 'r'}, {m.FTD(), 'd'}, {m.FullNetworkData(), 'n'}} {
		if f.on {
			b.WriteByte(f.c)
		}
	}
	if b.Len() == 0 {
		return "-"
	}
	return b.String()
}

func twoDigits(v uint8) string { return string([]byte{'0' + v/10, '0' + v%10}) }

func (s *Shell) borderRouter(rloc16 uint16) bool {
	for _, r := range s.node.NetData().Data().BorderRouters(nil) {
		if r == rloc16 {
			return true
		}
	}
	return false
}

// meshQuery begins to read a list from a router.
func (s *Shell) meshQuery(a args, typ tmf.DiagType, print func(*Shell, []byte)) error {
	rloc16, err := a.u16(0)
	if err == nil && len(a) > 1 {
		err = status.InvalidArgs
	}
	if err != nil {
		return err
	}
	id, err := s.node.DiagnosticQuery(s.now, s.cause, rloc16, []byte{byte(typ)})
	if err != nil {
		return err
	}
	s.mesh.query = &meshQuery{rloc16: rloc16, id: id, typ: typ, print: print}
	return s.meshWait()
}

// meshAnswer takes in an answer, if it is one to the query under way.
func (s *Shell) meshAnswer(from ip6.Address, tlvs []byte) bool {
	q := s.mesh.query
	if q == nil || !s.pending {
		return false
	}
	id, ok := tmf.Query(tlvs)
	if !ok || id != q.id || !from.IID().IsLocator() || from.IID().Locator() != q.rloc16 {
		return false
	}
	if index, _ := tmf.Answer(tlvs); index != q.index {
		s.mesh.query = nil
		s.finish(status.ResponseTimeout)
		return true
	}
	q.index++
	for t, v := range tlv.All(tlvs) {
		if t != byte(q.typ) {
			continue
		}
		if len(v) == 0 {
			s.mesh.query = nil
			s.finish(nil)
			return true
		}
		q.print(s, v)
	}
	return true
}

func (s *Shell) meshChildAddresses(v []byte) {
	if len(v) < 2 {
		return
	}
	s.Line("child-rloc16: 0x%04x", binary.BigEndian.Uint16(v))
	for v = v[2:]; len(v) >= 16; v = v[16:] {
		s.Line(indent+"%s", ip6.Address(v[:16]))
	}
}

// The values of Child and Router Neighbor TLVs (network_diagnostic_tlvs.hpp).
const (
	childSize    = 43
	neighborSize = 24
)

func (s *Shell) meshChild(v []byte) {
	if len(v) < childSize {
		return
	}
	be := binary.BigEndian
	flags := v[0]
	s.Line("rloc16:0x%04x ext-addr:%s ver:%d", be.Uint16(v[1:]), hexOf(v[3:11]), be.Uint16(v[11:]))
	s.Line(indent+"timeout:%d age:%d supvn:%d q-msg:%d", be.Uint32(v[13:]), be.Uint32(v[17:]), be.Uint16(v[25:]), be.Uint16(v[34:]))
	kind := "mtd"
	if flags&0x40 != 0 {
		kind = "ftd"
	}
	s.Line(indent+"rx-on:%s type:%s full-net:%s", yesNo(flags&0x80 != 0), kind, yesNo(flags&0x20 != 0))
	s.meshLink(v[27:], flags&8 != 0)
	s.Line(indent+"conn-time:%s", duration(uint64(be.Uint32(v[21:]))))
	s.Line(indent+"csl - sync:%s period:%d timeout:%d channel:%d", yesNo(flags&0x10 != 0), be.Uint16(v[36:]), be.Uint32(v[38:]), v[42])
}

// meshLink prints margin, average and last signal strength, and error rates.
func (s *Shell) meshLink(v []byte, rates bool) {
	s.Line(indent+"rss - ave:%d last:%d margin:%d", int8(v[1]), int8(v[2]), v[0])
	if rates {
		s.Line(indent+"err-rate - frame:%s%% msg:%s%% ", percent(binary.BigEndian.Uint16(v[3:])), percent(binary.BigEndian.Uint16(v[5:])))
	}
}

func (s *Shell) meshNeighbor(v []byte) {
	if len(v) < neighborSize {
		return
	}
	be := binary.BigEndian
	s.Line("rloc16:0x%04x ext-addr:%s ver:%d", be.Uint16(v[1:]), hexOf(v[3:11]), be.Uint16(v[11:]))
	s.meshLink(v[17:], v[0]&0x80 != 0)
	s.Line(indent+"conn-time:%s", duration(uint64(be.Uint32(v[13:]))))
}
