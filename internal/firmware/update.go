package firmware

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"heddle.example/machine"
)

// State is how an update or a device in it stands.
type State string

// The states of an update.
const (
	Running  State = "running"
	Finished State = "finished" // every device has ended
	Stopped  State = "stopped"  // too many failed
)

// The states of a device in an update. Cancelled is one of an update, too.
const (
	Waiting     State = "waiting"     // for its turn, or until it wakes
	Downloading State = "downloading" // the package is on its way
	Downloaded  State = "downloaded"  // it is there and checked
	Updating    State = "updating"    // the device was told to install it
	Done        State = "done"
	Failed      State = "failed"
	Cancelled   State = "cancelled"
)

func (s State) ended() bool { return s == Done || s == Failed || s == Cancelled }

// The methods.
const (
	Auto = "auto" // by what the device says in 5/0/8 and 5/0/9
	Push = "push"
	Pull = "pull"
)

// Options of a new update.
type Options struct {
	Package     string
	Endpoints   []string
	Method      string
	Concurrency int  // devices at once; default 10
	StopAfter   int  // failed devices; 0: never
	Retries     int  // of a device whose transfer fails
	Force       bool // devices that have the version already, too
	By          string
}

// UpdateInfo is what is stored of an update.
type UpdateInfo struct {
	ID             string     `json:"id"`
	Package        string     `json:"package" doc:"id"`
	PackageName    string     `json:"packageName"`
	Version        string     `json:"version,omitempty"`
	Method         string     `json:"method" enum:"auto,push,pull"`
	Concurrency    int        `json:"concurrency" doc:"devices at once"`
	StopAfter      int        `json:"stopAfter,omitempty" doc:"failed devices after which no other one is begun; 0: never"`
	Retries        int        `json:"retries" doc:"of a device whose transfer fails"`
	Force          bool       `json:"force,omitempty" doc:"devices that have the version already, too"`
	StartedAt      time.Time  `json:"startedAt"`
	EndedAt        *time.Time `json:"endedAt,omitempty"`
	By             string     `json:"by,omitempty"`
	State          State      `json:"state" enum:"running,finished,cancelled,stopped"`
	PackageSize    int64      `json:"size" doc:"bytes of the package"`
	PackageHexHash string     `json:"sha256"`
}

// Step is something that happened to a device.
type Step struct {
	At   time.Time `json:"at"`
	Text string    `json:"text"`
}

// DeviceInfo is how one device stands.
type DeviceInfo struct {
	Endpoint  string     `json:"endpoint"`
	State     State      `json:"state" enum:"waiting,downloading,downloaded,updating,done,failed,cancelled"`
	Method    string     `json:"method,omitempty" enum:"push,pull"`
	Sent      int64      `json:"sent" doc:"bytes of the package that have left"`
	Size      int64      `json:"size" doc:"bytes"`
	Percent   int        `json:"percent"`
	Before    string     `json:"before,omitempty" doc:"firmware version before"`
	Version   string     `json:"version,omitempty" doc:"firmware version after"`
	Result    *int       `json:"result,omitempty" doc:"Update Result (5/0/5), where the device gave one"`
	Detail    string     `json:"detail,omitempty" doc:"what it waits for, or why it failed"`
	Attempts  int        `json:"attempts" doc:"transfers that were begun"`
	StartedAt *time.Time `json:"startedAt,omitempty"`
	UpdatedAt *time.Time `json:"updatedAt,omitempty"`
	EndedAt   *time.Time `json:"endedAt,omitempty"`
	Asleep    bool       `json:"asleep,omitempty"`
	Steps     []Step     `json:"steps,omitempty"`
}

// record is what is stored of a device.
type record struct {
	DeviceInfo
	Token      string     `json:"token"`
	Observed   bool       `json:"observed,omitempty"` // we observe State and Result, and are to end that
	Executes   int        `json:"executes,omitempty"`
	ExecutedAt *time.Time `json:"executedAt,omitempty"`
}

