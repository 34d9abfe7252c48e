package radio

import (
	"syscall"
	"time"
	"unsafe"
)

type pollFD struct {
	fd      int32
	events  int16
	revents int16
}

const (
	pollIn = 1
	// prSetTimerslack: by default the kernel may wake a thread 50 us late.
	prSetTimerslack = 29
)

func sharpTimers() { _, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, prSetTimerslack, 1, 0) }

// poll waits until one of fds can be read, for at most d; a negative d is for ever. Go's own timers come a millisecond
// late to an idle process, which is more than an acknowledgement may take at speed 40.
func poll(fds []pollFD, d time.Duration) bool {
	for i := range fds {
		fds[i].events, fds[i].revents = pollIn, 0
	}
	var ts *syscall.Timespec
	if d >= 0 {
		t := syscall.NsecToTimespec(int64(d))
		ts = &t
	}
	n, _, _ := syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&fds[0])), uintptr(len(fds)), uintptr(unsafe.Pointer(ts)), 0, 0, 0)
	return int(n) > 0
}

// wakeup is a pipe that ends another thread's poll.
type wakeup struct{ r, w int }

func newWakeup() (wakeup, error) {
	var p [2]int
	err := syscall.Pipe2(p[:], syscall.O_NONBLOCK|syscall.O_CLOEXEC)
	return wakeup{p[0], p[1]}, err
}

func (w wakeup) wake() { _, _ = syscall.Write(w.w, []byte{0}) }

func (w wakeup) clear() {
	var b [64]byte
	for {
		if n, err := syscall.Read(w.r, b[:]); n < len(b) && err != syscall.EINTR {
			return
		}
	}
}

func (w wakeup) close() {
	_ = syscall.Close(w.r)
	_ = syscall.Close(w.w)
}

// readInput reads what there is; nothing is the end.
func readInput(fd int, b []byte) []byte {
	for {
		n, err := syscall.Read(fd, b)
		if err == syscall.EINTR {
			continue
		}
		if err == syscall.EAGAIN {
			return b[:0:0]
		}
		return b[:max(0, n)]
	}
}
