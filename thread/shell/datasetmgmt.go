package shell

import (
	"heddle.example/thread/ip6"
	"heddle.example/thread/meshcop"
	"heddle.example/thread/status"
)

func mgmtSet(s *Shell, a args) error {
	var n meshcop.Info
	var extra meshcop.Dataset
	for i := 1; i < len(a); {
		f := findField(a[i])
		switch {
		case f != nil:
			took, err := f.parse(s, a.from(i+1), &n)
			if err != nil {
				return err
			}
			n.Has |= f.has
			i += 1 + took
		case a[i] == "-x":
			d, err := parseTLVs(a, i+1)
			if err != nil {
				return err
			}
			extra = d
			i += 2
		default:
			return status.InvalidArgs
		}
	}
	pending, err := which(a, 0)
	if err != nil {
		return err
	}
	d, err := n.Dataset()
	if err == nil {
		err = d.Append(extra.Bytes())
	}
	if err != nil {
		return err
	}
	return s.node.SendMgmtSet(s.now, s.cause, pending, d)
}

// getOrder is the order in which a request names TLVs, whatever the order of words (DatasetManager::SendGetRequest).
var getOrder = []string{"activetimestamp", "pendingtimestamp", "networkkey", "networkname", "extpanid", "meshlocalprefix", "delay",
	"panid", "channel", "wakeupchannel", "pskc", "securitypolicy", "channelmask"}

func mgmtGet(s *Shell, a args) error {
	var asked meshcop.Fields
	var types []byte
	var to ip6.Address
	for i := 1; i < len(a); i++ {
		switch f := findField(a[i]); {
		case f != nil:
			asked |= f.has
		case a[i] == "-x":
			i++
			d, err := parseTLVs(a, i)
			if err != nil {
				return err
			}
			types = append(types, d.Bytes()...)
		case a[i] == "address":
			i++
			ip, err := a.ip(i)
			if err != nil {
				return err
			}
			to = ip
		default:
			return status.InvalidArgs
		}
	}
	pending, err := which(a, 0)
	if err != nil {
		return err
	}
	var known []byte
	for _, name := range getOrder {
		if f := findField(name); asked&f.has != 0 {
			known = append(known, f.kind)
		}
	}
	return s.node.SendMgmtGet(s.now, s.cause, pending, append(known, types...), to)
}

func datasetUpdater(s *Shell, a args) error {
	switch a.at(0) {
	case "":
		s.enabled(s.node.UpdateOngoing())
		return nil
	case "start":
		if err := s.edited.Validate(); err != nil {
			return status.InvalidArgs
		}
		op, err := s.node.RequestUpdate(s.now, s.cause, s.edited.Clone())
		s.update = op
		return err
	case "cancel":
		s.node.CancelUpdate(s.now)
		return nil
	}
	return status.InvalidArgs
}

func delayTimerMin(s *Shell, a args) error {
	switch len(a) {
	case 0:
		s.Line("%d", s.node.DelayTimerMin()/1000)
		return nil
	case 1:
		sec, err := a.u32(0)
		if err != nil {
			return err
		}
		return s.node.SetDelayTimerMin(sec * 1000)
	}
	return status.InvalidArgs
}
