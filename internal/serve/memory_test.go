package serve

import (
	"runtime"
	"runtime/debug"
	"testing"
)

var (
	held  []byte
	parts [64][]byte
)

func TestMemoryIsGivenBackOnceAfterABurst(t *testing.T) {
	runtime.GC()
	m := newMemory()
	m.due() // the first look counts all allocations of the program so far
	for range 64 {
		held = make([]byte, 1<<20)
	}
	if m.due() {
		t.Fatal("released in the middle of a burst")
	}
	if !m.due() {
		t.Fatal("not released when it was quiet")
	}
	debug.FreeOSMemory()
	for range 3 {
		if m.due() {
			t.Fatal("released again though nothing was allocated since")
		}
	}
}

// What devices that were forgotten leave behind is no new allocation.
func TestMemoryIsGivenBackWhenLessLives(t *testing.T) {
	for i := range parts {
		parts[i] = make([]byte, 1<<20)
	}
	debug.FreeOSMemory()
	m := newMemory()
	m.due()
	m.last, m.live = m.allocs, m.sample[1].Value.Uint64() // as if it had just released
	if m.due() {
		t.Fatal("released although nothing has changed")
	}
	clear(parts[:])
	runtime.GC()
	if !m.due() {
		t.Fatal("not released")
	}
}
