package client_test

import (
	"bytes"
	"crypto/sha256"
	"testing"
	"time"

	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/client/objects"
	"heddle.example/lwm2m/firmware"
)

// testPackage is a container of 160 bytes: version 2.0 of "lamp".
func testPackage() []byte {
	image := bytes.Repeat([]byte("0123456789"), 11)[:101]
	h := firmware.Header{Name: "lamp", Version: "2.0", Image: uint64(len(image)), Digest: sha256.Sum256(image)}
	b, err := h.Append(nil)
	if err != nil {
		panic(err)
	}
	return append(b, image...)
}

// firmwareScript is the script of a registered device with object 5.
func firmwareScript(t *testing.T, change func(*objects.FirmwareConfig)) *script {
	return firmwareScriptWith(t, change, nil)
}

func firmwareScriptWith(t *testing.T, change func(*objects.FirmwareConfig), config func(*client.Config)) *script {
	t.Helper()
	return firmwareBoot(t, change, config).registered()
}

func firmwareBoot(t *testing.T, change func(*objects.FirmwareConfig), config func(*client.Config)) *script {
	t.Helper()
	cfg := objects.FirmwareConfig{Attempts: 3}
	if change != nil {
		change(&cfg)
	}
	d := objects.NewDevice(&testDevice)
	s := newScript(t, func(c *client.Config) {
		c.Objects = []client.Object{d, objects.NewFirmware(&cfg, d)}
		c.Servers[0].Lifetime = 24 * time.Hour // so that no Update comes in between
		if config != nil {
			config(c)
		}
	})
	s.pkg = testPackage()
	return s
}

const (
	pushed = `
		> PUT /5/0/0 ct=42 block1=0/true/64 size1=160 : part:0:64
		! FirmwareChanged{State:downloading Result:0}
		< ACK 2.31 Block1=0/true/64
		> PUT /5/0/0 ct=42 block1=1/true/64 : part:64:64
		< ACK 2.31 Block1=1/true/64
		> PUT /5/0/0 ct=42 block1=2/false/64 : part:128:64
		! FirmwareChanged{State:downloaded Result:0}
		! Written{Server:123 Path:/5/0/0}
		< ACK 2.04 Block1=2/false/64
	`
	pulled = `
		> PUT /5/0/1 ct=0 : coap://192.0.2.1/fw/7
		! FirmwareChanged{State:downloading Result:0}
		! Written{Server:123 Path:/5/0/1}
		< CON GET /fw/7 Block2=0/false/1024
		< ACK 2.04
	`
)

func TestETS_751_QueryFirmware(t *testing.T) {
	firmwareScript(t, nil).run(`
		> GET /5/0 accept=11542
		< ACK 2.05 ct=11542 : /5/0/1= /5/0/3=0 /5/0/5=0 /5/0/8/0=0 /5/0/9=2
	`)
}

func TestETS_755_WritePackage(t *testing.T) {
	firmwareScript(t, nil).run(`
		> PUT /5/0/0 ct=42 : hex:00
		! Written{Server:123 Path:/5/0/0}
		< ACK 2.04
		> GET /5/0 accept=11542
		< ACK 2.05 ct=11542 : /5/0/1= /5/0/3=0 /5/0/5=0 /5/0/8/0=0 /5/0/9=2
	`, pushed, `
		> GET /5/0 accept=11542
		< ACK 2.05 ct=11542 : /5/0/1= /5/0/3=2 /5/0/5=0 /5/0/6=lamp /5/0/7=2.0 /5/0/8/0=0 /5/0/9=2
	`)
}

// A whole package in one message, and one among other values.
func TestETS_755_WritePackageAtOnce(t *testing.T) {
	firmwareScript(t, nil).run(`
		> PUT /5/0/0 ct=42 : part:0:160
		! FirmwareChanged{State:downloading Result:0}
		! FirmwareChanged{State:downloaded Result:0}
		! Written{Server:123 Path:/5/0/0}
		< ACK 2.04
		> PUT /5/0/0 ct=42 : hex:
		! FirmwareChanged{State:idle Result:0}
		! Written{Server:123 Path:/5/0/0}
		< ACK 2.04
		> GET /5/0/3 accept=0
		< ACK 2.05 ct=0 : 0
		> PUT /5/0/0 ct=0 : AQID
		! FirmwareChanged{State:downloading Result:0}
		! FirmwareChanged{State:downloaded Result:0}
		! Written{Server:123 Path:/5/0/0}
		< ACK 2.04
		> GET /5/0/3 accept=0
		< ACK 2.05 ct=0 : 2
	`)
}

