package spinel

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// URL says where a co-processor is, as OpenThread's radio URLs do:
//
//	spinel+hdlc+uart:///dev/ttyACM0?uart-baudrate=460800
//	spinel+hdlc+forkpty:///usr/bin/ot-rcp?forkpty-arg=1
//	spinel+hdlc+tcp://192.168.1.7:9999
//
// baud and arg are short for uart-baudrate and forkpty-arg; a query without names is the program's arguments.
type URL struct {
	Transport string // uart, forkpty or tcp
	Path      string // device, program, or host and port
	Args      []string
	Baud      int
	Flow      bool // RTS and CTS
}

const defaultBaud = 460800

// ParseURL reads a radio URL.
func ParseURL(s string) (u URL, err error) {
	scheme, rest, ok := strings.Cut(s, "://")
	transport, isHDLC := strings.CutPrefix(scheme, "spinel+hdlc+")
	if !ok || !isHDLC {
		return u, fmt.Errorf("radio URL %q: want spinel+hdlc+uart://, spinel+hdlc+forkpty:// or spinel+hdlc+tcp://", s)
	}
	path, query, _ := strings.Cut(rest, "?")
	u = URL{Transport: transport, Baud: defaultBaud}
	if u.Path, err = url.PathUnescape(path); err != nil || u.Path == "" {
		return u, fmt.Errorf("radio URL %q: no device, program or host", s)
	}
	switch transport {
	case "uart", "forkpty", "tcp":
	default:
		return u, fmt.Errorf("radio URL %q: %s is no way to a radio co-processor; uart, forkpty and tcp are", s, transport)
	}
	for _, part := range strings.Split(query, "&") {
		if part == "" {
			continue
		}
		name, value, named := strings.Cut(part, "=")
		if value, err = url.QueryUnescape(value); err != nil {
			return u, fmt.Errorf("radio URL %q: %w", s, err)
		}
		switch name {
		case "forkpty-arg", "arg":
			u.Args = append(u.Args, value)
		case "uart-baudrate", "baud":
			if u.Baud, err = strconv.Atoi(value); err != nil || u.Baud <= 0 {
				return u, fmt.Errorf("radio URL %q: %q is no baud rate", s, value)
			}
		case "uart-flow-control":
			u.Flow = true
		default:
			if named || transport != "forkpty" {
				return u, fmt.Errorf("radio URL %q: %w: %s", s, errOption, name)
			}
			u.Args = append(u.Args, strings.Fields(strings.ReplaceAll(name, "+", " "))...)
		}
	}
	return u, nil
}

var errOption = errors.New("no such option")
