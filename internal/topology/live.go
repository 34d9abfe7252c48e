package topology

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"sync"
	"time"

	"heddle.example/internal/seat"
	"heddle.example/machine"
	"heddle.example/thread"
	"heddle.example/thread/info"
	"heddle.example/thread/neighbor"
)

// LiveOptions say whose network is shown.
type LiveOptions struct {
	Seat seat.Seat
	Name string // of the node of this program
	// Device, where set, says what the node is besides a Thread node. It is called in the node's owner.
	Device func() Device
}

// Live is the network around a live node, as its routers tell it by network diagnostics: nodes of any maker. It is what a
// World is for a simulation, without what only a simulation can do.
type Live struct {
	o     LiveOptions
	epoch string
	began time.Time
	clock func() time.Time
	feed  feed
	air   liveAir

	mu         sync.Mutex
	own        ownLook
	reports    map[uint16]*report
	rounds     int
	exts       map[uint16][8]byte // of children, by RLOC16
	ids        map[[8]byte]int
	byRLOC     map[uint16]int
	places     layout
	seq        uint64
	rows       []Row
	links      []Link
	partitions []Partition
	history    []Entry
	fresh      []Entry
	past       past
}

// NewLive makes it. Run keeps it up to date.
func NewLive(o LiveOptions) *Live {
	now := time.Now()
	l := &Live{o: o, epoch: strconv.FormatInt(now.UnixMilli(), 36), began: now, clock: time.Now, feed: feed{readers: map[*Reader]bool{}},
		reports: map[uint16]*report{}, exts: map[uint16][8]byte{}, ids: map[[8]byte]int{}, byRLOC: map[uint16]int{}}
	l.air.l, l.air.recent.most = l, liveCaptureMost
	return l
}

// Run asks the network's routers until ctx ends.
func (l *Live) Run(ctx context.Context) {
	stop := l.o.Seat.Listen(l.heard)
	defer stop()
	go l.tick(ctx)
	for ctx.Err() == nil {
		_ = l.ask(ctx) // a node that is busy or gone is asked again
		select {
		case <-time.After(askEvery):
		case <-ctx.Done():
		}
	}
}

// tick tells readers the time and of frames, and looks at the node itself each second.
func (l *Live) tick(ctx context.Context) {
	beat := time.NewTicker(lookEvery)
	defer beat.Stop()
	for n := 0; ; n++ {
		select {
		case <-beat.C:
		case <-ctx.Done():
			return
		}
		l.air.flush()
		if n%5 == 0 {
			l.feed.publish("clock", 0, l.time())
		}
		if n%10 == 0 {
			var own ownLook
			if l.o.Seat.Do(ctx, func(now machine.Time, n *thread.Node) error { own = l.lookAt(now, n); return nil }) == nil {
				l.mu.Lock()
				l.own = own
				l.mu.Unlock()
				l.build()
			}
		}
	}
}

func (l *Live) us() int64 { return l.clock().Sub(l.began).Microseconds() }

func (l *Live) time() Clock { return Clock{Now: l.us(), Speed: 1, Rate: 1} }

// id returns the number of the node with an extended address. The node of this program is number 1.
func (l *Live) id(ext [8]byte) int {
	n, ok := l.ids[ext]
	if !ok {
		n = len(l.ids) + 1
		l.ids[ext] = n
	}
	return n
}

// byLocator stands for a node whose extended address is not known yet.
func byLocator(partition uint32, rloc16 uint16) [8]byte {
	return [8]byte{'r', 'l', byte(partition >> 24), byte(partition >> 16), byte(partition >> 8), byte(partition), byte(rloc16 >> 8), byte(rloc16)}
}

// nodesMost bounds what a mesh, or who forges its diagnostics, can make this program remember. Beyond it, new nodes get the numbers of
// those that have left.
const nodesMost = 2000

// inherit gives a node the lowest number of a node that is neither part of the network nor of the rows that are being made, and reports
// whether there is one.
func (l *Live) inherit(ext [8]byte, rows map[int]*Row) bool {
	for i := 1; i < len(l.rows); i++ {
		if id := i + 1; l.rows[i].Role == "off" && rows[id] == nil {
			for old, n := range l.ids {
				if n == id {
					delete(l.ids, old)
					l.ids[ext] = id
					return true
				}
			}
		}
	}
	return false
}

// build makes rows and links of what is known, and tells readers what has changed.
func (l *Live) build() {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := builder{l: l, rows: map[int]*Row{}, byRLOC: map[uint16]int{}}
	b.run()
	l.publish(&b)
}

func (l *Live) note(kind string, node int, text string) {
	e := Entry{At: l.us(), Kind: kind, Text: text, Node: node}
	l.fresh, l.history = append(l.fresh, e), append(l.history, e)
	if extra := len(l.history) - historyMost; extra > 0 {
		l.history = slices.Delete(l.history, 0, extra)
	}
}