func TestETS_756_WritePackageURI(t *testing.T) {
	firmwareScript(t, nil).run(`
		> PUT /5/0/1 ct=0
		! Written{Server:123 Path:/5/0/1}
		< ACK 2.04
	`, pulled, `
		> 2.05 block2=0/true/64 etag=a size2=160 : part:0:64
		< CON GET /fw/7 Block2=1/false/64
		> 2.05 block2=1/true/64 etag=a : part:64:64
		< CON GET /fw/7 Block2=2/false/64
		> 2.05 block2=2/false/64 etag=a : part:128:64
		! FirmwareChanged{State:downloaded Result:0}
		> GET /5/0 accept=11542
		< ACK 2.05 ct=11542 : /5/0/1=coap://192.0.2.1/fw/7 /5/0/3=2 /5/0/5=0 /5/0/6=lamp /5/0/7=2.0 /5/0/8/0=0 /5/0/9=2
	`)
}

func TestETS_760_ObserveState(t *testing.T) {
	firmwareScript(t, nil).run(`
		> PUT /5/0?pmin=2&pmax=10
		< ACK 2.04
		> GET /5/0/3 observe=0 accept=0
		! Observed{Server:123 Path:/5/0/3 Began:true}
		< ACK 2.05 observe ct=0 : 0
	`, pushed, `
		+3s
		< @2s NON 2.05 token=t2 observe ct=0 : 2
		> ACK
	`)
}

func TestETS_770_UpdateByPush(t *testing.T) {
	firmwareScript(t, nil).run(`
		> GET /5/0/5 observe=0 accept=0
		! Observed{Server:123 Path:/5/0/5 Began:true}
		< ACK 2.05 observe ct=0 : 0
	`, pushed, `
		> POST /5/0/2
		! FirmwareChanged{State:updating Result:0}
		! Executed{Server:123 Path:/5/0/2}
		< ACK 2.04
		> GET /5/0/3 accept=0
		< ACK 2.05 ct=0 : 3
		+2s
		? @2s Reboot{Factory:false}
	`)
}

func TestETS_772_UpdateWithoutPackage(t *testing.T) {
	firmwareScript(t, nil).run(`
		> POST /5/0/2
		< ACK 4.05 : there is no downloaded package to install
		> GET /5/0/3 accept=0
		< ACK 2.05 ct=0 : 0
		> GET /5/0/5 accept=0
		< ACK 2.05 ct=0 : 0
	`)
}

func TestETS_773_StorageShortage(t *testing.T) {
	// The server says how large it is, so that not a byte is taken in vain.
	firmwareScript(t, func(c *objects.FirmwareConfig) { c.MaxSize = 100 }).run(`
		> PUT /5/0/0 ct=42 block1=0/true/64 size1=160 : part:0:64
		! FirmwareChanged{State:downloading Result:0}
		! FirmwareChanged{State:idle Result:2}
		< ACK 4.13 Block1=0/true/64 : the package is too large for this device
		> GET /5/0/5 accept=0
		< ACK 2.05 ct=0 : 2
		> GET /5/0/3 accept=0
		< ACK 2.05 ct=0 : 0
	`)
	// The package says it in its header.
	firmwareScript(t, func(c *objects.FirmwareConfig) { c.MaxSize = 100 }).run(`
		> PUT /5/0/0 ct=42 block1=0/true/64 : part:0:64
		! FirmwareChanged{State:downloading Result:0}
		! FirmwareChanged{State:idle Result:2}
		< ACK 4.13 Block1=0/true/64 : the package is too large for this device
	`)
	// Nobody says it.
	s := firmwareScript(t, func(c *objects.FirmwareConfig) { c.MaxSize = 100 })
	s.pkg = bytes.Repeat([]byte("x"), 160)
	s.run(`
		> PUT /5/0/0 ct=42 block1=0/true/64 : part:0:64
		! FirmwareChanged{State:downloading Result:0}
		< ACK 2.31 Block1=0/true/64
		> PUT /5/0/0 ct=42 block1=1/true/64 : part:64:64
		! FirmwareChanged{State:idle Result:2}
		< ACK 4.13 Block1=1/true/64 : the package is too large for this device
		> PUT /5/0/0 ct=42 block1=2/false/64 : part:128:64
		< ACK 4.08 Block1=2/false/64 : a block before this one is missing
	`)
	firmwareScript(t, func(c *objects.FirmwareConfig) { c.MaxSize = 100 }).run(pulled, `
		> 2.05 block2=0/true/64 etag=a size2=160 : part:0:64
		! FirmwareChanged{State:idle Result:2}
		> GET /5/0/5 accept=0
		< ACK 2.05 ct=0 : 2
	`)
}

