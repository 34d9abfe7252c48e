package objects

import (
	"strings"
	"time"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/machine"
)

// DeviceDefinition is object 3, version 1.1.
var DeviceDefinition = client.Definition{ID: 3, Name: "Device", Version: lwm2m.V1_1, Resources: []client.Resource{
	{ID: 0, Name: "Manufacturer", Kind: lwm2m.String, Operations: ro},
	{ID: 1, Name: "Model Number", Kind: lwm2m.String, Operations: ro},
	{ID: 2, Name: "Serial Number", Kind: lwm2m.String, Operations: ro},
	{ID: 3, Name: "Firmware Version", Kind: lwm2m.String, Operations: ro},
	{ID: 4, Name: "Reboot", Operations: ex, Mandatory: true},
	{ID: 5, Name: "Factory Reset", Operations: ex},
	{ID: 6, Name: "Available Power Sources", Kind: lwm2m.Integer, Operations: ro, Multiple: true, Max: 7},
	{ID: 7, Name: "Power Source Voltage", Kind: lwm2m.Integer, Operations: ro, Multiple: true},
	{ID: 8, Name: "Power Source Current", Kind: lwm2m.Integer, Operations: ro, Multiple: true},
	{ID: 9, Name: "Battery Level", Kind: lwm2m.Integer, Operations: ro, Max: 100},
	{ID: 10, Name: "Memory Free", Kind: lwm2m.Integer, Operations: ro},
	{ID: 11, Name: "Error Code", Kind: lwm2m.Integer, Operations: ro, Multiple: true, Mandatory: true, Max: 8},
	{ID: 12, Name: "Reset Error Code", Operations: ex},
	{ID: 13, Name: "Current Time", Kind: lwm2m.Time, Operations: rw},
	{ID: 14, Name: "UTC Offset", Kind: lwm2m.String, Operations: rw},
	{ID: 15, Name: "Timezone", Kind: lwm2m.String, Operations: rw},
	{ID: 16, Name: "Supported Binding and Modes", Kind: lwm2m.String, Operations: ro, Mandatory: true},
	{ID: 17, Name: "Device Type", Kind: lwm2m.String, Operations: ro},
	{ID: 18, Name: "Hardware Version", Kind: lwm2m.String, Operations: ro},
	{ID: 19, Name: "Software Version", Kind: lwm2m.String, Operations: ro},
	{ID: 20, Name: "Battery Status", Kind: lwm2m.Integer, Operations: ro, Max: 6},
	{ID: 21, Name: "Memory Total", Kind: lwm2m.Integer, Operations: ro},
}}

// DeviceConfig says what a device is. Empty texts are resources that it does not have.
type DeviceConfig struct {
	Manufacturer, Model, Serial, Firmware string
	Type, Hardware, Software              string
	UTCOffset, Timezone                   string        // "+01:00", "Europe/Berlin"
	BatteryCycle                          time.Duration // from full to 20 % and back; 0: the battery stays full
	BatteryEvery                          time.Duration // instead: another level after each such time, with an event
	MemoryTotal                           int64         // KB; default 256
}

// BatteryChanged is an Event: BatteryEvery has passed and the level is another one.
type BatteryChanged struct{ Level int }

// rebootDelay lets the answer to Reboot leave, and its acknowledgement arrive, before the device goes down.
const rebootDelay = 2 * time.Second

// Device is object 3.
type Device struct {
	cfg     *DeviceConfig
	client  *client.Client
	seed    uint64
	level   int  // where it does not follow the cycle
	fixed   bool // set by Change
	nextAt  machine.Time
	reboot  machine.Time
	factory bool
	shift   int64 // seconds from the machine's time to what a server has set
	offset  string
	zone    string
	errors  []int64
	version string // of the firmware, after an update
}

// NewDevice returns a Device object. Configurations may be shared.
func NewDevice(cfg *DeviceConfig) *Device {
	return &Device{cfg: cfg, offset: cfg.UTCOffset, zone: cfg.Timezone, level: 100, nextAt: machine.Never, reboot: machine.Never}
}

// Attach implements client.Attacher.
func (d *Device) Attach(c *client.Client) { d.client, d.seed = c, c.Rand().Uint64() }

