package shell

import (
	"slices"
	"testing"
)

// As a recorded log of OpenThread's has it.
func TestDump(t *testing.T) {
	b := []byte{0x10, 1, 1, 0x21, 3, 'R', 'D', ':', '"', 0, '#', 0, '%', 6, 0x18, 0xb4, 0x30, 0, 0, 0x10}
	want := []string{
		"=========[[THCI] direction=recv | type=JOIN_FIN.req | len=020]==========",
		`| 10 01 01 21 03 52 44 3A | 22 00 23 00 25 06 18 B4 | ...!.RD:".#.%... |`,
		"| 30 00 00 10             |                         | 0...             |",
		"------------------------------------------------------------------------",
	}
	if got := dump("[THCI] direction=recv | type=JOIN_FIN.req", b); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