func TestETS_774_OutOfMemory(t *testing.T) {
	firmwareScript(t, func(c *objects.FirmwareConfig) { c.Fail = objects.UpdateNoMemory }).run(`
		> PUT /5/0/0 ct=42 block1=0/true/64 size1=160 : part:0:64
		! FirmwareChanged{State:downloading Result:0}
		! FirmwareChanged{State:idle Result:3}
		< ACK 5.00 Block1=0/true/64 : the device could not take in the package
		> GET /5/0/5 accept=0
		< ACK 2.05 ct=0 : 3
	`)
}

func TestETS_775_ConnectionLost(t *testing.T) {
	// The answers stop.
	firmwareScript(t, nil).run(pulled, `
		> 2.05 block2=0/true/64 etag=a size2=160 : part:0:64
		< CON GET /fw/7 Block2=1/false/64
		+10m
		< @2.398s CON GET /fw/7 Block2=1/false/64
		< @7.195s CON GET /fw/7 Block2=1/false/64
		< @16.789s CON GET /fw/7 Block2=1/false/64
		< @35.977s CON GET /fw/7 Block2=1/false/64
		< @1m15.353s CON GET /fw/7 Block2=1/false/64
		< @1m17.455s CON GET /fw/7 Block2=1/false/64
		< @1m21.659s CON GET /fw/7 Block2=1/false/64
		< @1m30.068s CON GET /fw/7 Block2=1/false/64
		< @1m46.885s CON GET /fw/7 Block2=1/false/64
		< @2m22.518s CON GET /fw/7 Block2=1/false/64
		< @2m24.781s CON GET /fw/7 Block2=1/false/64
		< @2m29.307s CON GET /fw/7 Block2=1/false/64
		< @2m38.359s CON GET /fw/7 Block2=1/false/64
		< @2m56.463s CON GET /fw/7 Block2=1/false/64
		! @3m32.671s FirmwareChanged{State:idle Result:4}
		> GET /5/0/3 accept=0
		< ACK 2.05 ct=0 : 0
		> GET /5/0/5 accept=0
		< ACK 2.05 ct=0 : 4
	`)
	// A push that stands still.
	firmwareScript(t, nil).run(`
		> PUT /5/0/0 ct=42 block1=0/true/64 size1=160 : part:0:64
		! FirmwareChanged{State:downloading Result:0}
		< ACK 2.31 Block1=0/true/64
		+16m
		! @15m0s FirmwareChanged{State:idle Result:4}
	`)
}