func (l *Live) publish(b *builder) {
	var changed, was []Row
	for id := 1; id <= len(l.ids); id++ {
		if id > len(l.rows) {
			l.rows = append(l.rows, Row{ID: id})
		}
		r := b.rows[id]
		old := l.rows[id-1]
		if r == nil { // it has left, or is another's now
			if old.Role == "" || old.Role == "off" {
				continue
			}
			gone := old
			gone.On, gone.Role, gone.RLOC16, gone.Parent, gone.Children, gone.RouterID = false, "off", "", 0, 0, -1
			r = &gone
			l.note("kill", id, fmt.Sprintf("%s is no longer part of the network", old.Name))
		} else if old.Role == "" || old.Role == "off" && id > 1 {
			l.note("note", id, fmt.Sprintf("%s is part of the network as %s", r.Name, r.Role))
		} else if old.Role != r.Role {
			kind := "note"
			if r.Role == "leader" {
				kind = "leader"
			}
			l.note(kind, id, fmt.Sprintf("%s was %s and is %s", r.Name, old.Role, r.Role))
		}
		if *r != old {
			changed, was = append(changed, *r), append(was, old)
			l.rows[id-1] = *r
		}
	}
	change := LinkChange{Add: []Link{}, Remove: []Link{}}
	diffLinks(l.links, b.links, &change)
	l.links, l.byRLOC = b.links, b.byRLOC
	stay := slices.Equal(l.partitions, b.partitions)
	var parts []Partition
	if !stay {
		parts = list(b.partitions)
	}
	l.partitions = b.partitions
	l.past.keep(l.us(), l.rows, l.links, l.partitions, changed, was, change, parts)
	if len(changed)+len(change.Add)+len(change.Remove)+len(l.fresh) > 0 || !stay {
		l.seq++
		l.feed.publish("mesh", l.seq, Change{Seq: l.seq, Now: l.us(), Nodes: list(changed), Links: change, Partitions: list(l.partitions), History: list(l.fresh)})
	}
	l.fresh = nil
}

// Follow implements what the REST interface asks of a mesh.
func (l *Live) Follow() *Reader { return l.feed.Follow() }

// Snapshot returns everything as it is known now.
func (l *Live) Snapshot(context.Context) (*Snapshot, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.snapshot(), nil
}

func (l *Live) snapshot() *Snapshot {
	return &Snapshot{Epoch: l.epoch, Seq: l.seq, Clock: l.time(), Can: []string{"past", "move", "route", "frames", "capture"}, Own: 1,
		Network: l.own.network, Nodes: slices.Clone(list(l.rows)), Links: slices.Clone(list(l.links)), Partitions: slices.Clone(list(l.partitions)),
		History: slices.Clone(list(l.history))}
}

// At returns what was known at a moment of the past.
func (l *Live) At(_ context.Context, us int64) (*Snapshot, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rows, links, partitions, ok := l.past.at(us)
	if !ok {
		return nil, ErrPast
	}
	s := l.snapshot()
	s.Nodes, s.Links, s.Partitions, s.Now = rows, links, partitions, us
	s.History = slices.DeleteFunc(s.History, func(e Entry) bool { return e.At > us })
	return s, nil
}

// Control cannot be: real time passes by itself.
func (l *Live) Control(context.Context, Control) (Clock, error) { return Clock{}, ErrCannot }

// SetLink cannot be: the air is real.
func (l *Live) SetLink(context.Context, int, int, bool) error { return ErrCannot }

// Act moves a node in the picture; all else only its owner can do.
func (l *Live) Act(_ context.Context, id int, a Action) (Row, error) {
	if a.Action != "move" {
		return Row{}, ErrCannot
	}
	l.mu.Lock()
	if id < 1 || id > len(l.rows) {
		l.mu.Unlock()
		return Row{}, ErrNode
	}
	l.places.pin(id, a.X, a.Y)
	l.mu.Unlock()
	l.build()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rows[id-1], nil
}

// Type types a line at the prompt of this program's node.
func (l *Live) Type(ctx context.Context, id int, line string) (Said, error) {
	if id != 1 {
		return Said{}, ErrCannot
	}
	return l.o.Seat.Type(ctx, line)
}

// Capture writes the newest frames that the node has sent and received.
func (l *Live) Capture(ctx context.Context, out io.Writer, keys bool) error {
	return l.air.capture(ctx, out, keys)
}

// roleWord names the part that a node plays, as in a simulation.
func roleWord(r info.Role, mode neighbor.Mode) string {
	switch r {
	case info.LeaderRole, info.RouterRole, info.Detached, info.Disabled:
		return r.String()
	}
	switch {
	case !mode.RxOn():
		return "sed"
	case mode.FTD():
		return "reed"
	}
	return "med"
}