// device is one device of an update. Its fields are guarded by Manager.mu.
type device struct {
	record
	update *update

	queued  bool      // in update.ready
	working bool      // a worker has it
	again   bool      // something was heard while a worker had it
	due     time.Time // parked: look at it again then
	tries   int       // failed requests in a row
	movedAt time.Time // of the last progress
	savedAt int64     // Sent, as it is stored
	cancel  func()    // ends its worker
	news    chan struct{}
	dirty   bool // cancelled with a package, or a part of one, on the device
}

// update is a running or ended update. Its fields are guarded by Manager.mu.
type update struct {
	UpdateInfo
	devices []*device // by endpoint
	ready   []*device
	active  int // workers
	failed  int
	open    int // devices that have not ended
	counts  map[State]int
	wake    chan struct{}
	runs    bool

	heardMu sync.Mutex
	heard   []*device
}

// Update is the view of an update.
type Update struct {
	UpdateInfo
	Counts  map[State]int `json:"counts" doc:"devices by state"`
	Devices []DeviceInfo  `json:"devices,omitempty" doc:"by endpoint; only of one update"`
	Next    string        `json:"next,omitempty" doc:"give it as after for the next page of devices"`
}

func (d *device) key() []byte { return []byte(d.update.ID + "/" + d.Endpoint) }

func (d *device) toRecord() machine.Record {
	b, err := json.Marshal(&d.record)
	if err != nil {
		panic(err) // plain values
	}
	d.savedAt = d.Sent
	return machine.Record{Table: DeviceTable, Key: d.key(), Value: b}
}

func (u *update) toRecord() machine.Record {
	b, err := json.Marshal(&u.UpdateInfo)
	if err != nil {
		panic(err)
	}
	return machine.Record{Table: UpdateTable, Key: []byte(u.ID), Value: b}
}

