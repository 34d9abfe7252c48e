package shell

import "heddle.example/thread/status"

// benchState is what factory diagnostics set at the hardware of OpenThread's simulation platform (its diag.c): one pin, and a
// raw power setting that goes nowhere.
type benchState struct {
	output   bool // the pin's direction
	level    bool
	rawPower []byte
}

// maxRawPower is how many bytes a raw power setting has (OPENTHREAD_CONFIG_POWER_CALIBRATION_RAW_POWER_SETTING_SIZE).
const maxRawPower = 16

// diagBench runs the commands that set the hardware, and reports false for a name that is none of them.
func diagBench(s *Shell, name string, a args) (error, bool) {
	switch name {
	case "cw", "stream": // a carrier, or modulated: the simulated radio takes it and does nothing
		if !a.is(0, "start") && !a.is(0, "stop") {
			return status.InvalidArgs, true
		}
		return nil, true
	case "gpio":
		return diagPin(s, a), true
	case "rawpowersetting":
		return diagRawPower(s, a), true
	case "powersettings":
		return diagPowerSettings(s, a), true
	}
	return nil, false
}

func diagPin(s *Shell, a args) error {
	if pin, err := a.u32(1); err != nil || pin != 0 {
		return status.InvalidArgs
	}
	b := &s.bench
	switch {
	case a[0] == "get" && len(a) == 2:
		s.Line("%d", digit(b.level))
	case a[0] == "set" && len(a) == 3:
		v, err := a.bool(2)
		if err != nil {
			return err
		}
		b.level = v
	case a[0] == "mode" && len(a) == 2:
		s.Line("%s", map[bool]string{false: "in", true: "out"}[b.output])
	case a[0] == "mode" && len(a) == 3 && (a[2] == "in" || a[2] == "out"):
		b.output = a[2] == "out"
	default:
		return status.InvalidArgs
	}
	return nil
}

func diagRawPower(s *Shell, a args) error {
	switch a.at(0) {
	case "":
		if len(s.bench.rawPower) == 0 {
			return status.NotFound
		}
		s.Line("%s", hexOf(s.bench.rawPower))
	case "enable", "disable":
	default:
		b, err := a.hex(0, maxRawPower)
		if err != nil {
			return err
		}
		s.bench.rawPower = b
	}
	return nil
}

// diagPowerSettings shows a calibration, which a simulated radio does not have.
func diagPowerSettings(s *Shell, a args) error {
	switch len(a) {
	case 0:
		s.Line("| StartCh | EndCh | TargetPower | ActualPower | RawPowerSetting |")
		s.Line("+---------+-------+-------------+-------------+-----------------+")
		return nil
	case 1:
		c, err := a.u8(0)
		if err == nil && (c < 11 || c > 26) {
			err = status.InvalidArgs
		}
		return first(err, status.NotFound)
	}
	return status.InvalidArgs
}

// diagFrame keeps the frame that send and repeat send when they are given no length. What its options ask for is for a radio
// that does more than send: they are read, and no more.
func diagFrame(s *Shell, a args) error {
	for len(a) > 1 {
		var err error
		switch a[0] {
		case "-c", "-s", "-u":
			a = a[1:]
			continue
		case "-b", "-r":
			_, err = a.u8(1)
		case "-C":
			var c uint8
			if c, err = a.u8(1); err == nil && (c < 11 || c > 26) {
				err = status.InvalidArgs
			}
		case "-d":
			_, err = a.u32(1)
		case "-p":
			_, err = a.i8(1)
		default:
			err = status.InvalidArgs
		}
		if err == nil && len(a) < 3 {
			err = status.InvalidArgs
		}
		if err != nil {
			return err
		}
		a = a[2:]
	}
	b, err := a.hex(0, 127)
	if err != nil {
		return err
	}
	return s.node.SetFactoryFrame(b)
}
