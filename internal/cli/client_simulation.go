package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/pflag"

	"heddle.example/internal/device"
	"heddle.example/lwm2m/client/objects"
)

// simulation is what the device pretends: where it is, and how its firmware updates go.
type simulation struct {
	location string
	track    string
	firmware string
}

func (s *simulation) flags(f *pflag.FlagSet) {
	f.StringVar(&s.location, "location", "", "fixed place, `LAT,LON[,ALT]` in degrees and metres")
	f.StringVar(&s.track, "track", "", "the device moves along the track of this GPX or CSV `FILE`, again and again")
	f.StringVar(&s.firmware, "firmware", "", "`SETTINGS` of object 5, key=value with commas between: version, method, protocols, size, time, packed, fail, fails")
}

// apply sets up the device's objects.
func (s *simulation) apply(p *objects.Profile) (err error) {
	if s.location != "" && s.track != "" {
		return errors.New("--location and --track: give one of them")
	}
	if s.location != "" {
		if p.Place, err = device.ParsePlace(s.location); err != nil {
			return fmt.Errorf("--location: %w", err)
		}
	}
	if s.track != "" {
		if p.Track, err = device.ReadTrack(s.track); err != nil {
			return fmt.Errorf("--track: %w", err)
		}
	}
	if err = device.ParseFirmware(&p.Firmware, s.firmware); err != nil {
		return fmt.Errorf("--firmware: %w", err)
	}
	return nil
}
