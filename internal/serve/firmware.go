package serve

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"

	"heddle.example/internal/firmware"
	"heddle.example/internal/fleet"
	"heddle.example/lwm2m/server"
)

// Firmware says how the server offers firmware packages.
type Firmware struct {
	Max  string // bytes of one package, such as 64MB; empty: the default
	Host string // in the packages' URIs; empty: the address at which the device reached the server
	CoAP string // over plain coap: on, off; empty: where unknown devices are accepted
}

// firmwareDir is the directory of the packages in the data directory.
const firmwareDir = "firmware"

func dirOf(data string) string {
	if data == "" {
		return ""
	}
	return filepath.Join(data, firmwareDir)
}

// openFirmware loads packages and updates.
func (p *Program) openFirmware() (err error) {
	f := p.config.Firmware
	c := firmware.Config{Store: p.store, Dir: dirOf(p.config.Data), Hub: p.hub, Devices: devices{p},
		Run: func(ctx context.Context, endpoint string, op *server.Operation) (*server.Outcome, error) {
			return p.API.Run(ctx, endpoint, op)
		},
		Registration: p.Fleet.Registration,
		Asleep: func(endpoint string) bool {
			c, ok := p.Fleet.Client(endpoint, false)
			return ok && c.State == fleet.Asleep
		},
		Endpoint: func(identity string) (string, bool) {
			c, ok := p.Credentials.ByIdentity([]byte(identity))
			return c.Endpoint, ok
		},
		BaseURI: p.baseURI,
	}
	switch f.CoAP {
	case "on":
		c.Plain = true
	case "":
		c.Plain = p.acceptUnknown()
	case "off":
	default:
		return fmt.Errorf("--firmware-coap is %q; use on or off", f.CoAP)
	}
	if f.Max != "" {
		if c.Limit, err = size(f.Max); err != nil || c.Limit <= 0 {
			return fmt.Errorf("--firmware-max is %q; it is a number of bytes, such as 64MB", f.Max)
		}
	}
	p.Firmware, err = firmware.Open(c)
	return err
}

// size reads a number of bytes with a unit.
func size(s string) (int64, error) {
	unit := int64(1)
	for name, n := range map[string]int64{"KB": 1000, "MB": 1e6, "GB": 1e9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if number, ok := strings.CutSuffix(s, name); ok {
			s, unit = number, n
		}
	}
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	return n * unit, err
}

// devices are the shards, which are there later than the firmware.
type devices struct{ p *Program }

func (d devices) Do(ctx context.Context, endpoint string, op *server.Operation) (string, *server.Outcome, error) {
	return d.p.Shards.Do(ctx, endpoint, op)
}

func (d devices) Observations(endpoint string) ([]server.Observation, error) {
	return d.p.Shards.Observations(endpoint)
}

// baseURI is what a package's URI begins with for a device: the address at which it reached this server, or the web port
// where it can reach that.
func (p *Program) baseURI(scheme string, reg *server.Registration) string {
	switch local := reg.Path.Local; scheme {
	case "coap", "coaps":
		if (scheme == "coaps") != (reg.Path.Security != nil) || !local.IsValid() || local.Addr().IsUnspecified() && p.config.Firmware.Host == "" {
			return ""
		}
		return scheme + "://" + p.packageHost(local) + "/" + firmware.Prefix + "/"
	case "http", "https":
		if (scheme == "https") != p.tls {
			return ""
		}
		for _, l := range p.web {
			a, err := netip.ParseAddrPort(l.Addr().String())
			if err != nil || a.Addr().IsLoopback() && !reg.Path.Remote.Addr().Unmap().IsLoopback() {
				continue
			}
			if a.Addr().IsUnspecified() {
				a = netip.AddrPortFrom(local.Addr(), a.Port())
			}
			return scheme + "://" + p.packageHost(a) + "/" + firmware.Prefix + "/"
		}
	}
	return ""
}

// packageHost is host and port in a package's URI.
func (p *Program) packageHost(a netip.AddrPort) string {
	port := ":" + strconv.Itoa(int(a.Port()))
	if h := p.config.Firmware.Host; h != "" {
		if ip, err := netip.ParseAddr(strings.Trim(h, "[]")); err == nil {
			return netip.AddrPortFrom(ip, a.Port()).String()
		}
		return h + port
	}
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port()).String()
}
