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
func (s *simulation) apply(p *device.Profile) (err error) {
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

// firmwareText says how the firmware update stands.
func firmwareText(s objects.FirmwareStatus) string {
	text := fmt.Sprintf("State: %s, result: %s\n", s.State, device.FirmwareResults[s.Result])
	if s.State != objects.FirmwareIdle {
		how := "pushed by the server"
		if s.Pull {
			how = "from " + s.URI
		}
		size := ""
		if s.Size > 0 {
			size = fmt.Sprintf(" of %d (%d %%)", s.Size, s.Received*100/s.Size)
		}
		text += fmt.Sprintf("Package: %d%s bytes, %s\n", s.Received, size, how)
	}
	if s.Name != "" || s.Version != "" {
		text += fmt.Sprintf("Name: %s, version: %s\n", s.Name, s.Version)
	}
	if s.Installed != "" {
		text += fmt.Sprintf("Installed: %s\n", s.Installed)
	}
	text += "Protocols:"
	for _, p := range s.Protocols {
		text += " " + device.FirmwareProtocol(p)
	}
	return text + "\n"
}
