package simulate

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// Bar draws progress on one line of a terminal.
type Bar struct {
	w     io.Writer
	width int
}

// NewBar returns a bar on w.
func NewBar(w io.Writer) *Bar { return &Bar{w: w} }

// Show draws.
func (b *Bar) Show(p Progress) {
	const cells = 24
	part := 0.0
	if p.Of > 0 {
		part = float64(p.Virtual) / float64(p.Of)
	}
	full := int(min(max(part, 0), 1) * cells)
	line := fmt.Sprintf("[%s%s] %v of %v", strings.Repeat("#", full), strings.Repeat(".", cells-full), p.Virtual.Round(time.Second), p.Of)
	if p.Real > 0 {
		line += fmt.Sprintf("  x%.0f", float64(p.Virtual)/float64(p.Real))
	}
	line += fmt.Sprintf("  %d/%d attached, %d routers, %d partitions", p.Attached, p.Nodes, p.Routers, p.Partitions)
	fmt.Fprintf(b.w, "\r%-*s", b.width, line)
	b.width = len(line)
}

// Clear takes the line away.
func (b *Bar) Clear() {
	if b.width > 0 {
		fmt.Fprintf(b.w, "\r%*s\r", b.width, "")
		b.width = 0
	}
}
