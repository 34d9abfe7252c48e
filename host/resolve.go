package host

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// Resolve returns the addresses of a host name or of an IP literal (with or without brackets, with a zone), in the
// resolver's order.
func (h *Host) Resolve(ctx context.Context, name string) ([]netip.Addr, error) {
	literal := strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	if a, err := netip.ParseAddr(literal); err == nil {
		return []netip.Addr{a.Unmap()}, nil
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name)
	if err != nil {
		return nil, fmt.Errorf("host: cannot find the address of %q: %w", name, err)
	}
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	return addrs, nil
}
