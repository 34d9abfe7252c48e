package shell

import (
	"fmt"
	"strings"
	"time"

	"heddle.example/thread/info"
)

// dumpWidth is how wide a dump of bytes is in a log (OpenThread common/log.cpp).
const dumpWidth = 72

// certified prints a line of a reference device's log, and the bytes of the message, 16 in a row.
func (s *Shell) certified(v *info.Certified) {
	head := clock(uint64(v.At/time.Millisecond), true) + " [-] --------------: "
	if len(v.Payload) == 0 {
		s.Line("%s%s", head, v.Text)
		return
	}
	for _, l := range dump(v.Text, v.Payload) {
		s.Line("%s%s", head, l)
	}
}

func dump(title string, b []byte) []string {
	title = fmt.Sprintf("[%s | len=%03d]", title, len(b))
	left := max(0, dumpWidth-len(title)) / 2
	lines := []string{strings.Repeat("=", left) + title + strings.Repeat("=", max(0, dumpWidth-len(title)-left))}
	for ; len(b) > 0; b = b[min(16, len(b)):] {
		var row, text strings.Builder
		row.WriteByte('|')
		for i := range 16 {
			if i < len(b) {
				fmt.Fprintf(&row, " %02X", b[i])
				if c := b[i]; c < ' ' || c > '~' {
					text.WriteByte('.')
				} else {
					text.WriteByte(c)
				}
			} else {
				row.WriteString("   ")
				text.WriteByte(' ')
			}
			if i%8 == 7 {
				row.WriteString(" |")
			}
		}
		lines = append(lines, row.String()+" "+text.String()+" |")
	}
	return append(lines, strings.Repeat("-", dumpWidth))
}
