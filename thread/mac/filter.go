package mac

import "heddle.example/thread/ieee802154"

// FilterMode says whom the address filter lets through.
type FilterMode uint8

// The modes.
const (
	FilterOff FilterMode = iota // signal strengths still apply
	FilterAllow
	FilterDeny
)

// NoRSS stands for "not fixed" (OT_MAC_FILTER_FIXED_RSS_DISABLED).
const NoRSS int8 = 127

// FilterEntry is a row of the filter.
type FilterEntry struct {
	Ext    ieee802154.ExtAddr
	Listed bool // it is on the allow or deny list
	RSS    int8 // what its frames are said to have been received with, or NoRSS
}

func (e *FilterEntry) inUse() bool { return e.Listed || e.RSS != NoRSS }

// Filter is the address and signal strength filter of the shell's "macfilter", which scripts shape topologies with. A
// row whose content is gone keeps its place in the order until another takes it, as in OpenThread.
type Filter struct {
	Mode    FilterMode
	Default int8 // the strength of all without one of their own, or NoRSS
	entries []FilterEntry
	size    int
}

func newFilter(size int) Filter { return Filter{Default: NoRSS, size: size} }

func (f *Filter) find(a ieee802154.ExtAddr) *FilterEntry {
	for i := range f.entries {
		if e := &f.entries[i]; e.inUse() && e.Ext == a {
			return e
		}
	}
	return nil
}

// entry finds or makes a row; nil says that the table is full.
func (f *Filter) entry(a ieee802154.ExtAddr) *FilterEntry {
	if e := f.find(a); e != nil {
		return e
	}
	for i := range f.entries {
		if e := &f.entries[i]; !e.inUse() {
			e.Ext = a
			return e
		}
	}
	if len(f.entries) == f.size {
		return nil
	}
	f.entries = append(f.entries, FilterEntry{Ext: a, RSS: NoRSS})
	return &f.entries[len(f.entries)-1]
}

// Add puts an address on the list and reports whether there was room.
func (f *Filter) Add(a ieee802154.ExtAddr) bool {
	e := f.entry(a)
	if e != nil {
		e.Listed = true
	}
	return e != nil
}

// Remove takes an address off the list.
func (f *Filter) Remove(a ieee802154.ExtAddr) {
	if e := f.find(a); e != nil {
		e.Listed = false
	}
}

// Clear takes all addresses off the list.
func (f *Filter) Clear() {
	for i := range f.entries {
		f.entries[i].Listed = false
	}
}

// AddRSS fixes the signal strength of an address and reports whether there was room.
func (f *Filter) AddRSS(a ieee802154.ExtAddr, rss int8) bool {
	e := f.entry(a)
	if e != nil {
		e.RSS = rss
	}
	return e != nil
}

// RemoveRSS lets go of the signal strength of an address.
func (f *Filter) RemoveRSS(a ieee802154.ExtAddr) {
	if e := f.find(a); e != nil {
		e.RSS = NoRSS
	}
}

// ClearRSS lets go of all signal strengths.
func (f *Filter) ClearRSS() {
	for i := range f.entries {
		f.entries[i].RSS = NoRSS
	}
	f.Default = NoRSS
}

// Entries returns the rows in their order; those not in use have neither Listed nor RSS. The slice is borrowed.
func (f *Filter) Entries() []FilterEntry { return f.entries }

// Apply reports whether frames of an address pass, and what their signal strength is to be, or NoRSS.
func (f *Filter) Apply(a ieee802154.ExtAddr) (rss int8, pass bool) {
	if len(f.entries) == 0 {
		return f.Default, f.Mode != FilterAllow
	}
	e := f.find(a)
	listed := e != nil && e.Listed
	if f.Mode == FilterAllow && !listed || f.Mode == FilterDeny && listed {
		return f.Default, false
	}
	if e != nil && e.RSS != NoRSS {
		return e.RSS, true
	}
	return f.Default, true
}
