package shell

import (
	"fmt"

	"heddle.example/thread/history"
	"heddle.example/thread/ip6"
	"heddle.example/thread/neighbor"
)

// messages prints the datagrams that were received, sent, or both in the order of their age.
func (s *Shell) messages(a args, received, sent bool) error {
	list, count, err := historyArgs(a)
	if err != nil {
		return err
	}
	widths := []column{{"Age", 22}, {"Type", 18}, {"Len", 7}, {"Chksum", 8}, {"Sec", 5}, {"Prio", 6}, {"RSS", 6}, {"Dir", 4},
		{"Neighb", 8}, {"Radio", 7}}
	if !list {
		s.table(widths...)
	}
	h := s.node.History()
	for i, rx, tx := 0, 0, 0; count == 0 || i < count; i++ {
		var r, t *history.Entry[history.Message]
		if received && rx < h.Rx.Len() {
			r = h.Rx.At(rx)
		}
		if sent && tx < h.Tx.Len() {
			t = h.Tx.At(tx)
		}
		e := t
		switch {
		case r == nil && t == nil:
			return nil
		case r != nil && (t == nil || r.At >= t.At):
			e = r
			rx++
		default:
			tx++
		}
		if list {
			s.messageLines(e, e == r)
			continue
		}
		if i > 0 {
			s.separator(widths)
		}
		s.messageRows(e, e == r)
	}
	return nil
}

func (s *Shell) separator(columns []column) {
	for _, c := range columns {
		s.Printf("+%s", dashes[:c.width])
	}
	s.Line("+")
}

const dashes = "--------------------------------------------------"

func messageType(m *history.Message) string {
	switch ip6.Protocol(m.Proto) {
	case ip6.ICMP6:
		switch m.ICMPType {
		case 1:
			return "ICMP6(Unreach)"
		case 2:
			return "ICMP6(TooBig)"
		case 128:
			return "ICMP6(EchoReqst)"
		case 129:
			return "ICMP6(EchoReply)"
		case 133:
			return "ICMP6(RouterSol)"
		case 134:
			return "ICMP6(RouterAdv)"
		}
		return "ICMP6(Other)"
	case 0:
		return "HopOpts"
	case ip6.TCP:
		return "TCP"
	case ip6.UDP:
		return "UDP"
	case 41:
		return "IP6"
	case 43:
		return "Routing"
	case 44:
		return "Frag"
	case 59:
		return "None"
	case 60:
		return "DstOpts"
	}
	return "Unknown"
}

func addressPort(a ip6.Address, port uint16) string { return fmt.Sprintf("[%s]:%d", a, port) }

func (s *Shell) messageLines(e *history.Entry[history.Message], received bool) {
	m := &e.Value
	s.Line("%s", s.age(e.At))
	s.Printf(indent+"type:%s len:%d checksum:0x%04x sec:%s prio:%s ", messageType(m), m.Len, m.Checksum, yesNo(m.Secured), m.Priority)
	way := "to"
	if received {
		s.Printf("rss:%d", m.RSS)
		way = "from"
	} else {
		s.Printf("tx-success:%s", yesNo(m.OK))
	}
	s.Line(" %s:0x%04x radio:15.4", way, m.Neighbor)
	s.Line(indent+"src:%s", addressPort(m.Src, m.SrcPort))
	s.Line(indent+"dst:%s", addressPort(m.Dst, m.DstPort))
}

func (s *Shell) messageRows(e *history.Entry[history.Message], received bool) {
	m := &e.Value
	s.Printf("| %20s | %-16.16s | %5d | 0x%04x | %3s | %4s | ", "", messageType(m), m.Len, m.Checksum, yesNo(m.Secured), m.Priority)
	switch {
	case received:
		s.Printf("%4d | RX ", m.RSS)
	case m.OK:
		s.Printf(" NA  | TX ")
	default:
		s.Printf(" NA  |TX-F")
	}
	switch m.Neighbor {
	case 0xffff:
		s.Printf("| bcast  ")
	case neighbor.InvalidRLOC16:
		s.Printf("| unknwn ")
	default:
		s.Printf("| 0x%04x ", m.Neighbor)
	}
	s.Line("|  15.4 |")
	s.Line("| %20s | src: %-70s |", s.age(e.At), addressPort(m.Src, m.SrcPort))
	s.Line("| %20s | dst: %-70s |", "", addressPort(m.Dst, m.DstPort))
}