func TestETS_776_IntegrityFailure(t *testing.T) {
	s := firmwareScript(t, nil)
	s.pkg[150] ^= 1
	s.run(`
		> PUT /5/0/0 ct=42 block1=0/true/64 size1=160 : part:0:64
		! FirmwareChanged{State:downloading Result:0}
		< ACK 2.31 Block1=0/true/64
		> PUT /5/0/0 ct=42 block1=1/true/64 : part:64:64
		< ACK 2.31 Block1=1/true/64
		> PUT /5/0/0 ct=42 block1=2/false/64 : part:128:64
		! FirmwareChanged{State:idle Result:5}
		! Written{Server:123 Path:/5/0/0}
		< ACK 2.04 Block1=2/false/64
		> GET /5/0/5 accept=0
		< ACK 2.05 ct=0 : 5
	`)
	// A damaged header is seen at once.
	s = firmwareScript(t, nil)
	s.pkg[50] ^= 1
	s.run(`
		> PUT /5/0/0 ct=42 block1=0/true/64 size1=160 : part:0:64
		! FirmwareChanged{State:downloading Result:0}
		! FirmwareChanged{State:idle Result:5}
		< ACK 4.00 Block1=0/true/64 : this is not a package for this device
	`)
}

func TestETS_777_UnsupportedPackageType(t *testing.T) {
	s := firmwareScript(t, nil)
	s.pkg[4] = 9
	s.run(pulled, `
		> 2.05 block2=0/true/64 etag=a size2=160 : part:0:64
		! FirmwareChanged{State:idle Result:6}
		> GET /5/0/5 accept=0
		< ACK 2.05 ct=0 : 6
	`)
	firmwareScript(t, func(c *objects.FirmwareConfig) { c.Packed = true }).run(`
		> PUT /5/0/0 ct=42 : hex:0102030405
		! FirmwareChanged{State:downloading Result:0}
		! FirmwareChanged{State:idle Result:6}
		! Written{Server:123 Path:/5/0/0}
		< ACK 2.04
	`)
}

func TestETS_778_InvalidURI(t *testing.T) {
	firmwareScript(t, nil).run(`
		> PUT /5/0/1 ct=0 : nonsense
		! FirmwareChanged{State:downloading Result:0}
		! FirmwareChanged{State:idle Result:7}
		! Written{Server:123 Path:/5/0/1}
		< ACK 2.04
		> GET /5/0/5 accept=0
		< ACK 2.05 ct=0 : 7
		# the host knows of nothing there
	`, pulled, `
		> 4.04
		! FirmwareChanged{State:idle Result:7}
		> GET /5/0/5 accept=0
		< ACK 2.05 ct=0 : 7
	`)
}

func TestETS_779_InstallationFailure(t *testing.T) {
	firmwareScript(t, func(c *objects.FirmwareConfig) { c.Fail, c.Fails = objects.UpdateFailed, 1 }).run(pushed, `
		> POST /5/0/2
		! FirmwareChanged{State:updating Result:0}
		! Executed{Server:123 Path:/5/0/2}
		< ACK 2.04
		+2s
		! @2s FirmwareChanged{State:downloaded Result:8}
		> GET /5/0/3 accept=0
		< ACK 2.05 ct=0 : 2
		> GET /5/0/5 accept=0
		< ACK 2.05 ct=0 : 8
		> GET /3/0/3 accept=0
		< ACK 2.05 ct=0 : 1.0
		# the package is there still
		> POST /5/0/2
		! FirmwareChanged{State:updating Result:0}
		! Executed{Server:123 Path:/5/0/2}
		< ACK 2.04
		+2s
		? @4s Reboot{Factory:false}
	`)
}

func TestETS_780_UnsupportedProtocol(t *testing.T) {
	firmwareScript(t, nil).run(`
		> PUT /5/0/1 ct=0 : http://192.0.2.1/fw/7
		! FirmwareChanged{State:downloading Result:0}
		! FirmwareChanged{State:idle Result:9}
		! Written{Server:123 Path:/5/0/1}
		< ACK 2.04
		> GET /5/0/5 accept=0
		< ACK 2.05 ct=0 : 9
		> PUT /5/0/1 ct=0 : coap+tcp://192.0.2.1/fw/7
		! FirmwareChanged{State:downloading Result:0}
		! FirmwareChanged{State:idle Result:9}
		! Written{Server:123 Path:/5/0/1}
		< ACK 2.04
		# no credentials for DTLS
		> PUT /5/0/1 ct=0 : coaps://192.0.2.1/fw/7
		! FirmwareChanged{State:downloading Result:0}
		! FirmwareChanged{State:idle Result:9}
		! Written{Server:123 Path:/5/0/1}
		< ACK 2.04
	`)
}

