package objects

import (
	"encoding/hex"
	"errors"
	"time"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/firmware"
	"heddle.example/machine"
)

// maxPackage bounds a package where the configuration does not.
const maxPackage = 16 << 20

// set changes State and Update Result and tells who observes them.
func (f *Firmware) set(call client.Call, s UpdateState, r UpdateResult) {
	if s != f.state {
		f.changedAt = call.Now
		call.Changed(f.path.Child(3), f.path.Child(12))
	}
	if r != f.result {
		call.Changed(f.path.Child(5))
	}
	if s != f.state || r != f.result {
		call.Emit(&FirmwareChanged{s, r})
	}
	f.state, f.result = s, r
	if s != FirmwareDownloading {
		f.stallAt = machine.Never
	}
	f.keep(call)
}

// keep notes that the state is to be stored before the answer to the request leaves.
func (f *Firmware) keep(call client.Call) {
	f.dirty = true
	call.Keep()
}

// begin starts a new package. Once a download begins the result is the initial one (appendix E.6).
func (f *Firmware) begin(call client.Call, pulls bool) {
	f.forget(call)
	f.pulls = pulls
	if call.Server != 0 {
		f.server = call.Server
	}
	if !pulls {
		f.uri = ""
		f.stallAt = call.Now.Add(f.pushTimeout())
	}
	f.check = firmware.NewVerifier()
	f.set(call, FirmwareDownloading, UpdateInitial)
}

func (f *Firmware) pushTimeout() time.Duration {
	if f.cfg.PushTimeout > 0 {
		return f.cfg.PushTimeout
	}
	return 15 * time.Minute
}

// forget drops what has come of a package.
func (f *Firmware) forget(call client.Call) {
	if f.name != "" || f.version != "" {
		call.Changed(f.path.Child(6), f.path.Child(7))
	}
	f.drop()
	f.check, f.offset, f.size, f.name, f.version, f.etag = nil, 0, -1, "", "", nil
}

// reset takes a package away, or what has come of one.
func (f *Firmware) reset(call client.Call, r UpdateResult) {
	call.CancelFetch(5)
	f.forget(call)
	f.uri, f.pulls = "", false
	f.set(call, FirmwareIdle, r)
}

// fail ends a download.
func (f *Firmware) fail(call client.Call, r UpdateResult) {
	call.CancelFetch(5)
	f.forget(call)
	f.set(call, FirmwareIdle, r)
}

// fails reports whether a simulated device is to fail in this way now.
func (f *Firmware) fails(r UpdateResult) bool {
	if f.cfg.Fail != r || f.cfg.Fails > 0 && f.failures >= f.cfg.Fails {
		return false
	}
	f.failures++
	return true
}

// take takes in the bytes that follow and returns the result: the initial one while all is well.
func (f *Firmware) take(call client.Call, b []byte, last bool) UpdateResult {
	r := f.accept(b, last)
	if r != UpdateInitial {
		f.fail(call, r)
		return r
	}
	if f.client.Durable() {
		f.store(b)
	}
	f.offset += int64(len(b))
	f.keep(call)
	if last {
		if h, ok := f.check.Header(); ok {
			f.name, f.version = h.Name, h.Version
		}
		f.size = f.offset
		call.Changed(f.path.Child(6), f.path.Child(7))
		f.set(call, FirmwareDownloaded, UpdateInitial)
	}
	return UpdateInitial
}

// accept says what is wrong with a package after these bytes.
func (f *Firmware) accept(b []byte, last bool) UpdateResult {
	most := f.cfg.MaxSize
	if most <= 0 {
		most = maxPackage
	}
	if f.size > most || f.offset+int64(len(b)) > most || f.fails(UpdateNoStorage) {
		return UpdateNoStorage
	}
	for _, r := range []UpdateResult{UpdateNoMemory, UpdateUnsupportedType} {
		if f.fails(r) {
			return r
		}
	}
	if !last && f.offset > 0 && f.fails(UpdateConnectionLost) {
		return UpdateConnectionLost
	}
	err := f.check.Write(b)
	if err == nil && last {
		err = f.check.Finish()
	}
	switch {
	case errors.Is(err, firmware.ErrType):
		return UpdateUnsupportedType
	case err != nil:
		return UpdateIntegrity
	case f.check.Size() > uint64(most):
		return UpdateNoStorage
	case f.check.Raw() && f.cfg.Packed:
		return UpdateUnsupportedType
	case last && f.fails(UpdateIntegrity):
		return UpdateIntegrity
	}
	return UpdateInitial
}

// newVersion is what 3/0/3 says once the package is installed: its version, or, where it has none, its digest.
func (f *Firmware) newVersion() string {
	if f.version != "" || f.check == nil {
		return f.version
	}
	d := f.check.Digest()
	return "sha256-" + hex.EncodeToString(d[:6])
}

// tellVersion gives 3/0/3 the version that an update has installed.
func (f *Firmware) tellVersion() {
	if f.device != nil {
		f.device.SetFirmware(f.installed)
	}
}

// Deadline implements client.Timed.
func (f *Firmware) Deadline() machine.Time {
	if f.booting {
		return 0
	}
	return min(f.updateAt, f.stallAt)
}

// Expire implements client.Timed.
func (f *Firmware) Expire(call client.Call) []lwm2m.Path {
	if f.booting {
		f.booting = false
		f.boot(call)
	}
	if call.Now >= f.stallAt {
		f.stallAt = machine.Never
		f.fail(call, UpdateConnectionLost)
	}
	if call.Now >= f.updateAt {
		f.updateAt = machine.Never
		if f.fails(UpdateFailed) {
			f.set(call, FirmwareDownloaded, UpdateFailed)
		} else {
			// The package is in its place. The new firmware says so after the reboot: see boot.
			call.Ask(&client.Reboot{})
		}
	}
	return nil
}

// boot goes on where the device was when it went down.
func (f *Firmware) boot(call client.Call) {
	switch f.state {
	case FirmwareUpdating:
		// This is the new firmware. The power may have failed before the installation was through; a boot loader then
		// finishes it before anything else runs.
		f.installed = f.newVersion()
		f.tellVersion()
		f.drop()
		f.check = nil
		f.set(call, FirmwareIdle, UpdateSuccess)
	case FirmwareDownloading:
		if !f.pulls {
			f.stallAt = call.Now.Add(f.pushTimeout())
			return
		}
		if u, err := client.ParseFetchURI(f.uri); err == nil {
			f.fetch(call, u)
		} else {
			f.fail(call, UpdateInvalidURI)
		}
	}
}
