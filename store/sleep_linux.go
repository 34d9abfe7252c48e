package store

import (
	"syscall"
	"time"
)

// shortSleep sleeps for less than a millisecond. time.Sleep cannot: an idle Go program waits for its timers in
// epoll_wait, which counts in milliseconds.
func shortSleep(d time.Duration) {
	t := syscall.NsecToTimespec(int64(d))
	syscall.Nanosleep(&t, nil)
}
