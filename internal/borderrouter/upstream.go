package borderrouter

import (
	"bufio"
	"bytes"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"
)

// resolvConf returns the name servers of a file such as /etc/resolv.conf (resolv.conf(5)).
func resolvConf(path string) []netip.AddrPort {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	var list []netip.AddrPort
	for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan() && len(list) < 3; {
		f := strings.Fields(lines.Text())
		if len(f) < 2 || f[0] != "nameserver" {
			continue
		}
		if a, err := netip.ParseAddr(f[1]); err == nil {
			list = append(list, netip.AddrPortFrom(a, 53))
		}
	}
	return list
}

// upstream asks DNS servers. Each query has a socket of its own, whose port nobody can guess (RFC 5452 section 9.2).
type upstream struct {
	slots chan struct{}
}

// answerTime is how long a server has; the forwarder asks again by itself long before.
const answerTime = 5 * time.Second

func newUpstream() *upstream { return &upstream{make(chan struct{}, 256)} }

// ask sends a query and has got called with the answer, from another goroutine, if there is one. message is borrowed.
func (u *upstream) ask(server netip.AddrPort, message []byte, got func(answer []byte)) {
	select {
	case u.slots <- struct{}{}:
	default:
		return // so many: the forwarder tries again
	}
	message = bytes.Clone(message)
	go func() {
		defer func() { <-u.slots }()
		conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(server))
		if err != nil {
			return
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(answerTime))
		if _, err := conn.Write(message); err != nil {
			return
		}
		var b [4096]byte
		for {
			n, err := conn.Read(b[:])
			if err != nil {
				return
			}
			// One with another identifier is not the answer: it was made up by somebody who guesses.
			if n >= 12 && len(message) >= 2 && b[0] == message[0] && b[1] == message[1] {
				got(b[:n])
				return
			}
		}
	}()
}
