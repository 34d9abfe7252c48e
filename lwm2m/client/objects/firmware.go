package objects

import (
	"errors"
	"slices"
	"time"

	"heddle.example/coap"
	"heddle.example/lwm2m"
	"heddle.example/lwm2m/client"
	"heddle.example/lwm2m/firmware"
	"heddle.example/machine"
)

// FirmwareDefinition is object 5, version 1.0: that of LwM2M 1.0 and 1.1.
var FirmwareDefinition = client.Definition{ID: 5, Name: "Firmware Update", Version: lwm2m.V1_0, Resources: firmwareResources[:9]}

// Firmware11Definition is object 5, version 1.1, which can be cancelled and says when its state changed.
var Firmware11Definition = client.Definition{ID: 5, Name: "Firmware Update", Version: lwm2m.V1_1, Resources: firmwareResources}

// maxInline bounds a package that comes as a value among others, in TLV or SenML, where it has to be in memory.
const maxInline = 1 << 20

var firmwareResources = []client.Resource{
	{ID: 0, Name: "Package", Kind: lwm2m.Opaque, Operations: wo, Mandatory: true, Max: maxInline},
	{ID: 1, Name: "Package URI", Kind: lwm2m.String, Operations: rw, Mandatory: true, Max: 255},
	{ID: 2, Name: "Update", Operations: ex, Mandatory: true},
	{ID: 3, Name: "State", Kind: lwm2m.Integer, Operations: ro, Mandatory: true, Max: 3},
	{ID: 5, Name: "Update Result", Kind: lwm2m.Integer, Operations: ro, Mandatory: true, Max: 11},
	{ID: 6, Name: "PkgName", Kind: lwm2m.String, Operations: ro, Max: 255},
	{ID: 7, Name: "PkgVersion", Kind: lwm2m.String, Operations: ro, Max: 255},
	{ID: 8, Name: "Firmware Update Protocol Support", Kind: lwm2m.Integer, Operations: ro, Multiple: true, Max: 5},
	{ID: 9, Name: "Firmware Update Delivery Method", Kind: lwm2m.Integer, Operations: ro, Mandatory: true, Max: 2},
	{ID: 10, Name: "Cancel", Operations: ex},
	{ID: 11, Name: "Severity", Kind: lwm2m.Integer, Operations: rw, Max: 2},
	{ID: 12, Name: "Last State Change Time", Kind: lwm2m.Time, Operations: ro},
	{ID: 13, Name: "Maximum Defer Period", Kind: lwm2m.Unsigned, Operations: rw},
}

// FirmwareConfig says what a device can do about firmware. It may be shared.
type FirmwareConfig struct {
	Version     lwm2m.Version // of the object: 1.0, the default, or 1.1
	Protocols   []int64       // resource 8; nil: coap, and coaps where the client speaks DTLS
	HTTP        bool          // with Protocols nil: http and https too, since the program answers client.Download
	Delivery    Delivery      // resource 9
	MaxSize     int64         // bytes of the largest package; default 16 MiB
	UpdateTime  time.Duration // how long an installation takes before the reboot; default 2 s
	PushTimeout time.Duration // a push that stands still for so long has lost its connection; default 15 min
	Attempts    int           // to download that may fail in a row; default 10
	Packed      bool          // raw packages are refused as an unsupported type

	// Fail is the Update Result, 2 to 9 or 11, that every update of a simulated device ends with; 0: none does.
	Fail UpdateResult
	// Fails is how often it does; 0: always.
	Fails int
}

// Delivery is how packages can come.
type Delivery uint8

// The ways of delivery.
const (
	PushAndPull Delivery = iota
	PullOnly
	PushOnly
)

// UpdateState is resource 3.
type UpdateState uint8

// The states.
const (
	FirmwareIdle UpdateState = iota
	FirmwareDownloading
	FirmwareDownloaded
	FirmwareUpdating
)

