package load

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// Bar draws progress on one line of a terminal.
type Bar struct {
	mu    sync.Mutex
	w     io.Writer
	width int // of what was drawn last
}

// NewBar returns a bar on w.
func NewBar(w io.Writer) *Bar { return &Bar{w: w} }

// Show draws.
func (b *Bar) Show(p Progress) {
	b.mu.Lock()
	defer b.mu.Unlock()
	part := 0.0
	switch {
	case p.Total > 0:
		part = float64(p.Done) / float64(p.Total)
	case p.Of > 0:
		part = float64(p.Elapsed) / float64(p.Of)
	}
	const cells = 24
	full := int(min(max(part, 0), 1) * cells)
	line := fmt.Sprintf("%-20s [%s%s] %3.0f %%", p.Phase, strings.Repeat("#", full), strings.Repeat(".", cells-full), min(part, 1)*100)
	if p.Rate > 0 {
		line += fmt.Sprintf("  %.0f/s", p.Rate)
	}
	if p.Elapsed > 0 {
		line += fmt.Sprintf("  %s", p.Elapsed.Round(100*time.Millisecond))
	}
	fmt.Fprintf(b.w, "\r%-*s", b.width, line)
	b.width = len(line)
}

// Clear takes the line away.
func (b *Bar) Clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.width > 0 {
		fmt.Fprintf(b.w, "\r%*s\r", b.width, "")
		b.width = 0
	}
}
