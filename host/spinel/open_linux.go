package spinel

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

// Line is an open way to a co-processor: a file descriptor that is read and written.
type Line struct {
	file *os.File
	kill func()
}

// FD returns the file descriptor, which blocks.
func (l *Line) FD() int { return int(l.file.Fd()) }

// Close closes the line. A child process ends.
func (l *Line) Close() {
	l.file.Close()
	if l.kill != nil {
		l.kill()
	}
}

// Open opens the line of a radio URL.
func Open(u URL) (*Line, error) {
	switch u.Transport {
	case "uart":
		return openUART(u)
	case "forkpty":
		return openChild(u)
	}
	conn, err := net.Dial("tcp", u.Path)
	if err != nil {
		return nil, fmt.Errorf("radio: %w", err)
	}
	defer conn.Close()
	f, err := conn.(*net.TCPConn).File()
	if err != nil {
		return nil, fmt.Errorf("radio: %w", err)
	}
	return &Line{file: f}, nil
}

// Requests and flags of Linux terminals that package syscall does not have.
const (
	tcgets2    = 0x802c542a
	tcsets2    = 0x402c542b
	tiocgptn   = 0x80045430
	tiocsptlck = 0x40045431
	bother     = 0x1000 // the speed is a number of its own
	cbaud      = 0x100f
	crtscts    = 0x80000000
)

// termios2 is the kernel's struct, with speeds as numbers.
type termios2 struct {
	iflag, oflag, cflag, lflag uint32
	line                       byte
	cc                         [19]byte
	ispeed, ospeed             uint32
}

func ioctl(fd uintptr, request uintptr, arg unsafe.Pointer) error {
	if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, fd, request, uintptr(arg)); e != 0 {
		return e
	}
	return nil
}

// raw makes a terminal a plain line of bytes.
func raw(f *os.File, baud int, flow bool) error {
	var t termios2
	if err := ioctl(f.Fd(), tcgets2, unsafe.Pointer(&t)); err != nil {
		return err
	}
	t.iflag, t.oflag, t.lflag = 0, 0, 0
	t.cflag = t.cflag&^(cbaud|cbaud<<16|syscall.CSIZE|syscall.CSTOPB|syscall.PARENB|crtscts) | syscall.CS8 | syscall.CREAD |
		syscall.CLOCAL | syscall.HUPCL
	if t.ispeed, t.ospeed = uint32(baud), uint32(baud); baud > 0 {
		t.cflag |= bother
	}
	if flow {
		t.cflag |= crtscts
	}
	t.cc[syscall.VMIN], t.cc[syscall.VTIME] = 1, 0
	return ioctl(f.Fd(), tcsets2, unsafe.Pointer(&t))
}

func openUART(u URL) (*Line, error) {
	fd, err := syscall.Open(u.Path, syscall.O_RDWR|syscall.O_NOCTTY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("radio: %s: %w", u.Path, err)
	}
	f := os.NewFile(uintptr(fd), u.Path)
	if err := raw(f, u.Baud, u.Flow); err != nil {
		f.Close()
		return nil, fmt.Errorf("radio: %s is no serial line: %w", u.Path, err)
	}
	return &Line{file: f}, nil
}

// openChild starts a program on a pseudo terminal of its own.
func openChild(u URL) (*Line, error) {
	fd, err := syscall.Open("/dev/ptmx", syscall.O_RDWR|syscall.O_NOCTTY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("radio: a pseudo terminal: %w", err)
	}
	master := os.NewFile(uintptr(fd), "ptmx")
	fail := func(what string, err error) (*Line, error) {
		master.Close()
		return nil, fmt.Errorf("radio: %s: %w", what, err)
	}
	var unlock, number int32
	if err := ioctl(master.Fd(), tiocsptlck, unsafe.Pointer(&unlock)); err != nil {
		return fail("a pseudo terminal", err)
	}
	if err := ioctl(master.Fd(), tiocgptn, unsafe.Pointer(&number)); err != nil {
		return fail("a pseudo terminal", err)
	}
	name := "/dev/pts/" + strconv.Itoa(int(number))
	slave, err := os.OpenFile(name, os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return fail("a pseudo terminal", err)
	}
	defer slave.Close()
	if err := raw(slave, 0, false); err != nil {
		return fail(name, err)
	}
	program := u.Path
	if strings.Contains(program, "/") {
		if _, err := os.Stat(program); err != nil {
			return fail("program", err)
		}
	}
	cmd := exec.Command(program, u.Args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true} // it is hung up when we are gone
	if err := cmd.Start(); err != nil {
		return fail(program, err)
	}
	return &Line{file: master, kill: func() {
		_ = cmd.Process.Kill() // it may have ended already
		_ = cmd.Wait()
	}}, nil
}
