package cli

import "strings"

// lineEditor is what a terminal adds to the node's prompt: the line can be edited, recalled and completed. What is typed
// plainly is echoed plainly, so that a script behind a terminal sees what it sees on a pipe; only the keys that OpenThread
// knows nothing of move the cursor.
type lineEditor struct {
	complete func(line string) []string
	line     []rune
	at       int // the cursor
	history  []string
	recall   int // entry of the history that is shown; len(history): the new line
	saved    string
	escape   []byte // of an escape sequence that is not over
	rest     []byte // of a character that is not over
	last     byte
	out      []byte
}

// historyLimit is how many lines are kept.
const historyLimit = 500

// take takes in what was typed and returns what the shell is to read, whole lines and control characters, and what the
// terminal is to show.
func (e *lineEditor) take(b []byte) (lines, echo []byte) {
	e.out = e.out[:0]
	for _, c := range b {
		last := e.last
		e.last = c
		switch {
		case len(e.escape) > 0:
			e.sequence(c)
		case c == 0x1b:
			e.escape = append(e.escape, c)
		case c == '\n' && last == '\r':
		case c == '\r' || c == '\n':
			e.move(len(e.line))
			e.show("\r\n")
			e.keep()
			lines = append(append(lines, string(e.line)...), '\n')
			e.line, e.at = e.line[:0], 0
		case c == 0x03, c == 0x04 && len(e.line) == 0:
			lines = append(lines, c)
		case c == 0x04:
			e.remove(e.at, min(e.at+1, len(e.line)))
		case c == '\b' || c == 127:
			e.remove(max(0, e.at-1), e.at)
		case c == '\t':
			e.tab()
		case c == 0x01:
			e.move(0)
		case c == 0x05:
			e.move(len(e.line))
		case c == 0x0b:
			e.remove(e.at, len(e.line))
		case c == 0x15:
			e.remove(0, e.at)
		case c == 0x17:
			e.remove(wordStart(e.line, e.at), e.at)
		case c >= 0x80:
			e.rest = append(e.rest, c)
			if r := []rune(string(e.rest)); len(r) == 1 && r[0] != 0xfffd || len(e.rest) == 4 {
				e.insert(string(e.rest))
				e.rest = e.rest[:0]
			}
		case c >= ' ':
			e.insert(string(rune(c)))
		}
	}
	return lines, e.out
}

func wordStart(line []rune, at int) int {
	for at > 0 && line[at-1] == ' ' {
		at--
	}
	for at > 0 && line[at-1] != ' ' {
		at--
	}
	return at
}

func (e *lineEditor) show(s string) { e.out = append(e.out, s...) }

// sequence takes in a byte of an escape sequence: arrows, Home, End, Delete.
func (e *lineEditor) sequence(c byte) {
	e.escape = append(e.escape, c)
	if len(e.escape) == 2 && (c == '[' || c == 'O') || len(e.escape) > 2 && (c >= '0' && c <= '9' || c == ';') && len(e.escape) < 8 {
		return
	}
	s := string(e.escape[1:])
	e.escape = e.escape[:0]
	switch s {
	case "[A", "OA":
		e.showEntry(e.recall - 1)
	case "[B", "OB":
		e.showEntry(e.recall + 1)
	case "[C", "OC":
		e.move(min(e.at+1, len(e.line)))
	case "[D", "OD":
		e.move(max(0, e.at-1))
	case "[H", "OH", "[1~":
		e.move(0)
	case "[F", "OF", "[4~":
		e.move(len(e.line))
	case "[3~":
		e.remove(e.at, min(e.at+1, len(e.line)))
	}
}

// keep adds the line to the history.
func (e *lineEditor) keep() {
	if s := string(e.line); strings.TrimSpace(s) != "" && (len(e.history) == 0 || e.history[len(e.history)-1] != s) {
		e.history = append(e.history, s)
		if len(e.history) > historyLimit {
			e.history = e.history[1:]
		}
	}
	e.recall = len(e.history)
}

// showEntry shows an entry of the history.
func (e *lineEditor) showEntry(i int) {
	if i < 0 || i > len(e.history) {
		return
	}
	if e.recall == len(e.history) {
		e.saved = string(e.line)
	}
	s := e.saved
	if i < len(e.history) {
		s = e.history[i]
	}
	e.recall = i
	e.remove(0, len(e.line))
	e.insert(s)
}

func (e *lineEditor) insert(s string) {
	r := []rune(s)
	tail := append([]rune(nil), e.line[e.at:]...)
	e.line = append(append(e.line[:e.at], r...), tail...)
	e.at += len(r)
	e.show(s)
	e.show(string(tail))
	e.back(len(tail))
}

// remove takes out what is between two places, of which the cursor is at one or both.
func (e *lineEditor) remove(from, to int) {
	if from == to {
		return
	}
	if from == e.at-1 && to == len(e.line) { // as OpenThread's prompt does it
		e.show("\b \b")
		e.line, e.at = e.line[:from], from
		return
	}
	e.move(from)
	tail := append([]rune(nil), e.line[to:]...)
	e.line = append(e.line[:from], tail...)
	e.show(string(tail))
	e.show(strings.Repeat(" ", to-from))
	e.back(len(tail) + to - from)
}

func (e *lineEditor) back(n int) { e.show(strings.Repeat("\b", n)) }

// move moves the cursor.
func (e *lineEditor) move(to int) {
	if to < e.at {
		e.back(e.at - to)
	} else {
		e.show(string(e.line[e.at:to]))
	}
	e.at = to
}

// tab completes the word before the cursor, or lists what it could be.
func (e *lineEditor) tab() {
	before := string(e.line[:e.at])
	fit := e.complete(before)
	if len(fit) == 0 {
		return
	}
	word := before[strings.LastIndexByte(before, ' ')+1:]
	common := fit[0]
	for _, f := range fit[1:] {
		for !strings.HasPrefix(f, common) {
			common = common[:len(common)-1]
		}
	}
	switch {
	case len(fit) == 1:
		e.insert(fit[0][len(word):] + " ")
	case len(common) > len(word):
		e.insert(common[len(word):])
	default:
		e.show("\r\n" + strings.Join(fit, "  ") + "\r\n> ")
		e.redraw()
	}
}

func (e *lineEditor) redraw() {
	e.show(string(e.line))
	e.back(len(e.line) - e.at)
}

// around returns what is to be shown when the node prints while a line is typed: the line stands behind it again.
func (e *lineEditor) around(b []byte) []byte {
	if len(e.line) == 0 {
		return b
	}
	e.out = append(e.out[:0], "\r\x1b[K"...)
	e.out = append(e.out, b...)
	if !strings.HasSuffix(string(b), "> ") {
		e.show("> ")
	}
	e.redraw()
	return e.out
}