func TestFirmwarePushGoesOnAfterABreak(t *testing.T) {
	firmwareScript(t, nil).run(`
		> PUT /5/0/0 ct=42 block1=1/true/64 : part:64:64
		< ACK 4.08 Block1=1/true/64 : a block before this one is missing
		> PUT /5/0/0 ct=42 block1=0/true/64 size1=160 : part:0:64
		! FirmwareChanged{State:downloading Result:0}
		< ACK 2.31 Block1=0/true/64
		# one block too far, then one that came before, then the right one
		> PUT /5/0/0 ct=42 block1=2/false/64 : part:128:64
		< ACK 4.08 Block1=2/false/64 : a block before this one is missing
		> PUT /5/0/0 ct=42 block1=0/true/64 : part:0:64
		< ACK 2.31 Block1=0/true/64
		+5m
		> PUT /5/0/0 ct=42 block1=1/true/64 : part:64:64
		< ACK 2.31 Block1=1/true/64
		# in smaller blocks now
		> PUT /5/0/0 ct=42 block1=8/true/16 : part:128:16
		< ACK 2.31 Block1=8/true/16
		> PUT /5/0/0 ct=42 block1=9/false/16 : part:144:16
		! FirmwareChanged{State:downloaded Result:0}
		! Written{Server:123 Path:/5/0/0}
		< ACK 2.04 Block1=9/false/16
		> GET /5/0/7 accept=0
		< ACK 2.05 ct=0 : 2.0
	`)
}

func TestFirmwarePullGoesOnAfterABreak(t *testing.T) {
	firmwareScript(t, nil).run(pulled, `
		> 2.05 block2=0/true/64 etag=a size2=160 : part:0:64
		< CON GET /fw/7 Block2=1/false/64
		> 5.03
		+1s
		< @1s CON GET /fw/7 Block2=1/false/64
		> 2.05 block2=1/true/64 etag=a : part:64:64
		< CON GET /fw/7 Block2=2/false/64
		> 2.05 block2=2/false/64 etag=a : part:128:64
		! FirmwareChanged{State:downloaded Result:0}
	`)
}

// Another package is there now: what has come of the first one does not count.
func TestFirmwarePullWithAnotherETag(t *testing.T) {
	firmwareScript(t, nil).run(pulled, `
		> 2.05 block2=0/true/64 etag=a size2=160 : part:0:64
		< CON GET /fw/7 Block2=1/false/64
		> 2.05 block2=1/true/64 etag=b : part:64:64
		< CON GET /fw/7 Block2=0/false/64
		> 2.05 block2=0/true/64 etag=b size2=160 : part:0:64
		< CON GET /fw/7 Block2=1/false/64
		> 2.05 block2=1/true/64 etag=b : part:64:64
		< CON GET /fw/7 Block2=2/false/64
		> 2.05 block2=2/false/64 etag=b : part:128:64
		! FirmwareChanged{State:downloaded Result:0}
	`)
}

// A host that changes the package with every block is left alone.
func TestFirmwarePullOfAMovingTarget(t *testing.T) {
	firmwareScript(t, nil).run(pulled, `
		> 2.05 block2=0/true/64 etag=a : part:0:64
		< CON GET /fw/7 Block2=1/false/64
		> 2.05 block2=1/true/64 etag=b : part:64:64
		< CON GET /fw/7 Block2=0/false/64
		> 2.05 block2=0/true/64 etag=b : part:0:64
		< CON GET /fw/7 Block2=1/false/64
		> 2.05 block2=1/true/64 etag=c : part:64:64
		< CON GET /fw/7 Block2=0/false/64
		> 2.05 block2=0/true/64 etag=c : part:0:64
		< CON GET /fw/7 Block2=1/false/64
		> 2.05 block2=1/true/64 etag=d : part:64:64
		< CON GET /fw/7 Block2=0/false/64
		> 2.05 block2=0/true/64 etag=d : part:0:64
		< CON GET /fw/7 Block2=1/false/64
		> 2.05 block2=1/true/64 etag=e : part:64:64
		! FirmwareChanged{State:idle Result:4}
	`)
}