func (s UpdateState) String() string {
	if s > FirmwareUpdating {
		return "unknown"
	}
	return [...]string{"idle", "downloading", "downloaded", "updating"}[s]
}

// UpdateResult is resource 5.
type UpdateResult uint8

// The results (appendix E.6); 10 and 11 are of version 1.1 of the object.
const (
	UpdateInitial UpdateResult = iota
	UpdateSuccess
	UpdateNoStorage
	UpdateNoMemory
	UpdateConnectionLost
	UpdateIntegrity
	UpdateUnsupportedType
	UpdateInvalidURI
	UpdateFailed
	UpdateUnsupportedProtocol
	UpdateCancelled
	UpdateDeferred
)

// The protocols of resource 8.
const (
	ProtocolCoAP int64 = iota
	ProtocolCoAPS
	ProtocolHTTP
	ProtocolHTTPS
)

// FirmwareChanged is an Event: State or Update Result has changed.
type FirmwareChanged struct {
	State  UpdateState
	Result UpdateResult
}

// Firmware is object 5: a package comes by Write, block by block, or is fetched from a URI; it is checked; Update installs
// it, which ends with a reboot. What has come is on disk where the client has one, so that a power cut costs nothing.
type Firmware struct {
	cfg    *FirmwareConfig
	device *Device
	client *client.Client
	path   lwm2m.Path

	state     UpdateState
	result    UpdateResult
	pulls     bool   // the package under way is fetched
	server    uint16 // who began
	uri       string
	etag      []byte
	size      int64 // of the whole package where it was said, else -1
	offset    int64 // bytes of it that have come
	check     *firmware.Verifier
	name      string
	version   string
	installed string // after an update
	severity  int64
	deferFor  uint64
	changedAt machine.Time

	updateAt machine.Time // the installation ends
	stallAt  machine.Time // the push is given up
	booting  bool         // restored, and not started yet
	failures int

	chunks  []uint32      // offsets of what is on disk, ascending
	pending []client.Kept // to be stored next
	dirty   bool          // the record of the state is to be stored
}

// NewFirmware returns object 5 of a device whose firmware version (3/0/3) an update changes.
func NewFirmware(cfg *FirmwareConfig, device *Device) *Firmware {
	f := &Firmware{cfg: cfg, device: device, path: lwm2m.NewPath(5, 0), size: -1, updateAt: machine.Never, stallAt: machine.Never}
	f.severity = 1
	return f
}

// Attach implements client.Attacher.
func (f *Firmware) Attach(c *client.Client) { f.client = c }

// FirmwareStatus is how an update stands.
type FirmwareStatus struct {
	State           UpdateState
	Result          UpdateResult
	Received, Size  int64 // bytes; Size -1 where nobody said it
	URI             string
	Name, Version   string // of the package
	Pull            bool
	Installed       string // the version that an update has installed
	Protocols       []int64
	LastStateChange machine.Time
}

// Status returns how the update stands.
func (f *Firmware) Status() FirmwareStatus {
	return FirmwareStatus{f.state, f.result, f.offset, f.size, f.uri, f.name, f.version, f.pulls, f.installed, f.protocols(), f.changedAt}
}

// Definition implements client.Object.
func (f *Firmware) Definition() *client.Definition {
	if f.cfg.Version.AtLeast(lwm2m.V1_1) {
		return &Firmware11Definition
	}
	return &FirmwareDefinition
}

// Instances implements client.Object.
func (f *Firmware) Instances(dst []uint16) []uint16 { return append(dst, 0) }

func (f *Firmware) protocols() []int64 {
	if f.cfg.Protocols != nil {
		return f.cfg.Protocols
	}
	list := []int64{ProtocolCoAP}
	if f.client.Secure() {
		list = append(list, ProtocolCoAPS)
	}
	if f.cfg.HTTP {
		list = append(list, ProtocolHTTP, ProtocolHTTPS)
	}
	return list
}

