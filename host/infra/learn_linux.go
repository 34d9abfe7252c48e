package infra

import (
	"os"
	"strings"
)

// A system that routes learns nothing from router advertisements, unless it is told to: neither an address of the link's
// prefix, which our own advertisements give it, too, nor routes through other routers (linux/Documentation/networking/
// ip-sysctl.rst). A user who has turned that off altogether keeps it off.
var learning = []struct{ name, from, to string }{
	{"accept_ra", "1", "2"},
	{"accept_ra_rt_info_max_plen", "0", "64"},
}

// learn has the system do so, and returns what takes it back.
func learn(name string) (restore func()) {
	var changed []string
	for i, l := range learning {
		path := "/proc/sys/net/ipv6/conf/" + name + "/" + l.name
		b, err := os.ReadFile(path)
		if err != nil || strings.TrimSpace(string(b)) != l.from {
			if i == 0 && strings.TrimSpace(string(b)) != l.to {
				break
			}
			continue
		}
		if os.WriteFile(path, []byte(l.to), 0) == nil {
			changed = append(changed, path+" "+l.from)
		}
	}
	return func() {
		for _, c := range changed {
			path, value, _ := strings.Cut(c, " ")
			_ = os.WriteFile(path, []byte(value), 0) // the interface may be gone
		}
	}
}
