package load

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// processStat is what the system knows of a process (Linux).
type processStat struct {
	cpu        time.Duration // user and system, of all its threads so far
	residentMB float64
	ok         bool
}

// clockTick is the unit of times in /proc/PID/stat. It is 10 ms on all architectures that Go runs on (USER_HZ).
const clockTick = 10 * time.Millisecond

// stat reads /proc. Process 0 is none.
func stat(pid int) (s processStat) {
	if pid == 0 {
		return s
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return s
	}
	// The name, in parentheses, may hold anything; what follows the last parenthesis are fields 3 and up.
	f := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	if len(f) < 22 {
		return s
	}
	user, err1 := strconv.ParseInt(string(f[11]), 10, 64)
	system, err2 := strconv.ParseInt(string(f[12]), 10, 64)
	if err1 != nil || err2 != nil {
		return s
	}
	s.cpu = time.Duration(user+system) * clockTick
	s.residentMB, s.ok = Resident(pid), true
	return s
}

// Resident returns the resident set size in MiB; smaps_rollup is exact where the other one lags behind.
func Resident(pid int) float64 {
	for _, c := range []struct{ file, field string }{
		{fmt.Sprintf("/proc/%d/smaps_rollup", pid), "\nRss:"},
		{fmt.Sprintf("/proc/%d/status", pid), "\nVmRSS:"},
	} {
		b, err := os.ReadFile(c.file)
		if err != nil {
			continue
		}
		if _, rest, ok := bytes.Cut(b, []byte(c.field)); ok {
			if f := bytes.Fields(rest); len(f) > 0 {
				if kb, err := strconv.ParseFloat(string(f[0]), 64); err == nil {
					return kb / 1024
				}
			}
		}
	}
	return 0
}