// SetError adds an error code, 1 to 8, to resource 11. Call Client.Changed for /3/0/11 afterwards.
func (d *Device) SetError(code int64) {
	if code == 0 {
		return
	}
	for _, e := range d.errors {
		if e == code {
			return
		}
	}
	d.errors = append(d.errors, code)
}

// SetFirmware sets the firmware version after an update; "" is that of the configuration.
func (d *Device) SetFirmware(version string) { d.version = version }

// Definition implements client.Object.
func (d *Device) Definition() *client.Definition { return &DeviceDefinition }

// Instances implements client.Object.
func (d *Device) Instances(dst []uint16) []uint16 { return append(dst, 0) }

// Read implements client.Object.
func (d *Device) Read(now machine.Time, dst []lwm2m.Entry, p lwm2m.Path) ([]lwm2m.Entry, bool) {
	level, charging := d.battery(now)
	switch p.Resource() {
	case 4, 5, 12:
		return dst, true
	case 6:
		return integers(dst, p, 1, 5) // internal battery, USB
	case 7:
		return integers(dst, p, int64(3300+9*level), 5000)
	case 8:
		return integers(dst, p, 40+int64(hash(d.seed, uint64(now)/uint64(time.Minute))%20), 900)
	case 9:
		return value(dst, p, lwm2m.Int(int64(level)))
	case 10:
		n, _ := step(now, time.Minute)
		return value(dst, p, lwm2m.Int(d.memory()/2+int64(hash(d.seed, n)%uint64(d.memory()/4+1))))
	case 11:
		if len(d.errors) == 0 {
			return integers(dst, p, 0)
		}
		return integers(dst, p, d.errors...)
	case 13:
		return value(dst, p, lwm2m.TimeValue(now.Unix()+d.shift))
	case 16:
		return value(dst, p, lwm2m.Str(d.client.Binding().String()))
	case 20:
		return value(dst, p, lwm2m.Int(status(level, charging)))
	case 21:
		return value(dst, p, lwm2m.Int(d.memory()))
	}
	if s := d.text(p.Resource()); s != "" {
		return value(dst, p, lwm2m.Str(s))
	}
	return dst, false
}

// text returns the resources that are plain texts.
func (d *Device) text(resource uint16) string {
	switch resource {
	case 0:
		return d.cfg.Manufacturer
	case 1:
		return d.cfg.Model
	case 2:
		return d.cfg.Serial
	case 3:
		if d.version != "" {
			return d.version
		}
		return d.cfg.Firmware
	case 14:
		return d.offset
	case 15:
		return d.zone
	case 17:
		return d.cfg.Type
	case 18:
		return d.cfg.Hardware
	case 19:
		return d.cfg.Software
	}
	return ""
}

func (d *Device) memory() int64 {
	if d.cfg.MemoryTotal > 0 {
		return d.cfg.MemoryTotal
	}
	return 256
}

// status returns resource 20: normal, charging, charge complete, low battery.
func status(level int, charging bool) int64 {
	switch {
	case charging && level == 100:
		return 2
	case charging:
		return 1
	case level <= 20:
		return 4
	}
	return 0
}

// The battery's cycle: 160 steps of half a per cent down from 100 to 20, then 40 steps of two up.
const (
	cycleSteps = 200
	downSteps  = 160
)

// battery returns the level, and whether it is being charged.
func (d *Device) battery(now machine.Time) (level int, charging bool) {
	if d.fixed || d.cfg.BatteryEvery > 0 || d.cfg.BatteryCycle <= 0 {
		return d.level, false
	}
	n, _ := step(now, d.batteryStep())
	n = (n + d.seed%cycleSteps) % cycleSteps
	if n < downSteps {
		return 100 - int(n)/2, false
	}
	return 20 + 2*int(n-downSteps), true
}

func (d *Device) batteryStep() time.Duration {
	return max(d.cfg.BatteryCycle/cycleSteps, time.Second)
}

