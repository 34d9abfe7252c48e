package shell

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// indent is what OpenThread puts in front of lines that belong to the one above.
const indent = "    "

// hexOf prints bytes as OpenThread does: lower case, nothing between.
func hexOf(b []byte) string { return hex.EncodeToString(b) }

// column is a column of a table. Width is what stands between two bars.
type column struct {
	title string
	width int
}

// table prints the head of a table. A title that fits gets a blank on both sides, another one is cut to the width
// (Utils::OutputTableHeader).
func (s *Shell) table(columns ...column) {
	for _, c := range columns {
		if len(c.title)+2 <= c.width {
			s.Printf("| %-*s", c.width-1, c.title)
		} else {
			s.Printf("|%-*.*s", c.width, c.width, c.title)
		}
	}
	s.Line("|")
	for _, c := range columns {
		s.Printf("+%s", strings.Repeat("-", c.width))
	}
	s.Line("+")
}

func digit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func (s *Shell) enabled(b bool) {
	if b {
		s.Line("Enabled")
	} else {
		s.Line("Disabled")
	}
}

// percent prints a rate of which 0xffff is all.
func percent(v uint16) string {
	p := uint32(v) * 10000 / 0xffff
	return fmt.Sprintf("%d.%02d", p/100, p%100)
}

// duration prints seconds as [Dd.]hh:mm:ss.
func duration(sec uint64) string { return clock(sec*1000, false) }

// clock prints milliseconds as [Dd.]hh:mm:ss[.mmm] (common/uptime.cpp).
func clock(ms uint64, withMS bool) string {
	const day = 24 * 3600 * 1000
	t := ""
	if d := ms / day; d > 0 {
		t = fmt.Sprintf("%dd.", d)
		ms %= day
	}
	t += fmt.Sprintf("%02d:%02d:%02d", ms/3600000, ms/60000%60, ms/1000%60)
	if withMS {
		t += fmt.Sprintf(".%03d", ms%1000)
	}
	return t
}
