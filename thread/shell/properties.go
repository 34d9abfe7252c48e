package shell

import (
	"heddle.example/thread"
	"heddle.example/thread/status"
)

// Properties are what makes a device a better or a worse leader.
type Properties interface {
	Properties() thread.DeviceProperties
	SetProperties(p thread.DeviceProperties)
}

var supplies = []string{"battery", "external", "external-stable", "external-unstable"}

func deviceProps(s *Shell, a args) error {
	p := s.node.Properties()
	if len(a) == 0 {
		s.Line("PowerSupply      : %s", supplies[p.Supply])
		s.Line("IsBorderRouter   : %s", yesNo(p.BorderRouter))
		s.Line("SupportsCcm      : %s", yesNo(p.CCM))
		s.Line("IsUnstable       : %s", yesNo(p.Unstable))
		s.Line("WeightAdjustment : %d", p.WeightAdjusted)
		return nil
	}
	found := false
	for i, name := range supplies {
		if a[0] == name {
			p.Supply, found = thread.PowerSupply(i), true
		}
	}
	if !found {
		return status.InvalidArgs
	}
	for i, flag := range []*bool{&p.BorderRouter, &p.CCM, &p.Unstable} {
		v, err := a.bool(1 + i)
		if err != nil {
			return err
		}
		*flag = v
	}
	adjust, err := a.i8(4)
	if err == nil && len(a) > 5 {
		err = status.InvalidArgs
	}
	if err != nil {
		return err
	}
	p.WeightAdjusted = adjust
	s.node.SetProperties(p)
	return nil
}