// NextChange implements client.Mover. The time of day counts only where it is observed itself: an observer of the whole
// device does not want a notification every second.
func (d *Device) NextChange(now machine.Time, p lwm2m.Path) machine.Time {
	moves := func(resources ...uint16) bool {
		for _, r := range resources {
			if p.Depth() < 3 || p.Resource() == r {
				return true
			}
		}
		return false
	}
	next := machine.Never
	if p.Depth() >= 3 && p.Resource() == 13 {
		_, next = step(now, time.Second)
	}
	if moves(7, 9, 20) && d.cfg.BatteryCycle > 0 && d.cfg.BatteryEvery == 0 && !d.fixed {
		_, at := step(now, d.batteryStep())
		next = min(next, at)
	}
	if moves(8, 10) {
		_, at := step(now, time.Minute)
		next = min(next, at)
	}
	return next
}

// Volatile implements client.Volatile: a clock that was set goes on while the device is off, but not here.
func (d *Device) Volatile(resource uint16) bool { return resource == 13 }

// CheckWrite implements client.Writer.
func (d *Device) CheckWrite(_ client.Call, w client.Writing) error {
	s := w.Value().Raw()
	switch w.Resource.Resource() {
	case 14:
		if !validOffset(s) {
			return client.BadRequest("the UTC offset must be like +01:00 (ISO 8601)")
		}
	case 15:
		if len(s) > 64 || strings.ContainsAny(s, " \t\n") {
			return client.BadRequest("the time zone must be a name of the IANA time zone database")
		}
	}
	return nil
}

// validOffset reports whether s is an offset of ISO 8601: Z, +01, +01:00 or +0100.
func validOffset(s string) bool {
	if s == "Z" {
		return true
	}
	if len(s) == 6 && s[3] == ':' {
		s = s[:3] + s[4:]
	}
	if len(s) != 3 && len(s) != 5 || s[0] != '+' && s[0] != '-' {
		return false
	}
	for _, c := range []byte(s[1:]) {
		if c-'0' > 9 {
			return false
		}
	}
	return s[1:3] <= "14" && (len(s) == 3 || s[3:] <= "59")
}

// Write implements client.Writer.
func (d *Device) Write(call client.Call, w client.Writing) {
	v := w.Value()
	switch w.Resource.Resource() {
	case 13:
		n, _ := v.AsInt()
		d.shift = n - call.Now.Unix()
	case 14:
		d.offset = v.Raw()
	case 15:
		d.zone = v.Raw()
	}
}

// Execute implements client.Executer.
func (d *Device) Execute(call client.Call, p lwm2m.Path, _ []client.Argument) error {
	switch p.Resource() {
	case 4, 5:
		d.reboot, d.factory = call.Now.Add(rebootDelay), p.Resource() == 5
	case 12:
		d.errors = nil
	}
	return nil
}

// Deadline implements client.Timed.
func (d *Device) Deadline() machine.Time {
	if d.cfg.BatteryEvery > 0 && d.nextAt == machine.Never {
		return 0 // the first call sets the rhythm
	}
	return min(d.reboot, d.nextAt)
}

// Expire implements client.Timed.
func (d *Device) Expire(call client.Call) (changed []lwm2m.Path) {
	if call.Now >= d.reboot {
		d.reboot = machine.Never
		call.Ask(&client.Reboot{Factory: d.factory})
	}
	if d.cfg.BatteryEvery > 0 && d.nextAt == machine.Never {
		d.nextAt = call.Now.Add(d.cfg.BatteryEvery)
	} else if call.Now >= d.nextAt {
		d.nextAt, d.fixed = call.Now.Add(d.cfg.BatteryEvery), false
		d.level = int(call.Client.Rand().Uint64() % 101)
		call.Emit(&BatteryChanged{d.level})
		changed = append(changed, lwm2m.NewPath(3, 0))
	}
	return changed
}

// Change implements client.Changer: the battery's level, which then stays, and error codes.
func (d *Device) Change(_ client.Call, p lwm2m.Path, v lwm2m.Value) error {
	n, _ := v.AsInt()
	switch p.Resource() {
	case 9:
		d.level, d.fixed = int(n), true
	case 11:
		d.SetError(n)
	default:
		return client.NotAllowed("the resource cannot be set")
	}
	return nil
}