// Blocks that are not what was asked for do no harm.
func TestFirmwarePullOfWrongBlocks(t *testing.T) {
	firmwareScript(t, nil).run(pulled, `
		> 2.05 block2=0/true/64 etag=a size2=160 : part:0:64
		< CON GET /fw/7 Block2=1/false/64
		# too far, too short, and the same again
		> 2.05 block2=2/true/64 etag=a : part:64:64
		+1s
		< @1s CON GET /fw/7 Block2=1/false/64
		> 2.05 block2=1/true/64 etag=a : part:64:60
		+2s
		< @3s CON GET /fw/7 Block2=1/false/64
		> 2.05 block2=0/true/64 etag=a : part:0:64
		! FirmwareChanged{State:idle Result:4}
		> GET /5/0/5 accept=0
		< ACK 2.05 ct=0 : 4
	`)
}

func TestFirmwareCancel(t *testing.T) {
	firmwareScript(t, nil).run(pulled, `
		> 2.05 block2=0/true/64 etag=a size2=160 : part:0:64
		< CON GET /fw/7 Block2=1/false/64
		# a second package meanwhile is none
		> PUT /5/0/1 ct=0 : coap://192.0.2.1/fw/8
		< ACK 4.05 : there is a package already: an empty Package or Package URI takes it away
		> PUT /5/0/0 ct=42 : hex:0102
		< ACK 4.05 : there is a package already: an empty Package or Package URI takes it away
		> PUT /5/0/1 ct=0
		! FirmwareChanged{State:idle Result:0}
		! Written{Server:123 Path:/5/0/1}
		< ACK 2.04
		> GET /5/0 accept=11542
		< ACK 2.05 ct=11542 : /5/0/1= /5/0/3=0 /5/0/5=0 /5/0/8/0=0 /5/0/9=2
		+5m
	`)
	firmwareScript(t, nil).run(pushed, `
		> PUT /5/0/0 ct=42 : hex:00
		! FirmwareChanged{State:idle Result:0}
		! Written{Server:123 Path:/5/0/0}
		< ACK 2.04
		> POST /5/0/2
		< ACK 4.05 : there is no downloaded package to install
	`)
	// While it installs nothing can be taken back.
	firmwareScript(t, nil).run(pushed, `
		> POST /5/0/2
		! FirmwareChanged{State:updating Result:0}
		! Executed{Server:123 Path:/5/0/2}
		< ACK 2.04
		> PUT /5/0/0 ct=42 : hex:00
		< ACK 4.05 : the device is installing a package
		> PUT /5/0/1 ct=0
		< ACK 4.05 : the device is installing a package
		> POST /5/0/2
		< ACK 4.05 : there is no downloaded package to install
	`)
}

func TestFirmwareCancelOfVersion11(t *testing.T) {
	firmwareScript(t, func(c *objects.FirmwareConfig) { c.Version = lwm2m.V1_1 }).run(`
		> POST /5/0/10
		< ACK 4.05 : there is nothing to cancel
	`, pushed, `
		> PUT /5/0/11 ct=0 : 2
		! Written{Server:123 Path:/5/0/11}
		< ACK 2.04
		> POST /5/0/10
		! FirmwareChanged{State:idle Result:10}
		! Executed{Server:123 Path:/5/0/10}
		< ACK 2.04
		> GET /5/0 accept=11542
		< ACK 2.05 ct=11542 : /5/0/1= /5/0/3=0 /5/0/5=10 /5/0/8/0=0 /5/0/9=2 /5/0/11=2 /5/0/12=2026-01-01T00:00:00Z /5/0/13=0
	`)
}

func TestFirmwareDeliveryMethod(t *testing.T) {
	firmwareScript(t, func(c *objects.FirmwareConfig) { c.Delivery = objects.PullOnly }).run(`
		> PUT /5/0/0 ct=42 block1=0/true/64 size1=160 : part:0:64
		< ACK 4.05 Block1=0/true/64 : this device only fetches packages: write Package URI
		> GET /5/0/9 accept=0
		< ACK 2.05 ct=0 : 0
	`)
	firmwareScript(t, func(c *objects.FirmwareConfig) { c.Delivery = objects.PushOnly }).run(`
		> PUT /5/0/1 ct=0 : coap://192.0.2.1/fw/7
		< ACK 4.05 : this device does not fetch packages: write Package
		> GET /5/0/9 accept=0
		< ACK 2.05 ct=0 : 1
	`)
}

