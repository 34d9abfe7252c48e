package objects

import (
	"encoding/binary"
	"errors"
	"slices"

	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/firmware"
	"heddle.example/machine"
)

// The kinds of record: one with the state, and the package's bytes, each piece under its offset.
const (
	stateKey = 's'
	chunkKey = 'c'
)

// firmwareRecord is the first byte of the state's record.
const firmwareRecord = 1

var errFirmwareRecord = errors.New("objects: the stored state of the firmware update is not readable")

func chunk(offset uint32) []byte { return binary.BigEndian.AppendUint32([]byte{chunkKey}, offset) }

// store puts bytes of the package on disk, at the present offset.
func (f *Firmware) store(b []byte) {
	if len(b) > 0 {
		f.chunks = append(f.chunks, uint32(f.offset))
		f.pending = append(f.pending, client.Kept{Key: chunk(uint32(f.offset)), Value: slices.Clone(b)})
	}
}

// drop takes the package's bytes off the disk.
func (f *Firmware) drop() {
	if f.client.Durable() {
		for _, o := range f.chunks {
			f.pending = append(f.pending, client.Kept{Key: chunk(o)})
		}
	}
	f.chunks = nil
}

// Changes implements client.Keeper.
func (f *Firmware) Changes(dst []client.Kept) []client.Kept {
	dst = append(dst, f.pending...)
	f.pending = nil
	if f.dirty {
		f.dirty = false
		dst = append(dst, client.Kept{Key: []byte{stateKey}, Value: f.appendState(nil)})
	}
	return dst
}

// Kept implements client.Keeper.
func (f *Firmware) Kept(dst []client.Kept) []client.Kept {
	return append(dst, client.Kept{Key: []byte{stateKey}, Value: f.appendState(nil)})
}

// NotKept implements client.Keeper: a download for which there is no room ends.
func (f *Firmware) NotKept(call client.Call) {
	if f.state == FirmwareDownloading {
		f.fail(call, UpdateNoStorage)
	}
}

func (f *Firmware) appendState(dst []byte) []byte {
	pulls := byte(0)
	if f.pulls {
		pulls = 1
	}
	dst = append(dst, firmwareRecord, byte(f.state), byte(f.result), pulls, byte(f.severity))
	dst = binary.BigEndian.AppendUint16(dst, f.server)
	for _, n := range []uint64{uint64(f.offset), uint64(f.size), uint64(f.changedAt), f.deferFor} {
		dst = binary.BigEndian.AppendUint64(dst, n)
	}
	var check []byte
	if f.check != nil {
		check = f.check.Append(nil)
	}
	for _, b := range [][]byte{[]byte(f.uri), f.etag, []byte(f.name), []byte(f.version), []byte(f.installed), check} {
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(b)))
		dst = append(dst, b...)
	}
	return dst
}

// Restore implements client.Keeper.
func (f *Firmware) Restore(key, value []byte) error {
	switch {
	case len(key) == 5 && key[0] == chunkKey:
		o := binary.BigEndian.Uint32(key[1:])
		if i, ok := slices.BinarySearch(f.chunks, o); !ok {
			f.chunks = slices.Insert(f.chunks, i, o)
		}
		return nil
	case len(key) != 1 || key[0] != stateKey:
		return errFirmwareRecord
	}
	const fixed = 5 + 2 + 4*8
	if len(value) < fixed || value[0] != firmwareRecord || UpdateState(value[1]) > FirmwareUpdating {
		return errFirmwareRecord
	}
	u := func(i int) uint64 { return binary.BigEndian.Uint64(value[7+8*i:]) }
	rest := value[fixed:]
	var fields [6][]byte
	for i := range fields {
		if len(rest) < 2 || len(rest) < 2+int(binary.BigEndian.Uint16(rest)) {
			return errFirmwareRecord
		}
		n := 2 + int(binary.BigEndian.Uint16(rest))
		fields[i], rest = rest[2:n], rest[n:]
	}
	f.state, f.result, f.pulls = UpdateState(value[1]), UpdateResult(value[2]), value[3] != 0
	f.severity, f.server = int64(value[4]), binary.BigEndian.Uint16(value[5:])
	f.offset, f.size, f.changedAt, f.deferFor = int64(u(0)), int64(u(1)), machine.Time(u(2)), u(3)
	f.uri, f.etag = string(fields[0]), slices.Clone(fields[1])
	f.name, f.version, f.installed = string(fields[2]), string(fields[3]), string(fields[4])
	f.tellVersion()
	f.booting = true
	var err error
	if f.check = nil; len(fields[5]) > 0 {
		f.check, err = firmware.RestoreVerifier(fields[5])
	}
	if f.state == FirmwareDownloading && (f.check == nil || f.check.Len() != uint64(f.offset)) {
		// Without the check's state nothing can be gone on with. Begin() of the next package cleans up.
		f.state, f.result, f.offset, f.size, f.check = FirmwareIdle, UpdateConnectionLost, 0, -1, nil
	}
	return err
}
