package host

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"heddle.example/machine"
)

// What the kernel drops because the owner is busy and the buffer full is counted.
func TestKernelDropsAreCounted(t *testing.T) {
	h := New(Options{ReceiveBuffer: 4096})
	socks := listen(t, h, "127.0.0.1:0")
	o := run(t, h, newEcho(), RunOptions{Sockets: socks})
	c := dial(t, "udp", socks[0].Local().String())
	const n = 200
	o.Do(func(machine.Time) {
		for range n {
			c.Write(make([]byte, 500))
		}
	})
	if got := ask(t, c, "the last"); got != "the last" && len(got) != 500 {
		t.Errorf("answer of %d bytes", len(got))
	}
	st := o.Stats().Sockets[0]
	// The answer may be that to an earlier datagram, while the last one is still on its way.
	for end := time.Now().Add(5 * time.Second); st.KernelDrops+st.Received < n+1 && time.Now().Before(end); st = o.Stats().Sockets[0] {
		time.Sleep(time.Millisecond)
	}
	if st.KernelDrops == 0 || st.KernelDrops+st.Received != n+1 {
		t.Errorf("%d dropped, %d received of %d", st.KernelDrops, st.Received, n+1)
	}
	if st.ReceiveBuffer == 0 {
		t.Error("the size of the receive buffer is not known")
	}
}

func TestZones(t *testing.T) {
	interfaces, err := net.Interfaces()
	if err != nil || len(interfaces) == 0 {
		t.Skip("no interface: ", err)
	}
	i := interfaces[0]
	var z zoneTable
	for range 2 { // the second time from the table
		for _, c := range []struct{ addr, want string }{
			{"fe80::1", "fe80::1%" + i.Name}, {"ff02::1", "ff02::1%" + i.Name}, {"2001:db8::1", "2001:db8::1"}, {"169.254.1.1", "169.254.1.1"},
		} {
			if got := z.with(netip.MustParseAddr(c.addr), uint32(i.Index)); got.String() != c.want {
				t.Errorf("%s on interface %d: %v, want %s", c.addr, i.Index, got, c.want)
			}
		}
		for _, c := range []struct {
			zone string
			want uint32
		}{{i.Name, uint32(i.Index)}, {"", 0}, {"4711", 4711}, {"no such interface", 0}} {
			if got := z.id(c.zone); got != c.want {
				t.Errorf("zone %q is %d, want %d", c.zone, got, c.want)
			}
		}
	}
}

// An answer to a link-local peer goes out on the interface that its zone names.
func TestLinkLocal(t *testing.T) {
	interfaces, _ := net.Interfaces()
	for _, i := range interfaces {
		addrs, _ := i.Addrs()
		for _, a := range addrs {
			p, ok := a.(*net.IPNet)
			if !ok || p.IP.To4() != nil || !p.IP.IsLinkLocalUnicast() || i.Flags&net.FlagUp == 0 {
				continue
			}
			addr, _ := netip.AddrFromSlice(p.IP)
			addr = addr.WithZone(i.Name)
			h := testHost(t)
			for _, on := range []string{":0", netip.AddrPortFrom(addr, 0).String()} {
				socks := listen(t, h, on)
				var path machine.Path
				o := run(t, h, newEcho(), RunOptions{Sockets: socks, OnAction: func(_ machine.Time, a machine.Action) { path = *a.Value.(*machine.Path) }})
				c := dial(t, "udp", netip.AddrPortFrom(addr, socks[0].Local().Port()).String())
				if got := ask(t, c, "event"); got != "event" {
					t.Errorf("answer %q", got)
				}
				o.Do(func(machine.Time) {
					if path.Local.Addr() != addr || path.Remote.Addr() != addr {
						t.Errorf("path %v -> %v, want %v at both ends", path.Remote, path.Local, addr)
					}
				})
			}
			return
		}
	}
	t.Skip("no interface has a link-local IPv6 address")
}