// Blocks that contradict themselves never reach the object.
func TestFirmwareHostileBlocks(t *testing.T) {
	firmwareScript(t, nil).run(`
		> PUT /5/0/0 ct=42 block1=0/true/64 : part:0:63
		< ACK 4.00 : malformed block
		> PUT /5/0/0 ct=42 block1=0/true/64 : part:0:65
		< ACK 4.00 : malformed block
		> PUT /5/0/0 ct=42 block1=0/false/16 : part:0:17
		< ACK 4.00 : malformed block
		> PUT /5/0/0 ct=42 block1=1048575/true/1024 : big:1024
		< ACK 4.08 Block1=1048575/true/1024 : a block before this one is missing
		> PUT /5/0/1 ct=42 block1=0/true/16 : part:0:16
		< ACK 2.31 Block1=0/true/16
		> GET /5/0/3 accept=0
		< ACK 2.05 ct=0 : 0
		# from the middle of nowhere, and the last block alone
		> PUT /5/0/0 ct=42 block1=7/false/64 : part:0:64
		< ACK 4.08 Block1=7/false/64 : a block before this one is missing
		# a beginning, and nothing but beginnings
		> PUT /5/0/0 ct=42 block1=0/true/16 : part:0:16
		! FirmwareChanged{State:downloading Result:0}
		< ACK 2.31 Block1=0/true/16
		> PUT /5/0/0 ct=42 block1=0/true/16 : part:0:16
		< ACK 2.31 Block1=0/true/16
		> PUT /5/0/0 ct=42 block1=0/true/16 : part:16:16
		< ACK 2.31 Block1=0/true/16
		+20m
		! @15m0s FirmwareChanged{State:idle Result:4}
	`)
}