// Read implements client.Object.
func (f *Firmware) Read(_ machine.Time, dst []lwm2m.Entry, p lwm2m.Path) ([]lwm2m.Entry, bool) {
	text := func(s string) ([]lwm2m.Entry, bool) {
		if s == "" {
			return dst, false
		}
		return value(dst, p, lwm2m.Str(s))
	}
	switch p.Resource() {
	case 0, 2, 10:
		return dst, true
	case 1:
		return value(dst, p, lwm2m.Str(f.uri))
	case 3:
		return value(dst, p, lwm2m.Int(int64(f.state)))
	case 5:
		return value(dst, p, lwm2m.Int(int64(f.result)))
	case 6:
		return text(f.name)
	case 7:
		return text(f.version)
	case 8:
		return integers(dst, p, f.protocols()...)
	case 9:
		return value(dst, p, lwm2m.Int([...]int64{2, 0, 1}[f.cfg.Delivery]))
	case 11:
		return value(dst, p, lwm2m.Int(f.severity))
	case 12:
		if f.changedAt == 0 {
			return dst, false
		}
		return value(dst, p, lwm2m.TimeValue(f.changedAt.Unix()))
	case 13:
		return value(dst, p, lwm2m.Uint(f.deferFor))
	}
	return dst, false
}

// isReset reports whether a package is none: empty, or the one zero byte that stands for it (appendix E.6).
func isReset(b string) bool { return b == "" || b == "\x00" }

// mayWrite says whether a new package or URI is welcome in this state.
func (f *Firmware) mayWrite(reset, pull bool) error {
	switch {
	case f.state == FirmwareUpdating:
		return client.NotAllowed("the device is installing a package")
	case reset:
	case f.state != FirmwareIdle:
		return client.NotAllowed("there is a package already: an empty Package or Package URI takes it away")
	case pull && f.cfg.Delivery == PushOnly:
		return client.NotAllowed("this device does not fetch packages: write Package")
	case !pull && f.cfg.Delivery == PullOnly:
		return client.NotAllowed("this device only fetches packages: write Package URI")
	}
	return nil
}

// CheckWrite implements client.Writer.
func (f *Firmware) CheckWrite(_ client.Call, w client.Writing) error {
	s := w.Value().Raw()
	switch w.Resource.Resource() {
	case 0:
		return f.mayWrite(isReset(s), false)
	case 1:
		return f.mayWrite(s == "", true)
	}
	return nil
}

// Write implements client.Writer.
func (f *Firmware) Write(call client.Call, w client.Writing) {
	v := w.Value()
	switch w.Resource.Resource() {
	case 0:
		if s := v.Raw(); isReset(s) {
			f.reset(call, UpdateInitial)
		} else {
			f.begin(call, false)
			f.take(call, []byte(s), true)
		}
	case 1:
		if s := v.Raw(); s == "" {
			f.reset(call, UpdateInitial)
		} else {
			f.pull(call, s)
		}
	case 11:
		f.severity, _ = v.AsInt()
		f.keep(call)
	case 13:
		f.deferFor, _ = v.AsUint()
		f.keep(call)
	}
}

// Streams implements client.Streamer.
func (f *Firmware) Streams(resource uint16) bool { return resource == 0 }

// WritePiece implements client.Streamer.
func (f *Firmware) WritePiece(call client.Call, p client.Piece) error {
	if p.Offset == 0 && p.Last && isReset(string(p.Data)) {
		if err := f.mayWrite(true, false); err != nil {
			return err
		}
		f.reset(call, UpdateInitial)
		return nil
	}
	mine := f.state == FirmwareDownloading && !f.pulls && f.server == call.Server
	switch {
	case p.Offset == 0:
		if !mine { // else the same server begins anew
			if err := f.mayWrite(false, false); err != nil {
				return err
			}
		}
		f.begin(call, false)
		f.size = p.Size
	case !mine || p.Offset > f.offset:
		return client.Incomplete("a block before this one is missing")
	}
	end := p.Offset + int64(len(p.Data))
	if end <= f.offset && !p.Last {
		return nil // it is here already
	}
	if p.Last && f.size < 0 {
		f.size = end
	}
	f.stallAt = call.Now.Add(f.pushTimeout())
	r := f.take(call, p.Data[min(f.offset-p.Offset, int64(len(p.Data))):], p.Last)
	if r == UpdateInitial || p.Last {
		return nil // the value was written; the result says what became of it
	}
	return refusal(r)
}