// load reads all tables.
func (m *Manager) load() error {
	if err := m.loadPackages(); err != nil {
		return err
	}
	err := m.c.Store.Load(UpdateTable, func(key, value []byte) error {
		u := &update{wake: make(chan struct{}, 1), counts: map[State]int{}}
		if err := json.Unmarshal(value, &u.UpdateInfo); err != nil {
			return fmt.Errorf("update %s: %w", key, err)
		}
		m.updates[u.ID] = u
		m.order = append(m.order, u.ID)
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(m.order, func(a, b string) int { return m.updates[a].StartedAt.Compare(m.updates[b].StartedAt) })
	err = m.c.Store.Load(DeviceTable, func(key, value []byte) error {
		id, _, _ := strings.Cut(string(key), "/")
		u := m.updates[id]
		if u == nil {
			return nil // its update was removed at the moment of a crash
		}
		d := &device{update: u}
		if err := json.Unmarshal(value, &d.record); err != nil {
			return fmt.Errorf("device %s: %w", key, err)
		}
		u.devices = append(u.devices, d)
		return nil
	})
	if err != nil {
		return err
	}
	for _, u := range m.updates {
		slices.SortFunc(u.devices, func(a, b *device) int { return strings.Compare(a.Endpoint, b.Endpoint) })
		for _, d := range u.devices {
			u.count(d)
			if !d.State.ended() {
				m.admit(d)
			}
		}
	}
	return nil
}

// count takes a device into the sums.
func (u *update) count(d *device) {
	u.counts[d.State]++
	if d.State == Failed {
		u.failed++
	}
	if !d.State.ended() {
		u.open++
	}
}

// admit makes a device known that has not ended.
func (m *Manager) admit(d *device) {
	m.tokens[d.Token], m.busy[d.Endpoint] = d, d
	if d.news == nil {
		d.news = make(chan struct{}, 1) // before Take can find the device
	}
	m.watches.Store(d.Endpoint, d)
}

// dismiss is the reverse of admit.
func (m *Manager) dismiss(d *device) {
	delete(m.tokens, d.Token)
	if m.busy[d.Endpoint] == d {
		delete(m.busy, d.Endpoint)
		m.watches.Delete(d.Endpoint)
	}
}

// Begin starts an update. It returns after that is on disk.
func (m *Manager) Begin(o Options) (Update, error) {
	endpoints := slices.Clone(o.Endpoints)
	slices.Sort(endpoints)
	endpoints = slices.Compact(endpoints)
	if o.Method == "" {
		o.Method = Auto
	}
	if o.Concurrency <= 0 {
		o.Concurrency = 10
	}
	switch {
	case len(endpoints) == 0:
		return Update{}, fmt.Errorf("%w: there is no device to update", ErrInvalid)
	case len(endpoints) > devicesMost:
		return Update{}, fmt.Errorf("%w: an update is of %d devices at most", ErrInvalid, devicesMost)
	case o.Method != Auto && o.Method != Push && o.Method != Pull:
		return Update{}, fmt.Errorf("%w: the method is auto, push or pull", ErrInvalid)
	}
	m.mu.Lock()
	p := m.packages[o.Package]
	if p == nil {
		m.mu.Unlock()
		return Update{}, fmt.Errorf("%w: package %.64q", ErrNotFound, o.Package)
	}
	if len(m.updates) >= updatesMost && !m.dropOldest() {
		m.mu.Unlock()
		return Update{}, fmt.Errorf("%w for more than %d updates", ErrFull, updatesMost)
	}
	for _, e := range endpoints {
		if b := m.busy[e]; b != nil {
			m.mu.Unlock()
			return Update{}, fmt.Errorf("%w: %s is in the running update %s", ErrInUse, e, b.update.ID)
		}
	}
	u := &update{UpdateInfo: UpdateInfo{ID: newID(), Package: p.ID, PackageName: p.Name, Version: p.Version, Method: o.Method, Concurrency: o.Concurrency, StopAfter: o.StopAfter,
		Retries: o.Retries, Force: o.Force, StartedAt: now(), By: o.By, State: Running, PackageSize: p.Size, PackageHexHash: p.SHA256}, wake: make(chan struct{}, 1), counts: map[State]int{}}
	records := []machine.Record{u.toRecord()}
	for _, e := range endpoints {
		d := &device{update: u, record: record{Token: random(8), DeviceInfo: DeviceInfo{Endpoint: e, State: Waiting, Size: p.Size}}}
		u.devices = append(u.devices, d)
		u.count(d)
		m.admit(d)
		records = append(records, d.toRecord())
	}
	m.updates[u.ID] = u
	m.order = append(m.order, u.ID)
	m.mu.Unlock()
	if err := m.commit(records...); err != nil {
		m.mu.Lock()
		m.forget(u)
		m.mu.Unlock()
		return Update{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.launch(u)
	return m.view(u, false, "", 0), nil
}

// forget takes an update out of memory.
func (m *Manager) forget(u *update) {
	delete(m.updates, u.ID)
	m.order = slices.DeleteFunc(m.order, func(id string) bool { return id == u.ID })
	for _, d := range u.devices {
		m.dismiss(d)
	}
}

// dropOldest removes the oldest update that has ended.
func (m *Manager) dropOldest() bool {
	for _, id := range m.order {
		u := m.updates[id]
		if u.State == Running {
			continue
		}
		m.save(m.removal(u)...)
		m.forget(u)
		return true
	}
	return false
}

func (m *Manager) removal(u *update) []machine.Record {
	records := []machine.Record{{Table: UpdateTable, Key: []byte(u.ID)}}
	for _, d := range u.devices {
		records = append(records, machine.Record{Table: DeviceTable, Key: d.key()})
	}
	return records
}

// view makes the view of an update, with a page of its devices where those are wanted.
func (m *Manager) view(u *update, devices bool, after string, limit int) Update {
	v := Update{UpdateInfo: u.UpdateInfo, Counts: maps.Clone(u.counts)}
	maps.DeleteFunc(v.Counts, func(_ State, n int) bool { return n == 0 })
	if !devices {
		return v
	}
	for _, d := range u.devices {
		if d.Endpoint <= after {
			continue
		}
		if len(v.Devices) == limit {
			v.Next = v.Devices[limit-1].Endpoint
			break
		}
		v.Devices = append(v.Devices, d.view(true))
	}
	return v
}

func (d *device) view(steps bool) DeviceInfo {
	v := d.DeviceInfo
	if v.Size > 0 {
		v.Percent = int(v.Sent * 100 / v.Size)
	}
	v.Steps = nil
	if steps {
		v.Steps = slices.Clone(d.Steps)
	}
	return v
}

// Updates returns all updates, newest first, without their devices.
func (m *Manager) Updates() []Update {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := make([]Update, 0, len(m.order))
	for _, id := range slices.Backward(m.order) {
		list = append(list, m.view(m.updates[id], false, "", 0))
	}
	return list
}

// Update returns one update with a page of its devices.
func (m *Manager) Update(id, after string, limit int) (Update, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := m.updates[id]
	if u == nil {
		return Update{}, ErrNotFound
	}
	return m.view(u, true, after, limit), nil
}

// Cancel ends an update: devices that were not told to install the package yet are left as they were; those that
// install it are followed to their end. The record of an update that has ended is removed instead.
func (m *Manager) Cancel(id string) (Update, error) {
	m.mu.Lock()
	u := m.updates[id]
	if u == nil {
		m.mu.Unlock()
		return Update{}, ErrNotFound
	}
	if u.State != Running {
		v := m.view(u, false, "", 0)
		records := m.removal(u)
		m.forget(u)
		m.mu.Unlock()
		return v, m.commit(records...)
	}
	m.end(u, Cancelled, "the update was cancelled")
	v := m.view(u, false, "", 0)
	record := u.toRecord()
	m.mu.Unlock()
	return v, m.commit(record)
}

// Retry begins again with the devices that failed or were cancelled.
func (m *Manager) Retry(id string) (Update, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u := m.updates[id]
	switch {
	case u == nil:
		return Update{}, ErrNotFound
	case m.packages[u.Package] == nil:
		return Update{}, fmt.Errorf("%w: the package of the update was removed", ErrNotFound)
	}
	var again []*device
	for _, d := range u.devices {
		if d.State != Failed && d.State != Cancelled || d.working {
			continue
		}
		if b := m.busy[d.Endpoint]; b != nil {
			return Update{}, fmt.Errorf("%w: %s is in the running update %s", ErrInUse, d.Endpoint, b.update.ID)
		}
		again = append(again, d)
	}
	if len(again) == 0 {
		return Update{}, fmt.Errorf("%w: no device of the update has failed", ErrInvalid)
	}
	records := []machine.Record{}
	for _, d := range again {
		d.record = record{Token: random(8), DeviceInfo: DeviceInfo{Endpoint: d.Endpoint, State: Waiting, Size: u.PackageSize, Steps: d.Steps}}
		d.step("again")
		m.admit(d)
		records = append(records, d.toRecord())
	}
	u.State, u.EndedAt, u.failed, u.open, u.counts = Running, nil, 0, 0, map[State]int{}
	for _, d := range u.devices {
		u.count(d)
	}
	m.save(append(records, u.toRecord())...)
	m.launch(u)
	return m.view(u, false, "", 0), nil
}

// step notes something that happened to a device; the oldest steps but the first give way.
func (d *device) step(format string, args ...any) {
	if len(d.Steps) >= stepsMost {
		d.Steps = slices.Delete(d.Steps, 1, 2)
	}
	t := now()
	d.Steps = append(d.Steps, Step{t, fmt.Sprintf(format, args...)})
	d.UpdatedAt = &t
}