// rebooted is the script of the same device after a power cut, with what was on its disk.
func (s *script) rebooted(t *testing.T, change func(*objects.FirmwareConfig)) *script {
	t.Helper()
	n := firmwareBoot(t, change, func(c *client.Config) { c.Durable = true })
	n.now, n.begin = s.now, s.begin
	for _, r := range s.disk {
		if err := n.c.Restore(n.now, r.Table, r.Key, r.Value); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

func TestFirmwarePushOverAPowerCut(t *testing.T) {
	s := firmwareScriptWith(t, nil, func(c *client.Config) { c.Durable = true })
	s.run(`
		> PUT /5/0/0 ct=42 block1=0/true/64 size1=160 : part:0:64
		! FirmwareChanged{State:downloading Result:0}
		! persist 2 records
		< ACK 2.31 Block1=0/true/64
		> PUT /5/0/0 ct=42 block1=1/true/64 : part:64:64
		! persist 2 records
		< ACK 2.31 Block1=1/true/64
	`)
	s = s.rebooted(t, nil).registered()
	s.run(`
		> GET /5/0/3 accept=0
		< ACK 2.05 ct=0 : 1
		> PUT /5/0/0 ct=42 block1=2/false/64 : part:128:64
		! FirmwareChanged{State:downloaded Result:0}
		! Written{Server:123 Path:/5/0/0}
		! persist 2 records
		< ACK 2.04 Block1=2/false/64
		> POST /5/0/2
		! FirmwareChanged{State:updating Result:0}
		! Executed{Server:123 Path:/5/0/2}
		! persist 1 records
		< ACK 2.04
	`)
	// The power fails while it installs.
	s = s.rebooted(t, nil)
	s.run(`
		start
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=86400 ct=40 : (links),</5/0>
		! STATE_REGISTERING
		> 2.01 /rd/2
		! registered at 123: /rd/2, version 1.1
		! persist 1 records
		! STATE_READY
		+1s
		! @0s FirmwareChanged{State:idle Result:1}
		! @0s persist 2 records
		> GET /5/0 accept=11542
		< ACK 2.05 ct=11542 : /5/0/1= /5/0/3=0 /5/0/5=1 /5/0/6=lamp /5/0/7=2.0 /5/0/8/0=0 /5/0/9=2
		> GET /3/0/3 accept=0
		< ACK 2.05 ct=0 : 2.0
	`)
	s = s.rebooted(t, nil).registered()
	s.run(`
		+1s
		> GET /5/0/5 accept=0
		< ACK 2.05 ct=0 : 1
		> GET /3/0/3 accept=0
		< ACK 2.05 ct=0 : 2.0
	`)
}

func TestETS_771_UpdateByPullOverAPowerCut(t *testing.T) {
	s := firmwareScriptWith(t, nil, func(c *client.Config) { c.Durable = true })
	s.run(`
		> PUT /5/0/1 ct=0 : coap://192.0.2.1/fw/7
		! FirmwareChanged{State:downloading Result:0}
		! Written{Server:123 Path:/5/0/1}
		< CON GET /fw/7 Block2=0/false/1024
		! persist 1 records
		< ACK 2.04
		> 2.05 block2=0/true/64 etag=a size2=160 : part:0:64
		< CON GET /fw/7 Block2=1/false/64
		! persist 2 records
	`)
	s = s.rebooted(t, nil)
	s.run(`
		start
		< CON POST /rd?lwm2m=1.1&ep=demo&lt=86400 ct=40 : (links),</5/0>
		! STATE_REGISTERING
		> 2.01 /rd/2
		! registered at 123: /rd/2, version 1.1
		! STATE_READY
		+1s
		< @0s CON GET /fw/7 Block2=0/false/1024
		> 2.05 block2=1/true/64 etag=a : part:64:64
		< CON GET /fw/7 Block2=2/false/64
		! persist 2 records
		> 2.05 block2=2/false/64 etag=a : part:128:64
		! FirmwareChanged{State:downloaded Result:0}
		! persist 2 records
		> POST /5/0/2
		! FirmwareChanged{State:updating Result:0}
		! Executed{Server:123 Path:/5/0/2}
		! persist 1 records
		< ACK 2.04
		+2s
		? @3s Reboot{Factory:false}
	`)
	s = s.rebooted(t, nil).registered()
	s.run(`
		+1s
		! @3s FirmwareChanged{State:idle Result:1}
		! @3s persist 3 records
		> GET /5/0/5 accept=0
		< ACK 2.05 ct=0 : 1
		> GET /3/0/3 accept=0
		< ACK 2.05 ct=0 : 2.0
	`)
}

// A disk without room for the package is a device without storage.
func TestFirmwareOnAFullDisk(t *testing.T) {
	firmwareScriptWith(t, nil, func(c *client.Config) { c.Durable = true }).run(`
		> PUT /5/0/0 ct=42 block1=0/true/64 size1=160 : part:0:64
		! FirmwareChanged{State:downloading Result:0}
		! persist 2 records
		< ACK 2.31 Block1=0/true/64
		notpersisted
		! FirmwareChanged{State:idle Result:2}
		! persist 4 records
		> GET /5/0/5 accept=0
		< ACK 2.05 ct=0 : 2
	`)
}

// A server without the right to write sends no package, not even by blocks.
func TestFirmwareNeedsTheRightToWrite(t *testing.T) {
	d := objects.NewDevice(&testDevice)
	s := aclScript(t, []client.AccessControl{{Object: 5, Instance: 0, Owner: 2, Rights: []client.ServerRights{{Server: 123, Rights: client.RightRead}}}}, objects.NewFirmware(&objects.FirmwareConfig{}, d))
	s.pkg = testPackage()
	s.run(`
		> PUT /5/0/0 ct=42 block1=0/true/64 size1=160 : part:0:64
		< ACK 4.01 Block1=0/true/64 : this server has no right to do so
		> PUT /5/0/0 ct=42 : part:0:160
		< ACK 4.01 : this server has no right to do so
		> PUT /5/0/1 ct=0 : coap://192.0.2.1/fw/7
		< ACK 4.01 : this server has no right to do so
		> GET /5/0/3 accept=0
		< ACK 2.05 ct=0 : 0
	`)
}