// refusal is how the rest of a package is refused.
func refusal(r UpdateResult) error {
	switch r {
	case UpdateNoStorage:
		return &client.Error{Code: coap.RequestEntityTooLarge, Reason: "the package is too large for this device"}
	case UpdateIntegrity, UpdateUnsupportedType:
		return client.BadRequest("this is not a package for this device")
	}
	return &client.Error{Code: coap.InternalServerError, Reason: "the device could not take in the package"}
}

// Execute implements client.Executer.
func (f *Firmware) Execute(call client.Call, p lwm2m.Path, _ []client.Argument) error {
	if p.Resource() == 10 {
		if f.state != FirmwareDownloading && f.state != FirmwareDownloaded {
			return client.NotAllowed("there is nothing to cancel")
		}
		f.reset(call, UpdateCancelled)
		return nil
	}
	if f.state != FirmwareDownloaded {
		return client.NotAllowed("there is no downloaded package to install")
	}
	if f.fails(UpdateDeferred) {
		f.set(call, FirmwareDownloaded, UpdateDeferred)
		return nil
	}
	f.set(call, FirmwareUpdating, UpdateInitial)
	d := f.cfg.UpdateTime
	if d <= 0 {
		d = 2 * time.Second
	}
	f.updateAt = call.Now.Add(d)
	return nil
}

// FetchPiece implements client.Fetcher.
func (f *Firmware) FetchPiece(call client.Call, p client.FetchPiece) bool {
	if f.state != FirmwareDownloading || !f.pulls {
		return false
	}
	if p.Offset == 0 && f.offset > 0 {
		f.begin(call, true) // the server has another package there now
	}
	if p.Size >= 0 {
		f.size = p.Size
	}
	f.etag = append(f.etag[:0], p.ETag...)
	if p.Last && f.size < 0 {
		f.size = p.Offset + int64(len(p.Data))
	}
	return f.take(call, p.Data, p.Last) == UpdateInitial
}

// FetchFailed implements client.Fetcher.
func (f *Firmware) FetchFailed(call client.Call, why error) {
	switch {
	case errors.Is(why, client.ErrFetchURI):
		f.fail(call, UpdateInvalidURI)
	case errors.Is(why, client.ErrFetchProtocol):
		f.fail(call, UpdateUnsupportedProtocol)
	default:
		f.fail(call, UpdateConnectionLost)
	}
}

// pull begins to fetch a package.
func (f *Firmware) pull(call client.Call, uri string) {
	f.begin(call, true)
	f.uri = uri
	u, err := client.ParseFetchURI(uri)
	protocol := int64(slices.Index([]string{"coap", "coaps", "http", "https"}, u.Scheme))
	switch {
	case err != nil || f.fails(UpdateInvalidURI):
		f.fail(call, UpdateInvalidURI)
	case !slices.Contains(f.protocols(), protocol) || f.fails(UpdateUnsupportedProtocol):
		f.fail(call, UpdateUnsupportedProtocol)
	default:
		f.fetch(call, u)
	}
}

func (f *Firmware) fetch(call client.Call, u client.FetchURI) {
	call.Fetch(client.Fetch{Object: 5, URI: u, Server: f.server, Offset: f.offset, ETag: slices.Clone(f.etag), Attempts: f.cfg.Attempts})
}
